"""The type of the numbers that a user's function is made of.

A real is a float of one kind. A dual number is a value with partial derivatives, and belongs to a level: derivatives of
derivatives have values and partials that are dual numbers of lower levels. Which partials there are is part of the
type, so what does not depend on a variable has none of it, and nothing is multiplied by 0.
"""

from collections.abc import Mapping
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import models, register_model

from numbaexp.vector.type import Vector

# What reals of each kind are computed in; "wide" is for narrower floats, of which the results are rounded once.
_FLOATS = {"float32": types.float32, "float64": types.float64, "wide": types.float64}
_LLVM = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}
# Constants and counters, which take the kind of the numbers they meet.
WEAK = (types.Float, types.Integer, types.Boolean)
# Those that a variable may be in one branch while it is a number in another.
_JOINED = (types.Float, types.Integer)


class Number(types.Type):
    """Represent a real of a kind, or a dual number of a level from 1 on.

    Attributes
    ----------
    kind : str
        "float32", "float64" or "wide".
    lanes : int
        1, or the number of those of vectors, of which every step is one of all lanes.
    level : int
        0 of a real.
    value : Number or None
        The type of the value, of a lower level.
    partials : mapping of int to Number
        The types of the partial derivatives, which are of lower levels, by the index of the variable, in order.
    """

    def __init__(
        self,
        kind: str,
        lanes: int = 1,
        level: int = 0,
        value: "Number | None" = None,
        partials: Mapping[int, "Number"] | None = None,
    ) -> None:
        self.kind, self.lanes, self.level, self.value = kind, lanes, level, value
        self.partials = dict(sorted((partials or {}).items()))
        parts = "".join(f", {index}: {partial.name}" for index, partial in self.partials.items())
        super().__init__(f"real({kind}, {lanes})" if value is None else f"dual{level}({value.name}{parts})")

    @property
    def float(self) -> Any:
        """Return the type of the floats of the kind, or of vectors of them."""
        dtype = _FLOATS[self.kind]
        return dtype if self.lanes == 1 else Vector(dtype, self.lanes)

    @property
    def condition(self) -> Any:
        """Return the type of a comparison."""
        return types.boolean if self.lanes == 1 else Vector(types.boolean, self.lanes)

    @property
    def llvm(self) -> Any:
        """Return LLVM's type."""
        if self.value is None:
            return _LLVM[self.float] if self.lanes == 1 else self.float.llvm
        return ir.LiteralStructType([self.value.llvm, *(partial.llvm for partial in self.partials.values())])

    def _is_of_kind(self, other: Any) -> bool:
        return isinstance(other, Number) and (other.kind, other.lanes) == (self.kind, self.lanes)

    def unify(self, typingctx: Any, other: Any) -> "Number | None":
        """Return the type of a variable that is either."""
        if isinstance(other, _JOINED):
            return self
        return unified(self, other) if self._is_of_kind(other) else None


@register_model(Number)
class _NumberModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Number) -> None:
        super().__init__(manager, kind, kind.llvm)


def real(kind: str, lanes: int = 1) -> Number:
    """Return the type of a real, or of vectors of reals."""
    return Number(kind, lanes)


def dual(level: int, value: Number, partials: Mapping[int, Number]) -> Number:
    """Return the type of a dual number; without partials that of its value."""
    return Number(value.kind, value.lanes, level, value, partials) if partials else value


def parts(number: Number, level: int) -> tuple[Number, Mapping[int, Number]]:
    """Return the types of the value and of the partials at a level, which is at least the number's."""
    if number.level < level or number.value is None:
        return number, {}
    return number.value, number.partials


def unified(a: Number, b: Number) -> Number:
    """Return the type of the same kind that has the partials of both."""
    level = max(a.level, b.level)
    if level == 0:
        return a
    (value, partials), (other, others) = parts(a, level), parts(b, level)
    joined = {**partials, **others}
    for index in partials.keys() & others.keys():
        joined[index] = unified(partials[index], others[index])
    return dual(level, unified(value, other), joined)
