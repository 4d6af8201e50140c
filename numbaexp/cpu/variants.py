"""Functions of a number that remain calls in loops, and variants of whole vectors that LLVM's vectorizer calls instead.

A loop of a user's over such a function becomes SIMD code with one call a vector, and the code of the call is explicit
vectors of a whole register: LLVM's attribute ``vector-function-abi-variant`` names them.
"""

from typing import Any, NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic

from numbaexp import __version__
from numbaexp.jit import subroutine
from numbaexp.vector.level import AVX512, Level, current_level
from numbaexp.vector.operations import element
from numbaexp.vector.type import Vector

# A call in a loop spills every vector register, but for those that a calling convention keeps: on x86 this one keeps
# half of them, and makes the loop a tenth faster (Windows, where it differs, was not tried). LLVM gives the calls that
# its vectorizer makes the convention of their function from version 22 on; before, they must have the usual one.
_X86_CONVENTION = "intel_ocl_bicc" if llvm.llvm_version_info[0] >= 22 else ""

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
        """The lanes of a register."""
        return self.level.lanes(self.number.bitwidth // 8)

    @property
    def widths(self) -> list[int]:
        """The lanes of the vectors that loops are made of: a register of float64, of float32, or half of one, where
        LLVM prefers that."""
        return [width for width in map(self.level.lanes, (16, 8, 4)) if width > 1]


def symbol_of(name: str) -> str:
    """Return a name for compiled code: users' code that was cached under another version has names of that."""
    return f"numbaexp_{name}_{__version__.replace('.', '_')}"


def _add_attribute(function: Any, attribute: str) -> None:
    """Add an attribute that llvmlite need not know."""
    attributes = function.attributes
    attributes._known = attributes._known | {attribute}
    attributes.add(attribute)


def _declare(module: Any, name: str, args: Any) -> Any:
    """Declare a function that returns the type of its first argument, and may be in several modules."""
    machine, _, system = module.triple.partition("-")
    function = ir.Function(module, ir.FunctionType(args[0], args), name)
    function.linkage = "weak_odr"
    function.calling_convention = _X86_CONVENTION if machine == "x86_64" and "windows" not in system else ""
    for attribute in _PURE:
        _add_attribute(function, attribute)
    return function


def _call(builder: Any, function: Any, args: Any) -> Any:
    return builder.call(function, args, cconv=function.calling_convention)


def make_function(variants: Variants) -> Any:
    """Return ``function(x)``, of a number."""
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
    scalar = _define_computed(context, module, variants, symbol, variants.number)
    register = _define_computed(
        context, module, variants, f"{symbol}_register", Vector(variants.number, variants.lanes)
    )
    names = []
    for letter in "M" if variants.conditional else "NM":
        for width in variants.widths:
            variant = _define_variant(module, f"{symbol}_{letter}{width}", register, width, letter == "M")
            names.append(f"_ZGV_LLVM_{letter}{width}v_{symbol}({variant.name})")
    _add_attribute(scalar, f'"vector-function-abi-variant"="{",".join(names)}"')


def _define_computed(context: Any, module: Any, variants: Variants, name: str, kind: Any) -> Any:
    """Define a function that computes a number, or a vector of a register."""
    function = _declare(module, name, [context.get_value_type(kind)])
    builder = ir.IRBuilder(function.append_basic_block())
    callee = subroutine(context, builder, variants.compute, kind(kind), inline=True)
    _, result = context.call_conv.call_function(builder, callee, kind, (kind,), function.args)
    builder.ret(result)
    return function


def _define_variant(module: Any, name: str, register: Any, width: int, masked: bool) -> Any:
    """Define a variant of so many lanes, by the function of a register. ``masked`` ones have a condition for each lane,
    and compute none that has not: the argument may be anything there."""
    number, lanes = register.args[0].type.element, register.args[0].type.count
    vector, mask = ir.VectorType(number, width), ir.VectorType(ir.IntType(1), width)
    variant = _declare(module, name, [vector, mask] if masked else [vector])
    builder = ir.IRBuilder(variant.append_basic_block())
    x = variant.args[0]
    if masked:
        wanted = variant.args[1]
        bits = builder.bitcast(wanted, ir.IntType(width))
        with builder.if_then(builder.icmp_unsigned("==", bits, bits.type(0))):
            builder.ret(x)
        x = builder.select(wanted, x, ir.Constant(vector, [1.0] * width))
    parts = [_call(builder, register, [_lanes(builder, x, start, lanes)]) for start in range(0, width, lanes)]
    while len(parts) > 1:
        parts = [_joined(builder, *pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
    builder.ret(_lanes(builder, parts[0], 0, width))
    return variant


def _lanes(builder: Any, vector: Any, start: int, count: int) -> Any:
    """Emit so many lanes from one on, and after the last again the first."""
    given = vector.type.count
    places = ir.Constant(ir.VectorType(ir.IntType(32), count), [(start + lane) % given for lane in range(count)])
    return builder.shuffle_vector(vector, vector, places)


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
                places = [builder.alloca(args[0].type) for _ in range(2)]
            builder.store(args[0], places[0])
            number = context.get_value_type(element(x))
            source, target = (builder.bitcast(place, number.as_pointer()) for place in places)
            lanes = ir.IntType(64)(x.lanes if isinstance(x, Vector) else 1)
            callee = subroutine(context, builder, settle, done)
            given = [source, target, lanes]
            context.call_conv.call_function(builder, callee, done.return_type, done.args, given, attrs=("noinline",))
            return builder.load(places[1])

        return x(x), codegen

    return settled


@intrinsic
def seldom(typingctx, condition):
    """A condition that is seldom true."""

    def codegen(context, builder, signature, args):
        truth = ir.IntType(1)
        expect = get_or_insert_function(builder.module, ir.FunctionType(truth, [truth] * 2), "llvm.expect.i1")
        return builder.call(expect, [args[0], truth(0)])

    return types.boolean(types.boolean), codegen


@intrinsic
def prefer_whole_registers(typingctx):
    """Have loops of the function that this stands in made of vectors of 512 bits, where the processor has them: of many
    such LLVM prefers 256."""

    def codegen(context, builder, signature, args):
        if current_level() is AVX512:
            _add_attribute(builder.function, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.none(), codegen
