"""Vectors as a type of Numba's: source that is written for a scalar compiles to explicit SIMD code.

``Vector(dtype, lanes)`` is a vector of LLVM's. It has the operators of a number, lane by lane, and a number among the
operands stands for a vector of it. ``numbaexp.vector.operations`` has what has no operator, each for numbers too;
``numbaexp.vector.memory`` loads and stores, ``numbaexp.vector.table`` looks up, and ``numbaexp.vector.level`` tells
which instructions a processor has.
"""
