"""Functions that users have written, of JAX's arrays: a primitive, whose derivatives are such functions too."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from numbaexp.backends.jax import float_type
from numbaexp.custom.operation import CustomOperation
from numbaexp.engine.call import compute, compute_from_outside
from numbaexp.engine.checks import refuse
from numbaexp.integrations.jax import derivative, foreign
from numbaexp.integrations.jax.small import REMEMBERED
from numbaexp.operations import Operation
from numbaexp.target import AUTO, SERIAL_BELOW, current_target

# The function ``operation``, of arrays of one type; each is of the shape of the results, or a number. All results, and
# all gradients or tangents, come from one call.
function = Primitive("numbaexp_custom")
function.multiple_results = True

_NUMBERS = (bool, int, float)


def intercept(operation: CustomOperation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Bind the function where an array is traced, let XLA compute small arrays, and the kernels all others."""
    given = [x for x in arrays if isinstance(x, jax.Array)]
    if not given:
        return NotImplemented
    refuse(operation, given[0], options)
    if any(isinstance(x, jax.core.Tracer) for x in given):
        return _bind(operation, *arrays)
    compiled = _small(operation, arrays) if out is None else None
    if compiled is not None:
        return compiled(*arrays)
    return compute(operation, tuple(_at_home(promoted(operation, arrays), arrays)), out, {})


def _at_home(given: list[Any], arrays: Sequence[Any]) -> list[Any]:
    """Return arrays on the device that one is bound to, where JAX would put those that are bound to none."""
    bound = next((x for x in arrays if isinstance(x, jax.Array) and x.committed), None)
    if bound is None or len(bound.devices()) > 1:
        return given
    (home,) = bound.devices()
    return [x if x.committed else jax.device_put(x, home) for x in given]


def _small(operation: CustomOperation, arrays: tuple[Any, ...]) -> Any:
    """Return the function compiled by XLA; or None where a call is the first of its kind, or another than an ordinary
    one on the CPU."""
    if current_target() != AUTO or jax.config.jax_disable_jit:
        return None
    of_jax = [x for x in arrays if isinstance(x, jax.Array)]
    if len(of_jax) + sum(type(x) in _NUMBERS for x in arrays) < len(arrays):
        return None
    if not _are_here(of_jax) or any(x.size >= SERIAL_BELOW for x in of_jax):
        return None
    known = _known(operation, tuple((x.shape, x.dtype) if isinstance(x, jax.Array) else type(x) for x in arrays))
    if not known:
        known.append(_compiled(operation))
        return None
    return known[0]


def _are_here(arrays: list[Any]) -> bool:
    """Tell whether arrays are on the device of the CPU on which XLA would compute."""
    device = arrays[0].device
    if getattr(device, "platform", None) != "cpu" or any(x.device is not device for x in arrays):
        return False
    if any(x.committed for x in arrays):
        return True
    return jax.config.jax_default_device is None and device is jax.local_devices()[0]


@functools.lru_cache(REMEMBERED)
def _known(operation: CustomOperation, kinds: tuple[Any, ...]) -> list[Any]:
    return []


@functools.cache
def _compiled(operation: CustomOperation) -> Any:
    """Return the function compiled by XLA."""

    def call(*arrays: Any) -> Any:
        return _bind(operation, *arrays)

    call.__name__ = operation.name
    return jax.jit(call)


def promoted(operation: Operation, arrays: Sequence[Any]) -> list[Any]:
    """Return arguments as arrays of one float type, by JAX's promotion."""
    given = [x if type(x) in _NUMBERS else jnp.asarray(x) for x in arrays]
    for x, label in zip(given, operation.arrays, strict=True):
        if type(x) not in _NUMBERS:
            float_type(x, label)
    dtype = jnp.result_type(*given)
    if not jnp.issubdtype(dtype, jnp.floating):
        dtype = float_type(jnp.zeros((), dtype), operation.arrays[0])
    return [jnp.asarray(x, dtype) for x in given]


def _bind(operation: CustomOperation, *arrays: Any) -> Any:
    given = promoted(operation, arrays)
    shape = jnp.broadcast_shapes(*(x.shape for x in given))
    results = _call(operation, *(_spread(x, shape) for x in given))
    return tuple(results) if operation.results > 1 else results[0]


