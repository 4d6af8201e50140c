"""Where a cross entropy runs, and on what memory: its arguments are arrays of NumPy or another library."""

from collections.abc import Callable
from typing import Any

import numpy as np

from numbaexp import dispatch
from numbaexp import rows_dispatch as rows
from numbaexp.default_mode import in_default_mode
from numbaexp.losses_layout import Problem, check_grad, problem
from numbaexp.owners.adapter import on_threads_of
from numbaexp.owners.promotion import FLOATS
from numbaexp.owners.table import owner_of
from numbaexp.scalar.loss_record import IGNORED


@in_default_mode
def promoted(logits: Any, targets: Any) -> tuple[Any, Any, Any]:
    """Logits and probabilities in one float type, and that of the logits where it was another one, or else None.

    What is no float, and what its library cannot convert, stays as it is.
    """
    owner, of_targets = owner_of(logits), owner_of(targets)
    if any(each is not None and not hasattr(each, "place") for each in (owner, of_targets)):
        return logits, targets, None  # no arrays: they are handed the call as it is
    if owner is None:
        logits = _array(logits)
    if of_targets is None:
        asarray = getattr(owner, "asarray", None)
        targets = _array(targets) if asarray is None else asarray(targets, logits)
    kinds = _type_name(logits), _type_name(targets)
    if kinds[0] == kinds[1] or not {*kinds} <= {*FLOATS}:
        return logits, targets, None
    wide = "float64" if "float64" in kinds else "float32"
    widened = _widened(logits, kinds[0], wide)
    return widened, _widened(targets, kinds[1], wide), None if widened is logits else logits.dtype


@in_default_mode
def in_type(gradient: Any, dtype: Any) -> Any:
    """The gradient in the type of the logits, which were of another one, or None."""
    if dtype is None:
        return gradient
    if hasattr(type(gradient), "double"):
        return gradient.to(dtype)
    with np.errstate(all="ignore"):
        return gradient.astype(dtype.newbyteorder("="))


def _array(x: Any) -> np.ndarray:
    """A mask is refused later."""
    return x if isinstance(x, np.ndarray) else np.asarray(x)


def _type_name(array: Any) -> str:
    dtype = getattr(array, "dtype", None)
    return getattr(dtype, "name", None) or str(dtype).removeprefix("torch.")


def _widened(array: Any, dtype: str, wide: str) -> Any:
    if dtype == wide:
        return array
    # PyTorch's have no ``astype``.
    if hasattr(type(array), "double"):
        return array.double() if wide == "float64" else array.float()
    return array.astype(wide) if hasattr(type(array), "astype") else array


@in_default_mode
def forward(logits: Any, targets: Any, weight: Any, **options: Any) -> Any:
    """The loss, by the options of ``problem``."""
    if _is_on_device(logits, targets=targets, weight=weight):
        from numbaexp.owners import loss_flow

        return loss_flow.forward(logits, targets, weight, **options)
    given = _on_host(logits, targets, weight, **options)
    out, finish = _result(logits, given.loss_shape, given.dtype)
    target = dispatch.current_target()
    if target == "cuda" and given.x.size:
        from numbaexp.cuda import host

        host.loss_forward(given, out)
    else:
        from numbaexp.cpu import losses

        on_threads_of(owner_of(logits), losses.forward, given, out, target)
    return finish()


@in_default_mode
def backward(grad_output: Any, logits: Any, targets: Any, weight: Any, **options: Any) -> Any:
    """The gradient of the logits."""
    if _is_on_device(logits, targets=targets, weight=weight, grad_output=grad_output):
        from numbaexp.owners import loss_flow

        return loss_flow.backward(grad_output, logits, targets, weight, **options)
    given = _on_host(logits, targets, weight, **options)
    grad = _as_float64(grad_output, "grad_output")
    check_grad(given, grad.shape)
    out, finish = _result(logits, None, given.dtype)
    target = dispatch.current_target()
    if target == "cuda" and given.x.size:
        from numbaexp.cuda import host

        host.loss_backward(given, grad, out)
    else:
        from numbaexp.cpu import losses

        on_threads_of(owner_of(logits), losses.backward, given, grad, out, target)
    return finish()


def _is_on_device(logits: Any, **others: Any) -> bool:
    """Whether the logits are, where the others are to be too. A number is where it is needed."""
    place = _place(logits, "logits")
    for argument, array in others.items():
        is_number = argument == "grad_output" and np.isscalar(array)
        if array is not None and not is_number and _place(array, argument) != place:
            raise ValueError(
                f"`{argument}` is on {_place(array, argument)} and `logits` on {place}: "
                "numbaexp copies nothing between devices"
            )
    return place != "cpu"


def _place(array: Any, argument: str) -> str:
    owner = owner_of(array)
    return "cpu" if owner is None else owner.place(array, argument)


def _on_host(logits: Any, targets: Any, weight: Any, **options: Any) -> Problem:
    """The problem, of arrays that the kernels can go through: classes are int64, weights float64."""
    factors = None if weight is None else np.ascontiguousarray(_as_float64(weight, "weight"))
    given = problem(_view(logits, "logits"), _view(targets, "targets"), factors, **options)
    x = rows.read(given.x, given.x.dtype.newbyteorder("="), (given.axis,))
    if not given.of_classes:
        return given._replace(x=x, targets=rows.read(given.targets, x.dtype, (given.axis,)))
    # In the type that they have: another one may not hold them.
    counts = given.targets != given.ignore_index
    outside = counts & ((given.targets < 0) | (given.targets >= given.classes))
    if outside.any():
        raise ValueError(f"`targets` must be classes from 0 to {given.classes - 1}; got {given.targets[outside][0]}")
    classes = np.where(counts, given.targets, 0).astype(np.int64)
    return given._replace(x=x, targets=np.where(counts, classes, IGNORED), ignore_index=IGNORED)


def _result(logits: Any, shape: tuple[int, ...] | None, dtype: str) -> tuple[np.ndarray, Callable[[], Any]]:
    """The memory of a new array of the library of the logits, of a shape or of theirs, and a function that gives the
    array when it has been written to."""
    owner = owner_of(logits)
    if owner is None:
        given = rows.plain(logits, "logits")
        made = np.empty(given.shape if shape is None else shape, given.dtype.newbyteorder("="))
        return rows.stored(made), lambda: made[()]  # type: ignore[return-value]
    elements, _ = owner.read(logits, "logits")
    written = owner.write(elements, None, dtype) if shape is None else owner.new(elements, dtype, shape)
    return written.view, lambda: owner.finish(elements.array, None, written)


def _view(array: Any, argument: str) -> tuple[np.ndarray, str]:
    """The elements of an argument in the host's memory, and the name of their type."""
    owner = owner_of(array)
    if owner is None:
        given = rows.plain(array, argument)
        return rows.stored(given), given.dtype.name  # type: ignore[return-value]
    elements, dtype = owner.read(array, argument)
    is_bfloat16 = dtype == "bfloat16" and elements.view.dtype.kind in "fu"
    return elements.view, dtype if is_bfloat16 else elements.view.dtype.name


def _as_float64(array: Any, argument: str) -> np.ndarray:
    return rows.as_float64(*_view(array, argument))
