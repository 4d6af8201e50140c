"""A primitive of JAX for the functions of this package. Code that XLA compiles calls back to Python, where its arrays
are ndarrays without a copy."""

import contextvars
from collections.abc import Hashable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from numbaexp.engine.call import compute_from_outside
from numbaexp.integrations.jax import derivative, foreign
from numbaexp.integrations.jax.derivative import Options
from numbaexp.layout import axes_of, final_shape
from numbaexp.operations import OPERATIONS, Kind

# The function ``name``, with axes counted from the last: batch axes that ``vmap`` prepends are further rows. Where that
# would change results, the first ``calls`` axes are batch axes of separate calls.
function = Primitive("numbaexp")

# XLA calls back from threads of its own, where no errstate and no target are set.
_context = contextvars.Context()
_context.run(np.seterr, all="ignore")


def call(name: str, arrays: list[Any], options: dict[str, Hashable]) -> Any:
    """Bind the function of arrays that have the types to compute in."""
    return function.bind(*derivative.alike(arrays), name=name, options=tuple(options.items()), calls=0)


def _compute(name: str, options: Options, calls: int, *arrays: Any) -> Any:
    operation = OPERATIONS[name]
    given = (*arrays, *[None] * (len(operation.arrays) - len(arrays)))
    return compute_from_outside(operation, given, {**dict(options), "calls": calls} if calls else dict(options))


@function.def_impl
def _evaluate(*arrays: Any, name: str, options: Options, calls: int) -> Any:
    if derivative.on_cpu(arrays):
        which = ("name", name), ("options", options), ("calls", calls)
        return derivative.compiled(function, which)(*arrays)
    return _compute(name, options, calls, *arrays)


@function.def_abstract_eval
def _result(*avals: Any, name: str, options: Options, calls: int) -> Any:
    operation, named = OPERATIONS[name], dict(options)
    like = avals[operation.like_index]
    shape = like.shape
    if operation.kind is Kind.LOSS and not operation.is_gradient and named["reduction"] != "none":
        shape = shape[:calls]
    elif operation.kind is Kind.SELECTION and not operation.is_gradient:
        shape = avals[-1].shape
    elif operation.kind is Kind.REDUCTION or (operation.kind is Kind.LOSS and not operation.is_gradient):
        shape = final_shape(shape, axes_of(named["axis"], len(shape)), bool(named.get("keepdims")))
    return derivative.aval_like(like, shape, like.dtype)


def _differentiate(primals: Any, tangents: Any, *, name: str, options: Options, calls: int) -> tuple[Any, Any]:
    result = function.bind(*primals, name=name, options=options, calls=calls)
    arguments = OPERATIONS[name].arrays
    known = {**dict(zip(arguments, primals, strict=False)), "result": result}
    terms = [
        derivative.bind(name, argument, tangent, known, options, calls, transposed=False)
        for argument, tangent in zip(arguments, tangents, strict=False)
        if type(tangent) is not ad.Zero
    ]
    return result, derivative.total(terms, result)


def _transpose(gradient: Any, *arrays: Any, name: str, options: Options, calls: int) -> list[Any]:
    """Transpose the gradient of a function, which is linear in ``grad_output``."""
    known = dict(zip(OPERATIONS[name].arrays, arrays, strict=False))
    known["grad_output"] = jnp.zeros(known["grad_output"].aval.shape, gradient.dtype)
    made = derivative.bind(name, "grad_output", gradient, known, options, calls, transposed=True)
    return [made] + [None] * (len(arrays) - 1)


def _map(arrays: Any, axes: Any, *, name: str, options: Options, calls: int) -> tuple[Any, int]:
    # A batch of cross entropies is one call, unless each is reduced, or has weights of its own.
    given = OPERATIONS[name].arrays[: len(arrays)]
    alone = dict(options).get("reduction", "none") != "none" or "weight" in given
    mapped = derivative.in_front(arrays, axes)
    return function.bind(*mapped, name=name, options=options, calls=calls + alone), 0


def _lower(ctx: Any, *operands: Any, name: str, options: Options, calls: int) -> Any:
    operation = OPERATIONS[name]
    if operation.kind in foreign.KINDS and len(operands) == len(operation.arrays) - len(operation.optional):
        return foreign.lower(ctx, operands, operation, dict(options))

    def call_back(*arrays: np.ndarray) -> tuple[Any]:
        return (_context.copy().run(_compute, name, options, calls, *arrays),)

    results, _, _ = mlir.emit_python_callback(
        ctx, call_back, None, operands, ctx.avals_in, ctx.avals_out, has_side_effect=False
    )
    return results


def _refuse(ctx: Any, *_: Any, name: str, **__: Any) -> Any:
    raise foreign.on_cpu_alone(ctx, name)


ad.primitive_jvps[function] = _differentiate
ad.primitive_transposes[function] = _transpose
batching.primitive_batchers[function] = _map
mlir.register_lowering(function, _refuse)
mlir.register_lowering(function, _lower, platform="cpu")
