"""Numba's functions that we have too, of ``math`` and of NumPy: what Numba lowers a call to, and ours in its place."""

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numba import types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.np import ufunc_db
from numba.np.ufunc.array_exprs import _lower_array_expr

from numbaexp.cpu.logaddexp_in_loops import number_of_two
from numbaexp.cpu.scalars_in_loops import rounded_scalar
from numbaexp.cpu.variants import prefer_whole_registers_of
from numbaexp.integrations import numba_caches
from numbaexp.once import LOCK

_NUMBERS = (types.float32, types.float64)
# By the number of arguments.
_LOOPS = {1: ("f->f", "d->d"), 2: ("ff->f", "dd->d")}
# By our name: Python's function, which has exp2 from 3.11 on, and NumPy's.
_FUNCTIONS = {
    "exp": (math.exp, np.exp),
    "exp2": (getattr(math, "exp2", None), np.exp2),
    "expm1": (math.expm1, np.expm1),
    **{
        name: (getattr(math, name), getattr(np, name))
        for name in ("log", "log2", "log10", "log1p", "sinh", "cosh", "tanh")
    },
    "logaddexp": (None, np.logaddexp),
    "logaddexp2": (None, np.logaddexp2),
}

# Whether what is lowered now is to have our functions. A lowering that another package has taken over from us, and
# that cannot be put back, asks too.
_active = False


def _emit(context: Any, builder: Any, name: str, number: Any, *args: Any) -> Any:
    """Emit a call of our function, which the loop around it makes to vectors."""
    attributes = builder.function.attributes
    # Numba makes a function of an array expression, and LLVM would not inline it: its loop would be no SIMD code.
    if "__numba_array_expr" in builder.function.name and "noinline" not in attributes:
        attributes.add("alwaysinline")
    prefer_whole_registers_of(context, builder)
    scalar = (rounded_scalar if len(args) == 1 else number_of_two)(name, number.name)
    function = context.typing_context.resolve_value_type(scalar)
    signature = function.get_call_type(context.typing_context, (number,) * len(args), {})
    return context.get_function(function, signature)(builder, args)


def _in_place_of(original: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Note of a lowering in place of which other one it is."""

    def noted(lowering: Any) -> Any:
        lowering.in_place_of = original
        return lowering

    return noted


def _original(lowering: Callable[..., Any], _: str = "") -> Callable[..., Any]:
    return getattr(lowering, "in_place_of", lowering)


def _ours(original: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return what lowers a call of a function, in place of another lowering."""

    @_in_place_of(original)
    def lowering(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        # The two of NumPy's loops are of one type.
        given = signature.args[0]
        number = types.float64 if isinstance(given, types.Integer) else given
        # Ahead of time Numba compiles for lesser processors than this one, whose code ours is.
        if not _active or number not in _NUMBERS or context.aot_mode:
            return original(context, builder, signature, args)
        result = _emit(context, builder, name, number, *(context.cast(builder, each, given, number) for each in args))
        return context.cast(builder, result, number, signature.return_type)

    return lowering


def _has_ours(expression: Any) -> bool:
    """Return whether one of the functions is in an array expression: an operator and its operands, or a leaf."""
    if not isinstance(expression, tuple):
        return False
    operator, operands = expression
    return any(operator is each for _, each in _FUNCTIONS.values()) or any(map(_has_ours, operands))


def _our_expression(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return what lowers array expressions, the loops of which stand in another function than the calls."""

    @_in_place_of(original)
    def lowering(lowerer: Any, expression: Any) -> Any:
        if _active and _has_ours(expression.expr):
            prefer_whole_registers_of(lowerer.context, lowerer.builder)
        return original(lowerer, expression)

    return lowering


def _put(ours: bool) -> None:
    """Put our lowerings into Numba's tables, or those that were there."""
    global _active
    if ours == _active:
        return
    of_call, of_expression = (_ours, _our_expression) if ours else (_original, _original)
    context = cpu_target.target_context
    # Loads what Numba has not yet put into the tables.
    context.refresh()
    for name, (of_python, of_numpy) in _FUNCTIONS.items():
        if of_python is not None:
            selector = context._defns[of_python]
            selector.versions[:] = [(kinds, of_call(each, name)) for kinds, each in selector.versions]
            selector._cache.clear()
        loops = ufunc_db.get_ufunc_info(of_numpy)
        loops.update({loop: of_call(loops[loop], name) for loop in _LOOPS[of_numpy.nin]})
    expressions = context.special_ops.get("arrayexpr", _lower_array_expr)
    context.special_ops["arrayexpr"] = of_expression(expressions)
    _active = ours


def switch(enable: bool) -> None:
    """Let all that is compiled from now on have our functions, or Numba's again."""
    with LOCK, global_compiler_lock:
        _put(enable)
        if enable != numba_caches.is_accelerated():
            # Functions of Numba's own that it has compiled for those of users, as the complex exponential.
            cpu_target.target_context.cached_internal_func.clear()
            numba_caches.keep_apart(enable)


@contextlib.contextmanager
def accelerated() -> Iterator[None]:
    """Let what is lowered in a ``with`` statement have our functions; the compiler's lock has been taken."""
    internal, before = cpu_target.target_context.cached_internal_func, _active
    kept = dict(internal)
    internal.clear()
    _put(True)
    try:
        yield
    finally:
        _put(before)
        internal.clear()
        internal.update(kept)
