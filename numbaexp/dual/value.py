"""The formulas of numbers and of their derivatives.

Each is written once and run twice: without a builder it gives the type of a result, and with one it emits the
instructions too.
"""

from collections.abc import Callable, Mapping
from typing import Any

from llvmlite import ir

from numbaexp.dual import instructions
from numbaexp.dual.type import Number, dual, parts, real, unified


class Value:
    """Hold a number of a type, and its LLVM value where code is emitted.

    ``lowering`` is Numba's context and builder, or None.
    """

    def __init__(self, number: Number, llvm: Any = None, lowering: Any = None) -> None:
        self.number, self.llvm, self.lowering = number, llvm, lowering

    # Parts.

    def _part(self, number: Number, place: int) -> "Value":
        llvm = self.lowering and self.lowering[1].extract_value(self.llvm, place)
        return Value(number, llvm, self.lowering)

    def parts(self, level: int) -> tuple["Value", dict[int, "Value"]]:
        """Return the value and the partials at a level, which is at least the number's own."""
        value, partials = parts(self.number, level)
        if not partials:
            return self, {}
        places = enumerate(partials.items(), 1)
        return self._part(value, 0), {index: self._part(partial, place) for place, (index, partial) in places}

    @property
    def primal(self) -> "Value":
        """Return the real that is the value of the value, and so on."""
        return self.parts(self.number.level)[0].primal if self.number.level else self

    def constant(self, number: float) -> "Value":
        """Return a real of the same kind."""
        kind = real(self.number.kind, self.number.lanes)
        return Value(kind, self.lowering and instructions.constant(kind.llvm, number), self.lowering)

    def to(self, number: Number) -> "Value":
        """Return the same as another type, which has all its partials."""
        if self.number == number:
            return self
        value, partials = self.parts(number.level)
        to_value, to_partials = parts(number, number.level)
        zero = self.constant(0.0)
        return value.to(to_value).with_partials(
            number.level, {index: partials.get(index, zero).to(partial) for index, partial in to_partials.items()}
        )

    def with_partials(self, level: int, partials: Mapping[int, "Value"]) -> "Value":
        """Return the dual number of a level whose value this is; without partials the value."""
        if not partials:
            return self
        number = dual(level, self.number, {index: partial.number for index, partial in partials.items()})
        if self.lowering is None:
            return Value(number)
        _, builder = self.lowering
        llvm = ir.Constant(number.llvm, ir.Undefined)
        for place, part in enumerate([self, *(partials[index] for index in number.partials)]):
            llvm = builder.insert_value(llvm, part.llvm, place)
        return Value(number, llvm, self.lowering)

    # Steps.

    def _emitted(self, instruction: Callable[..., Any], *others: "Value") -> "Value":
        """Return the real that an instruction gives of this one and others."""
        operands = (self.llvm, *(other.llvm for other in others))
        return Value(self.number, self.lowering and instruction(self.lowering[1], *operands), self.lowering)

    def _combined(self, other: "Value", instruction: Any, step: Any, derivative: Any) -> "Value":
        """Return a step of two numbers. ``derivative(a, b, result, da, db)`` is that of the values with their partials,
        of which one may be None."""
        level = max(self.number.level, other.number.level)
        if level == 0:
            return self._emitted(instruction, other)
        (a, partials), (b, others) = self.parts(level), other.parts(level)
        result, indices = step(a, b), sorted({*partials, *others})
        return result.with_partials(
            level, {i: derivative(a, b, result, partials.get(i), others.get(i)) for i in indices}
        )

    def __add__(self, other: "Value") -> "Value":
        return self._combined(other, instructions.add, Value.__add__, lambda a, b, result, da, db: _sum(da, db))

    def __sub__(self, other: "Value") -> "Value":
        return self._combined(
            other, instructions.subtract, Value.__sub__, lambda a, b, result, da, db: _difference(da, db)
        )

    def __mul__(self, other: "Value") -> "Value":
        return self._combined(
            other,
            instructions.multiply,
            Value.__mul__,
            lambda a, b, result, da, db: _sum(da and da * b, db and a * db),
        )

    def __truediv__(self, other: "Value") -> "Value":
        # One more division for all partials together, and not one for each.
        return self._combined(
            other,
            instructions.divide,
            Value.__truediv__,
            lambda a, b, result, da, db: _difference(da, db and result * db) * (b.constant(1.0) / b),
        )

    def __neg__(self) -> "Value":
        if not self.number.level:
            return self._emitted(instructions.negate)
        value, partials = self.parts(self.number.level)
        return (-value).with_partials(self.number.level, {index: -partial for index, partial in partials.items()})

    def mapped(
        self, function: Callable[["Value"], "Value"], derivative: Callable[["Value", "Value"], "Value"]
    ) -> "Value":
        """Return a function of a number: ``function`` of the real, whose derivative is ``derivative(x, result)``."""
        if not self.number.level:
            return function(self)
        x, partials = self.parts(self.number.level)
        result = x.mapped(function, derivative)
        slope = derivative(x, result)
        return result.with_partials(self.number.level, {index: partial * slope for index, partial in partials.items()})

    def mapped_with(
        self,
        other: "Value",
        function: Callable[["Value", "Value"], "Value"],
        derivatives: Callable[["Value", "Value"], tuple["Value", "Value"]],
    ) -> "Value":
        """Return a function of two numbers: ``function`` of the reals, with ``derivatives(a, b)`` by either."""
        level = max(self.number.level, other.number.level)
        if not level:
            return function(self, other)
        (a, partials), (b, others) = self.parts(level), other.parts(level)
        result, (by_a, by_b) = a.mapped_with(b, function, derivatives), derivatives(a, b)
        both = {i: (partials.get(i), others.get(i)) for i in sorted({*partials, *others})}
        return result.with_partials(
            level, {i: _sum(da and da * by_a, db and db * by_b) for i, (da, db) in both.items()}
        )

    def square_root(self) -> "Value":
        """Return the square root."""
        return self.mapped(lambda x: x._emitted(instructions.square_root), lambda x, root: x.constant(0.5) / root)

    def __abs__(self) -> "Value":
        """Return the magnitude, whose derivative is the sign: that of 0 is 0, and that of NaN is NaN."""
        return self.mapped(lambda x: x._emitted(instructions.magnitude), lambda x, magnitude: x.sign)

    @property
    def sign(self) -> "Value":
        """Return the sign, a real: 1, -1, or else the number itself."""
        zero, one = self.constant(0.0), self.constant(1.0)
        return one.chosen(self.compare(">", zero), (-one).chosen(self.compare("<", zero), self.primal))

    def __pow__(self, exponent: int) -> "Value":
        """Return a power by squaring; of a negative exponent the reciprocal."""
        if exponent < 0:
            return self.constant(1.0) / self**-exponent
        if exponent == 0:
            return self.constant(1.0)
        power = self
        for digit in f"{exponent:b}"[1:]:
            power = power * power
            power = power * self if digit == "1" else power
        return power

    # Choices.

    def compare(self, sign: str, other: "Value") -> Any:
        """Return the comparison of the reals, of LLVM."""
        return self.lowering and instructions.compare(self.lowering[1], sign, self.primal.llvm, other.primal.llvm)

    def chosen(self, condition: Any, other: "Value") -> "Value":
        """Return this where a condition of LLVM is true, and else the other."""
        number = unified(self.number, other.number)
        if self.lowering is None:
            return Value(number)
        one, another = self.to(number), other.to(number)
        if not number.level:
            return Value(number, self.lowering[1].select(condition, one.llvm, another.llvm), self.lowering)
        # A condition may be one for each lane, which selects no structures.
        (a, partials), (b, others) = one.parts(number.level), another.parts(number.level)
        chosen = {index: partial.chosen(condition, others[index]) for index, partial in partials.items()}
        return a.chosen(condition, b).with_partials(number.level, chosen)


def _sum(a: Any, b: Any) -> Any:
    return (a or b) if a is None or b is None else a + b


def _difference(a: Any, b: Any) -> Any:
    if b is None:
        return a
    return -b if a is None else a - b
