"""A primitive of JAX for the derivative of a function: a linear map, whose transpose gives the gradient.

Both are formulas of the table ``numbaexp.derivatives.rules``. So gradients have the bits of the public functions that
they call, where JAX's own transposition would multiply and add in another order.
"""

import functools
import operator
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jax.sharding import NamedSharding, PartitionSpec

from numbaexp.derivatives.rule import needs
from numbaexp.derivatives.rules import rule_of

Options = tuple[tuple[str, Hashable], ...]

# The derivative of the function ``name`` by an argument. The first array is the tangent, or the gradient if
# ``transposed``; the others are those ``saved``, by name. ``mapped`` has their axes for each enclosing ``vmap``.
derivative = Primitive("numbaexp_derivative")


def bind(
    name: str, argument: str, linear: Any, known: Mapping[str, Any], options: Options, calls: int, transposed: bool
) -> Any:
    """Bind the derivative by an argument, with the arrays of the call and the result in ``known``.

    The first ``calls`` axes of every array are batch axes of separate calls.
    """
    rule = rule_of(name)
    if argument not in rule.tangents:
        raise NotImplementedError(f"`{name}` has no rule for its gradient with respect to `{argument}`")
    needed = {*needs(rule.tangents[argument]), *needs(rule.gradients[argument])}
    saved = tuple(each for each in known if each in needed)
    return derivative.bind(
        *alike([linear, *(known[each] for each in saved)]),
        name=name,
        argument=argument,
        options=options,
        saved=saved,
        mapped=((0,) * len(saved),) * calls,
        transposed=transposed,
    )


def _formula(
    name: str, argument: str, options: Options, saved: tuple[str, ...], mapped: tuple[Any, ...], transposed: bool
) -> Callable[..., Any]:
    """Return the formula, in the functions of this package and JAX's arithmetic."""
    rule = rule_of(name)
    formula = (rule.gradients if transposed else rule.tangents)[argument]

    def apply(linear: Any, *arrays: Any) -> Any:
        known = {
            "weight": None,
            "b": None,
            **dict(zip(saved, arrays, strict=True)),
            **dict(options),
            "options": dict(options),
        }
        made = formula(linear, **{each: known[each] for each in needs(formula)})
        return made.astype(linear.dtype)

    for axes in mapped:
        apply = jax.vmap(apply, (0, *axes))
    return apply


def alike(arrays: Sequence[Any]) -> list[Any]:
    """Return arrays that all vary along the same axes of ``jax.shard_map``, as JAX does for its own functions: what
    varies along fewer has the sum of all devices' gradients for its own."""
    axes = [_varying(jax.typeof(x)) for x in arrays]
    everywhere = frozenset().union(*axes)
    return [
        x if each == everywhere else jax.lax.pcast(x, tuple(sorted(everywhere - each)), to="varying")
        for x, each in zip(arrays, axes, strict=True)
    ]


def _varying(aval: Any) -> frozenset[str]:
    # Older versions have no type of this name.
    return aval.manual_axis_type.varying if hasattr(aval, "manual_axis_type") else getattr(aval, "vma", frozenset())


def aval_like(aval: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Return the type of a result that varies as an argument does."""
    if not _varying(aval):
        return jax.core.ShapedArray(shape, dtype)
    whole = NamedSharding(aval.sharding.mesh, PartitionSpec())
    return aval.update(shape=shape, dtype=dtype, weak_type=False, sharding=whole)


def on_cpu(arrays: tuple[Any, ...]) -> bool:
    """Tell whether JAX would compute on the CPU; constants may be NumPy's arrays."""
    return all(device.platform == "cpu" for array in arrays for device in jnp.asarray(array).devices())


@functools.cache
def compiled(primitive: Any, which: tuple[tuple[str, Any], ...]) -> Callable[..., Any]:
    """Return a primitive compiled by XLA, even where JAX is told to compile nothing: it costs less than a call for each
    operation."""
    function = jax.jit(functools.partial(primitive.bind, **dict(which)))

    def call(*arrays: Any) -> Any:
        if not jax.config.jax_disable_jit:
            return function(*arrays)
        with jax.disable_jit(False):
            return function(*arrays)

    return call


def in_front(arrays: Any, axes: Any) -> list[Any]:
    """Return the arrays with the mapped axis first."""
    size = next(array.shape[axis] for array, axis in zip(arrays, axes, strict=True) if axis is not None)
    return [
        jnp.broadcast_to(array, (size, *array.shape)) if axis is None else jnp.moveaxis(array, axis, 0)
        for array, axis in zip(arrays, axes, strict=True)
    ]


def total(terms: list[Any], like: Any) -> Any:
    """Add up tangents, of which there may be none."""
    return functools.reduce(operator.add, terms) if terms else ad.Zero.from_primal_value(like)


@derivative.def_impl
def _evaluate(*arrays: Any, **which: Any) -> Any:
    if on_cpu(arrays):
        return compiled(derivative, tuple(which.items()))(*arrays)
    return _formula(**which)(*arrays)


@derivative.def_abstract_eval
def _result(*avals: Any, **which: Any) -> Any:
    made = jax.eval_shape(_formula(**which), *avals)
    return aval_like(avals[0], made.shape, made.dtype)


def _differentiate(primals: Any, tangents: Any, **which: Any) -> tuple[Any, Any]:
    result, terms = derivative.bind(*primals, **which), []
    if type(tangents[0]) is not ad.Zero:
        terms.append(derivative.bind(tangents[0], *primals[1:], **which))
    moving = [i for i, tangent in enumerate(tangents) if i and type(tangent) is not ad.Zero]
    if moving:

        def of_moving(*moved: Any) -> Any:
            arrays = {**dict(enumerate(primals)), **dict(zip(moving, moved, strict=True))}
            return _formula(**which)(*arrays.values())

        of_them = [[arrays[i] for i in moving] for arrays in (primals, tangents)]
        terms.append(jax.jvp(of_moving, *of_them)[1])
    return result, total(terms, result)


def _transpose(gradient: Any, linear: Any, *saved: Any, transposed: bool, **which: Any) -> list[Any]:
    return [derivative.bind(gradient, *saved, transposed=not transposed, **which)] + [None] * len(saved)


def _map(arrays: Any, axes: Any, *, mapped: tuple[Any, ...], **which: Any) -> tuple[Any, int]:
    linear = in_front(arrays, axes)[0]
    return derivative.bind(linear, *arrays[1:], mapped=(*mapped, tuple(axes[1:])), **which), 0


def _lower(ctx: Any, *operands: Any, **which: Any) -> Any:
    return mlir.lower_fun(_formula(**which), multiple_results=False)(ctx, *operands)


ad.primitive_jvps[derivative] = _differentiate
ad.primitive_transposes[derivative] = _transpose
batching.primitive_batchers[derivative] = _map
mlir.register_lowering(derivative, _lower)
