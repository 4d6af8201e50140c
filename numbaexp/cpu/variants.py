"""Functions of a number that remain calls in loops, and variants of whole vectors that LLVM's vectorizer calls instead.

A loop of a user's over such a function becomes SIMD code with one call a vector, and the code of the call is explicit
vectors of a whole register: LLVM's attribute ``vector-function-abi-variant`` names them.
"""

from typing import Any, NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaexp.jit import subroutine
from numbaexp.vector.intrinsics import call
from numbaexp.vector.level import AVX512, Level, level_for
from numbaexp.vector.type import Vector, element
from numbaexp.version import __version__

_PURE = ("noinline", "nounwind", "willreturn", "memory(none)")


class Variants(NamedTuple):
    """A function and its variants at a level.

    ``compute`` takes a float, and vectors of as many lanes as a register has. With ``conditional`` the function is
    called under conditions alone, and needs no variants for other calls.
    """

    name: str
    number: Any
    compute: Any
    level: Level
    conditional: bool = False

    @property
    def lanes(self) -> int:
        """Return the lanes of a register."""
        return self.level.lanes(self.number.bitwidth // 8)

    @property
    def widths(self) -> list[int]:
        """Return the lanes of the vectors that loops are made of: a register of float64, of float32, or half of one,
        where LLVM prefers that."""
        return [width for width in map(self.level.lanes, (16, 8, 4)) if width > 1]


def symbol_of(name: str) -> str:
    """Return a name for compiled code: users' code that was cached under another version has names of that."""
    return f"numbaexp_{name}_{__version__.replace('.', '_')}"


def _add_attribute(function: Any, attribute: str) -> None:
    """Add an attribute, whether llvmlite knows it or not."""
    attributes = function.attributes
    attributes._known = attributes._known | {attribute}
    attributes.add(attribute)


def _convention(context: Any, number: Any, lanes: int) -> str:
    """Return the calling convention of a function of a number, or of so many lanes.

    The usual convention lets a call change every vector register. This one of x86 keeps half of them, and makes a loop
    a tenth faster (on Windows, where it differs, it was not tried). LLVM gives the calls that its
    vectorizer makes the convention of their function from version 22 on; before, they must have the usual one.

    With AVX a function that does not return 32 bytes may end with ``vzeroupper``, in spite of what it is to keep. That
    leaves registers 16 to 31 alone, which are those that are kept with AVX-512.
    """
    machine, _, system = context.codegen().magic_tuple()[0].partition("-")
    keeps = level_for(context) is AVX512 or lanes * number.bitwidth >= 256
    known = machine == "x86_64" and "windows" not in system and llvm.llvm_version_info[0] >= 22
    return "intel_ocl_bicc" if known and keeps else ""


def _declare(context: Any, module: Any, name: str, number: Any, lanes: int, masked: bool = False) -> Any:
    """Declare a function of a number, or of so many lanes, which several modules may define."""
    kind = context.get_value_type(Vector(number, lanes) if lanes > 1 else number)
    mask = [Vector(types.boolean, lanes).llvm] if masked else []
    function = ir.Function(module, ir.FunctionType(kind, [kind, *mask]), name)
    function.linkage, function.calling_convention = "weak_odr", _convention(context, number, lanes)
    for attribute in _PURE:
        _add_attribute(function, attribute)
    return function


def _call(builder: Any, function: Any, args: Any) -> Any:
    return builder.call(function, args, cconv=function.calling_convention)


def make_function(variants: Variants) -> Any:
    """Return ``function(x)``, of a number: a call, which a loop makes to whole vectors."""
    symbol = symbol_of(variants.name)

    @intrinsic
    def function(typingctx, x):
        def codegen(context, builder, signature, args):
            if symbol not in builder.module.globals:
                _define(context, builder.module, variants, symbol)
            return _call(builder, builder.module.globals[symbol], args)

        return variants.number(variants.number), codegen

    return function


def _define(context: Any, module: Any, variants: Variants, symbol: str) -> None:
    scalar = _define_computed(context, module, variants, symbol, 1)
    register = _define_computed(context, module, variants, f"{symbol}_register", variants.lanes)
    names = []
    for letter in "M" if variants.conditional else "NM":
        for width in variants.widths:
            variant = _declare(context, module, f"{symbol}_{letter}{width}", variants.number, width, letter == "M")
            _define_variant(variant, register)
            names.append(f"_ZGV_LLVM_{letter}{width}v_{symbol}({variant.name})")
    _add_attribute(scalar, f'"vector-function-abi-variant"="{",".join(names)}"')


def _define_computed(context: Any, module: Any, variants: Variants, name: str, lanes: int) -> Any:
    """Define a function that computes a number, or so many lanes."""
    kind = Vector(variants.number, lanes) if lanes > 1 else variants.number
    function = _declare(context, module, name, variants.number, lanes)
    builder = ir.IRBuilder(function.append_basic_block())
    callee = subroutine(context, builder, variants.compute, kind(kind), inline=True)
    _, result = context.call_conv.call_function(builder, callee, kind, (kind,), function.args)
    builder.ret(result)
    return function


def _define_variant(variant: Any, register: Any) -> None:
    """Define a variant by the function of as many lanes as a register has.

    Lanes that a mask leaves out are not computed: the argument may be anything there.
    """
    x, *mask = variant.args
    width, lanes = x.type.count, register.args[0].type.count
    builder = ir.IRBuilder(variant.append_basic_block())
    for wanted in mask:
        bits = builder.bitcast(wanted, ir.IntType(width))
        with builder.if_then(builder.icmp_unsigned("==", bits, bits.type(0))):
            builder.ret(x)
        x = builder.select(wanted, x, ir.Constant(x.type, [1.0] * width))
    parts = [_call(builder, register, [_lanes(builder, x, start, lanes)]) for start in range(0, width, lanes)]
    while len(parts) > 1:
        parts = [_joined(builder, *pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
    builder.ret(_lanes(builder, parts[0], 0, width))


def _lanes(builder: Any, vector: Any, start: int, count: int) -> Any:
    """Emit so many lanes from one on; after the last comes the first again."""
    given = vector.type.count
    indices = ir.Constant(ir.VectorType(ir.IntType(32), count), [(start + lane) % given for lane in range(count)])
    return builder.shuffle_vector(vector, vector, indices)


def _joined(builder: Any, first: Any, second: Any) -> Any:
    lanes = 2 * first.type.count
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(ir.IntType(32), lanes), list(range(lanes))))


def make_settled(settle: Any) -> Any:
    """Return ``settled(x)``, of a number or a vector, by ``settle(x, y, n)`` from one address to another, which is not
    inlined."""

    @intrinsic
    def settled(typingctx, x):
        pointer = types.CPointer(element(x))
        done = types.void(pointer, pointer, types.intp)

        def codegen(context, builder, signature, args):
            with builder.goto_entry_block():
                slots = [builder.alloca(args[0].type) for _ in range(2)]
            builder.store(args[0], slots[0])
            number = context.get_value_type(element(x))
            source, target = (builder.bitcast(slot, number.as_pointer()) for slot in slots)
            lanes = ir.IntType(64)(x.lanes if isinstance(x, Vector) else 1)
            callee = subroutine(context, builder, settle, done)
            given = [source, target, lanes]
            context.call_conv.call_function(builder, callee, done.return_type, done.args, given, attrs=("noinline",))
            return builder.load(slots[1])

        return x(x), codegen

    return settled


@intrinsic
def seldom(typingctx, condition):
    """Return a condition, which the compiler takes to be seldom true."""

    def codegen(context, builder, signature, args):
        truth = ir.IntType(1)
        return call(builder, "llvm.expect.i1", truth, args[0], truth(0))

    return types.boolean(types.boolean), codegen


def prefer_whole_registers_of(context: Any, builder: Any) -> None:
    """Have LLVM vectorize the loops of the function that is being emitted with 512 bits, where the processor has them:
    for many of these LLVM prefers 256."""
    if level_for(context) is AVX512:
        _add_attribute(builder.function, '"prefer-vector-width"="512"')


@intrinsic
def prefer_whole_registers(typingctx):
    """Have LLVM vectorize the calling function's loops with whole registers."""

    def codegen(context, builder, signature, args):
        prefer_whole_registers_of(context, builder)
        return context.get_dummy_value()

    return types.none(), codegen
