"""Selection by a mask, for arrays of libraries without a function for that."""

from typing import Any

import numpy as np

from numbaexp.backends.adapter import check_mask
from numbaexp.backends.registry import find
from numbaexp.layout import broadcast
from numbaexp.scalar.forms import number_as_stored


def select(backend: Any, mask: Any, x: Any, value: float, out: Any = None) -> Any:
    """Return the elements of ``x`` where the mask is true, and ``value`` elsewhere; see
    ``numbaexp.backends.adapter.Adapter``."""
    elements, dtype = backend.read(x, "x")
    # What was made by a selection may be of another class than what is given.
    of_mask, _ = find(mask).backend.read(mask, "where")
    check_mask(of_mask.view.dtype)
    shapes = tuple(elements.view.shape), tuple(of_mask.view.shape)
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(f"`where` must be of a shape that broadcasts with {shapes[0]}; got {shapes[1]}") from None
    if out is not None or shape == shapes[0]:
        written = backend.write(elements, out, dtype)
    else:
        written = backend.new(elements, dtype, shape)
    if isinstance(written.view, np.ndarray):
        selected = np.where(of_mask.view, elements.view, number_as_stored(value, dtype))
        np.copyto(written.view, selected, "same_kind")
    else:
        from numbaexp.cuda import select as on_device

        views = (broadcast(of_mask.view, shape), broadcast(elements.view, shape))
        on_device.run(*views, value, written.view, backend.stream(elements.array, out))
    return backend.finish(elements.array, out, written)
