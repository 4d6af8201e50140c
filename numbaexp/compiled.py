"""The public functions inside code that users compile: there they are the scalars."""

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.core.target_extension import current_target
from numba.core.typing.templates import builtin_registry
from numba.extending import intrinsic

from numbaexp import __version__, functions
from numbaexp.cpu.undecided import trailing_zeros
from numbaexp.jit import overload, subroutine
from numbaexp.scalar.family import FAMILY
from numbaexp.scalar.ieee import MAGNITUDE_F64, scalar
from numbaexp.vector.operations import bits_of

_DOUBLE = ir.DoubleType()
_WORD = ir.IntType(64)
# Lanes of the vectors of float64 that loops are compiled to.
_WIDTHS = (2, 4, 8)

# A call in a loop spills every vector register, but for those that a calling convention keeps: on x86 this one keeps
# half of them, and makes the loop a tenth faster (Windows, where it differs, was not tried). LLVM gives the calls that
# its vectorizer makes the convention of their function from version 22 on; before, they must have the usual one.
_X86_CONVENTION = "intel_ocl_bicc" if llvm.llvm_version_info[0] >= 22 else ""


class _Attributes(ir.values.FunctionAttributes):
    """Attributes that llvmlite has no names for."""

    def __init__(self, *names):
        self._known: frozenset[str] = frozenset(names)
        super().__init__(names)


_PURE = ("noinline", "nounwind", "willreturn", "memory(none)")


def _rarely(name, settled):
    """``settled(x, y, n, wanted)``, which does those of ``n`` float64 at one address to another for which ``wanted``
    has a bit, as a function of one float64 that stands in a branch of a loop, and of which LLVM's vectorizer knows
    vector variants.

    So a loop whose ordinary elements need no branch becomes SIMD code, with one call a vector that returns at once
    unless the vector has a lane that is not ordinary.
    """
    # Users' code that was cached under another version has symbols of that.
    symbol = f"numbaexp_{name}_f64_{__version__.replace('.', '_')}"
    pointer = types.CPointer(types.float64)
    done = types.void(pointer, pointer, types.intp, types.uint64)

    def call_settled(context, builder, x, y, count, wanted):
        callee = subroutine(context, builder, settled, done)
        context.call_conv.call_function(builder, callee, done.return_type, done.args, [x, y, _WORD(count), wanted])

    def variant_name(width):
        return f"{symbol}_{width}"

    def define_variant(context, module, width, convention):
        vector, mask = ir.VectorType(_DOUBLE, width), ir.VectorType(ir.IntType(1), width)
        function = ir.Function(module, ir.FunctionType(vector, [vector, mask]), variant_name(width))
        function.linkage, function.calling_convention = "weak_odr", convention
        function.attributes = _Attributes(*_PURE)
        x, wanted = function.args
        builder = ir.IRBuilder(function.append_basic_block())
        bits = builder.bitcast(wanted, ir.IntType(width))
        with builder.if_then(builder.icmp_unsigned("!=", bits, bits.type(0)), likely=False):
            places = [builder.alloca(vector) for _ in range(2)]
            builder.store(x, places[0])
            source, target = (builder.bitcast(place, _DOUBLE.as_pointer()) for place in places)
            call_settled(context, builder, source, target, width, builder.zext(bits, _WORD))
            builder.ret(builder.load(places[1]))
        builder.ret(x)

    def define(context, module):
        function = ir.Function(module, ir.FunctionType(_DOUBLE, [_DOUBLE]), symbol)
        function.linkage = "weak_odr"
        variants = ",".join(f"_ZGV_LLVM_M{width}v_{symbol}({variant_name(width)})" for width in _WIDTHS)
        function.attributes = _Attributes(*_PURE, f'"vector-function-abi-variant"="{variants}"')
        builder = ir.IRBuilder(function.append_basic_block())
        source, target = (builder.alloca(_DOUBLE) for _ in range(2))
        builder.store(function.args[0], source)
        call_settled(context, builder, source, target, 1, _WORD(1))
        builder.ret(builder.load(target))
        machine, _, system = module.triple.partition("-")
        convention = _X86_CONVENTION if machine == "x86_64" and "windows" not in system else ""
        for width in _WIDTHS:
            define_variant(context, module, width, convention)

    @intrinsic
    def rarely(typingctx, x):
        def codegen(context, builder, signature, args):
            if symbol not in builder.module.globals:
                define(context, builder.module)
            return builder.call(builder.module.globals[symbol], args)

        return types.float64(types.float64), codegen

    return rarely


def _in_loops(name, row):
    """A row of the table for float64, as a scalar that gives one result and leaves a loop around it SIMD code."""
    if row.accurate is None:
        return row.whole
    whole, inner, accurate, limit = row.whole, row.inner, row.accurate, np.int64(row.limit)

    @scalar
    def is_inner(x):
        return (bits_of(x) & MAGNITUDE_F64) <= limit

    def settled(x, y, n, wanted):
        source, target = carray(x, n), carray(y, n)
        while wanted:
            i = trailing_zeros(wanted)
            result, other, _, _ = whole(source[i])
            target[i] = result if bits_of(result) == bits_of(other) else accurate(source[i])
            wanted &= wanted - np.uint64(1)

    settled.__qualname__ = f"settled_{name}"
    rarely = _rarely(name, settled)

    @scalar
    def rounded(x):
        ordinary = is_inner(x)
        result, other = inner(x if ordinary else 0.0)
        if not ordinary or bits_of(result) != bits_of(other):
            result = rarely(x)
        return result

    return rounded


def _register(name, row):
    in_float32, in_float64 = row["float32"].whole, _in_loops(name, row["float64"])

    def stand_in(x):
        """Stands for the public function where Numba types it: the function itself would pass for a ufunc."""

    stand_in.__name__ = stand_in.__qualname__ = name

    @overload(stand_in)
    def of_scalar(x):
        if current_target() == "cuda":
            from numbaexp.cuda.in_kernels import scalar_for

            return scalar_for(name, x)
        if x == types.float32:
            return in_float32.py_func
        if x == types.float64:
            return in_float64.py_func
        if isinstance(x, (types.Integer, types.Boolean)):
            return lambda x: in_float64(np.float64(x))
        return None

    typed = next(kind for value, kind in reversed(builtin_registry.globals) if value is stand_in)
    builtin_registry.register_global(getattr(functions, name), typed)


for _name, _row in FAMILY.items():
    _register(_name, _row)
