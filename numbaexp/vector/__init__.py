"""Vectors as a type of Numba's: source that is written for a number compiles to explicit SIMD code.

``Vector(dtype, lanes)`` is a vector of LLVM's, of booleans, integers, float32 or float64, of any power of two of lanes;
LLVM splits vectors wider than registers. A function of numbers, called with vectors, computes each lane as the number:

- ``type`` has the type and its operators: arithmetic, comparisons (which give a mask, a vector of booleans), bitwise
  operations and shifts.
- ``operations`` has those without an operator: ``fma``, bit patterns, ``where``, conversions, sums of lanes and more,
  of numbers and vectors alike. ``scale`` alone needs AVX-512, and ``greater_magnitude`` takes vectors only.
- ``memory`` loads and stores at addresses, ``table`` looks up a few floats.
- ``level`` tells which instructions a processor has.

A number among the operands is broadcast, and must be of the type of the lanes, as two vectors must be of one type; all
else fails in typing. Numba promotes numbers of two types, and that would give the same source other bits.
Integers keep the width of their lanes, where Numba computes the numbers in 64 bits: ``as_number`` narrows these.

There are no minimum and maximum: instructions for them differ in their results for a NaN, and raise the flag "invalid"
for one. Bit patterns are compared and chosen by ``where``.
"""
