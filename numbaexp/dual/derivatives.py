"""Derivatives of compiled functions of numbers, by duals of a level above all that the arguments have.

Each is a compiled function of numbers itself, and can be differentiated again. ``results`` and ``inputs`` are how many
there are of a function's, ``wrt`` the indices of the inputs by which to differentiate. A derivative that returns one
number returns it alone, and several as a tuple. Where nothing depends on an input they are 0.
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from numba import types
from numba.extending import intrinsic

from numbaexp.dual.type import Number
from numbaexp.dual.typing import value_of
from numbaexp.dual.value import Value
from numbaexp.jit import jit

Values = Sequence[Value]


def _values_in(given: Any, llvm: Any, like: Number, lowering: Any) -> list[Value]:
    """Return the values of a tuple, or of one number."""
    if not isinstance(given, types.BaseTuple):
        return [value_of(given, llvm, like, lowering)]
    return [
        value_of(kind, lowering and lowering[1].extract_value(llvm, place), like, lowering)
        for place, kind in enumerate(given.types)
    ]


def _step(count: int, compute: Callable[..., Values], *, alone: bool = False) -> Any:
    """Return an intrinsic of the tuple of all arguments, and of one more, a tuple or a number, if ``count`` is 2.

    ``compute(level, *values)`` makes the values that it returns, of a level above all arguments and the values of each;
    one of them is returned as a number if ``alone``.
    """

    def run(given: Any, llvm: Any, lowering: Any) -> Values:
        numbers = given[0].types
        values = (_values_in(*pair, numbers[0], lowering) for pair in zip(given, llvm, strict=True))
        return compute(1 + max(number.level for number in numbers), *values)

    def typed(given: Any) -> Any:
        numbers = [value.number for value in run(given, [None] * len(given), None)]
        is_number = alone and len(numbers) == 1

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            llvm = [value.llvm for value in run(signature.args, args, (context, builder))]
            return llvm[0] if is_number else context.make_tuple(builder, signature.return_type, llvm)

        return (numbers[0] if is_number else types.Tuple(numbers))(*given), codegen

    # Numba has no intrinsics of any number of arguments.
    if count == 1:
        return intrinsic(lambda typingctx, args: typed((args,)))
    return intrinsic(lambda typingctx, args, given: typed((args, given)))


def _partial(value: Value, level: int, index: int) -> Value | None:
    return value.parts(level)[1].get(index)


def _total(products: Iterable[tuple[Value, Value | None]], like: Value) -> Value:
    """Return the sum of the products whose factors there are."""
    terms = [a * b for a, b in products if b is not None]
    return functools.reduce(Value.__add__, terms) if terms else like.constant(0.0)


def make_backward(function: Any, results: int, inputs: int, wrt: Sequence[int]) -> Any:
    """Return ``backward(gradients of the results..., inputs...)``, the gradients of the inputs in ``wrt``."""

    def seed(level: int, args: Values) -> Values:
        return [x.with_partials(level, {i: x.constant(1.0)} if i in wrt else {}) for i, x in enumerate(args[results:])]

    def pull(level: int, args: Values, given: Values) -> Values:
        pairs = list(zip(args[:results], given, strict=True))
        return [_total(((g, _partial(y, level, i)) for g, y in pairs), args[0]) for i in wrt]

    seeded, pulled = _step(1, seed), _step(2, pull, alone=True)

    @jit
    def backward(*args):
        return pulled(args, function(*seeded(args)))

    return backward


def make_tangent(function: Any, results: int, inputs: int, wrt: Sequence[int]) -> Any:
    """Return ``tangent(tangents of the inputs in wrt..., inputs...)``, the tangents of the results."""
    place_of = {i: place for place, i in enumerate(wrt)}

    def seed(level: int, args: Values) -> Values:
        return [
            x.with_partials(level, {0: args[place_of[i]]} if i in place_of else {})
            for i, x in enumerate(args[len(wrt) :])
        ]

    def push(level: int, args: Values, given: Values) -> Values:
        return [_partial(y, level, 0) or y.constant(0.0) for y in given]

    seeded, pushed = _step(1, seed), _step(2, push, alone=True)

    @jit
    def tangent(*args):
        return pushed(args, function(*seeded(args)))

    return tangent


def make_backward_by(gradient: Any, function: Any, results: int, inputs: int, wrt: Sequence[int]) -> Any:
    """Return what :func:`make_backward` does, by ``gradient(gradients of the results..., results..., inputs...)``, to
    the gradients of all inputs."""
    inputs_of = _step(1, lambda level, args: args[results:])
    all_of = _step(2, lambda level, args, given: [*args[:results], *given, *args[results:]])
    chosen = _step(2, lambda level, args, given: [given[i] for i in wrt], alone=True)

    @jit
    def backward(*args):
        return chosen(args, gradient(*all_of(args, function(*inputs_of(args)))))

    return backward


def make_tangent_by(gradient: Any, function: Any, results: int, inputs: int, wrt: Sequence[int]) -> Any:
    """Return what :func:`make_tangent` does, by such a gradient: as that is linear in the gradients of the results, its
    partial derivatives by them are those of the results by the inputs."""

    def seed(level: int, args: Values, given: Values) -> Values:
        one = args[0].constant(1.0)
        return [*(one.with_partials(level, {k: one}) for k in range(results)), *given, *args[len(wrt) :]]

    def push(level: int, args: Values, given: Values) -> Values:
        return [
            _total(((t, _partial(given[i], level, k)) for t, i in zip(args, wrt, strict=False)), args[0])
            for k in range(results)
        ]

    inputs_of = _step(1, lambda level, args: args[len(wrt) :])
    seeded, pushed = _step(2, seed), _step(2, push, alone=True)

    @jit
    def tangent(*args):
        return pushed(args, gradient(*seeded(args, function(*inputs_of(args)))))

    return tangent
