"""Floats as reals, and reals as floats."""

from typing import Any

from numba.extending import intrinsic

from numbaexp.dual.type import WEAK, real
from numbaexp.dual.typing import value_of


def make_number(kind: str) -> Any:
    """Return ``number(x)``, the real of a kind for a float of its type, or a vector of them."""

    @intrinsic
    def number(typingctx, x):
        target = real(kind, getattr(x, "lanes", 1))
        if x != target.float:
            return None

        def codegen(context, builder, signature, args):
            return args[0]

        return target(x), codegen

    return number


def make_float(kind: str, lanes: int = 1) -> Any:
    """Return ``plain(x)``, the float for a real of a kind, or the vector; a constant becomes one too."""
    like = real(kind, lanes)

    @intrinsic
    def plain(typingctx, x):
        if x != like and not isinstance(x, WEAK):
            return None

        def codegen(context, builder, signature, args):
            return value_of(x, args[0], like, (context, builder)).llvm

        return like.float(x), codegen

    return plain