def _spread(x: Any, shape: tuple[int, ...]) -> Any:
    """Return an array of a shape, or a number."""
    if x.shape != shape and all(length == 1 for length in x.shape):
        return x.reshape(())
    return jnp.broadcast_to(x, shape)


def _call(operation: CustomOperation, *arrays: Any) -> list[Any]:
    return function.bind(*derivative.alike(arrays), operation=operation)


@function.def_impl
def _evaluate(*arrays: Any, operation: CustomOperation) -> list[Any]:
    if derivative.on_cpu(arrays):
        return derivative.compiled(function, (("operation", operation),))(*arrays)
    results = compute_from_outside(operation, arrays, {})
    return list(results) if operation.results > 1 else [results]


@function.def_abstract_eval
def _result(*avals: Any, operation: CustomOperation) -> list[Any]:
    shape = max((aval.shape for aval in avals), key=len)
    return [derivative.aval_like(avals[0], shape, avals[0].dtype)] * operation.results


def _differentiate(primals: Any, tangents: Any, *, operation: CustomOperation) -> tuple[Any, Any]:
    moving = tuple(i for i, tangent in enumerate(tangents) if type(tangent) is not ad.Zero)
    tangents = _call(operation.tangent(moving), *(tangents[i] for i in moving), *primals)
    return function.bind(*primals, operation=operation), tangents


def _transpose(gradients: Any, *arrays: Any, operation: CustomOperation) -> list[Any]:
    """Transpose a derivative, which is linear in the gradients or tangents that come before the inputs."""
    if operation.derivative_of is None:
        raise NotImplementedError(f"`{operation.name}` is not linear, and has no transpose")
    of, which, wrt = operation.derivative_of
    count = len(arrays) - len(of.arrays)
    dtype, inputs = arrays[count].dtype, arrays[count:]
    wanted = [i for i, x in enumerate(arrays[:count]) if ad.is_undefined_primal(x)]
    given = [jnp.zeros((), dtype) if type(each) is ad.Zero else each for each in gradients]
    if which == "tangent":
        made = _call(of.backward(tuple(wrt[i] for i in wanted)), *given, *inputs)
    else:
        tangents = _call(of.tangent(wrt), *given, *inputs)
        made = [tangents[i] for i in wanted]
    found = dict(zip(wanted, made, strict=True))
    return [(found[i].sum() if x.aval.shape == () else found[i]) if i in found else None for i, x in enumerate(arrays)]


def _map(arrays: Any, axes: Any, *, operation: CustomOperation) -> tuple[Any, list[int]]:
    size = next(x.shape[axis] for x, axis in zip(arrays, axes, strict=True) if axis is not None)
    whole = [x if axis is None else jnp.moveaxis(x, axis, 0) for x, axis in zip(arrays, axes, strict=True)]
    shape = max((x.shape[axis is not None :] for x, axis in zip(whole, axes, strict=True)), key=len)

    def in_front(x: Any, axis: Any) -> Any:
        if axis is None:
            return x if x.ndim == 0 else jnp.broadcast_to(x, (size, *shape))
        return jnp.broadcast_to(x.reshape(size, *[1] * len(shape)), (size, *shape)) if x.ndim == 1 else x

    return function.bind(*map(in_front, whole, axes), operation=operation), [0] * operation.results


def _lower(ctx: Any, *operands: Any, operation: CustomOperation) -> Any:
    if jax.device_count("cpu") > 1 and len({aval.shape for aval in ctx.avals_in}) > 1:
        # XLA shares out arrays of one shape among devices, and takes no numbers beside them.
        return mlir.lower_fun(functools.partial(_of_one_shape, operation), multiple_results=True)(ctx, *operands)
    return foreign.lower_custom(ctx, operands, operation)


def _of_one_shape(operation: CustomOperation, *arrays: Any) -> list[Any]:
    return function.bind(*jnp.broadcast_arrays(*arrays), operation=operation)


def _refuse(ctx: Any, *_: Any, operation: CustomOperation) -> Any:
    raise foreign.on_cpu_alone(ctx, operation.name)


ad.primitive_jvps[function] = _differentiate
ad.primitive_transposes[function] = _transpose
batching.primitive_batchers[function] = _map
mlir.register_lowering(function, _refuse)
mlir.register_lowering(function, _lower, platform="cpu")
