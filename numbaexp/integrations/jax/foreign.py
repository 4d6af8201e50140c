"""Functions of elements and of rows as calls of XLA's foreign function interface: one target, which attributes tell the
function and the axes of the rows."""

import itertools
from collections.abc import Iterable
from typing import Any

import jax.ffi
import numpy as np
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo as hlo

from numbaexp.integrations.jax.target import TARGET
from numbaexp.layout import axes_of
from numbaexp.operations import Kind, Operation

# What the target computes; all else is called back.
KINDS = (Kind.ELEMENTWISE, Kind.ROWS, Kind.REDUCTION)


def lower(ctx: Any, operands: tuple[Any, ...], operation: Operation, options: dict[str, Any]) -> Any:
    """Lower a function to a call of the target. Axes of rows are adjacent."""
    shape = ctx.avals_in[operation.like_index].shape
    if "axis" not in options:
        return _lower_elements(ctx, operands, operation.name, len(shape))
    axes = axes_of(options["axis"], len(shape))
    first = axes[0] if axes else len(shape)
    # Counted from the last: an exported function may be called with batches of any shape.
    counted = {"axis": np.int64(first - len(shape)), "axes": np.int64(len(axes))}
    return _call(ctx, first)(ctx, *operands, function=operation.name, **counted)


def lower_custom(ctx: Any, operands: tuple[Any, ...], operation: Operation) -> Any:
    """Lower a function that a user has written, of arrays of one shape, or of numbers too."""
    ndim = len(ctx.avals_out[0].shape)
    if any(len(aval.shape) < ndim for aval in ctx.avals_in):
        return _call(ctx, 0, shared=False)(ctx, *operands, function=operation.kernel)
    return _lower_elements(ctx, operands, operation.kernel, ndim)


def on_cpu_alone(ctx: Any, name: str) -> TypeError:
    """Return the error of a function that JAX compiles for another platform."""
    platforms = ", ".join(ctx.module_context.platforms)
    return TypeError(
        f"`{name}` is compiled by JAX for the CPU alone; got {platforms}: numbaexp copies nothing between devices. "
        "Call it outside of `jax.jit`, or put its arguments on the CPU"
    )


def _lower_elements(ctx: Any, operands: tuple[Any, ...], name: str, ndim: int) -> Any:
    if not _are_known(ctx.avals_out):
        return _call(ctx, 0)(ctx, *operands, function=name)
    # XLA shares out any axes but the last, so there is one more.
    avals_in, avals_out = (
        [aval.update(shape=(*aval.shape, 1)) for aval in avals] for avals in (ctx.avals_in, ctx.avals_out)
    )
    inner = ctx.replace(avals_in=avals_in, avals_out=avals_out)
    results = _call(inner, ndim)(inner, *map(_longer, operands), function=name)
    return [hlo.reshape(ir.RankedTensorType(operands[0].type), each) for each in results]


def _longer(operand: Any) -> Any:
    given = ir.RankedTensorType(operand.type)
    return hlo.reshape(ir.RankedTensorType.get([*given.shape, 1], given.element_type), operand)


def _are_known(avals: Any) -> bool:
    """Tell whether shapes are numbers."""
    return all(isinstance(length, int) for aval in avals for length in aval.shape)


def _call(ctx: Any, batch_axes: int, *, shared: bool = True) -> Any:
    """Return the rule for a call of the target, of which XLA may share the first axes out among devices."""
    shared = shared and _are_known((*ctx.avals_in, *ctx.avals_out))
    return jax.ffi.ffi_lowering(TARGET, extra_attributes=_shared_out(ctx, batch_axes) if shared else {})


def _shared_out(ctx: Any, batch_axes: int) -> dict[str, ir.Attribute]:
    """Return attributes that say so, to both of XLA's partitioners."""
    shapes = [aval.shape for aval in (*ctx.avals_in, *ctx.avals_out)]
    # As its parser wants them, in this order.
    names = itertools.chain("ijklmnopqrstuvwxyz", map("z_{}".format, itertools.count(1)))
    lengths: dict[str, int] = {}
    batch = list(itertools.islice(names, batch_axes))
    used = [[*batch, *itertools.islice(names, len(shape) - batch_axes)] for shape in shapes]
    for shape, of_shape in zip(shapes, used, strict=True):
        lengths.update(zip(of_shape, shape, strict=True))
    arrays, results = _listed(used[: len(ctx.avals_in)]), _listed(used[len(ctx.avals_in) :])
    sizes = ", ".join(f"{name}={length}" for name, length in lengths.items())
    rule = f"#sdy.op_sharding_rule<({arrays})->({results}) {{{sizes}}}>"
    return {
        "mhlo.frontend_attributes": ir.DictAttr.get({"num_batch_dims": ir.StringAttr.get(str(batch_axes))}),
        "sdy.sharding_rule": ir.Attribute.parse(rule),
    }


def _listed(names: Iterable[list[str]]) -> str:
    return ", ".join(f"[{', '.join(each)}]" for each in names)
