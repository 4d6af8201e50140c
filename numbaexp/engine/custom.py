"""The plan of a function that a user has written: arrays are broadcast together, and promoted to one float type."""

from typing import Any

import numpy as np

from numbaexp.backends.adapter import Elements, on_threads_of
from numbaexp.backends.overlap import refuse_overlap
from numbaexp.backends.registry import are_numpys, decided, find
from numbaexp.engine import ufuncs
from numbaexp.engine.checks import check_shape, check_type, one_backend, refuse, stream_of
from numbaexp.engine.elementwise import compute_numpys
from numbaexp.operations import Operation
from numbaexp.target import current_target

_NUMBERS = (bool, int, float, np.generic)


def compute(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Compute the function where its arrays are. Numbers among them are of the type of the others."""
    outs = out if type(out) is tuple else (out,) * operation.results if out is None else (out,)
    if are_numpys(*arrays, *outs):
        return compute_numpys(operation, arrays, out, options)
    labels = operation.arrays
    given = {label: x for label, x in zip(labels, arrays, strict=True) if not isinstance(x, _NUMBERS)}
    if not given:  # the result is of another library alone
        return compute_numpys(operation, arrays, out, options)
    into = [one for one in outs if one is not None]
    backend, device = one_backend([*given, *["out"] * len(into)], [*given.values(), *into])
    if options:
        refuse(operation, next(iter(given.values())), options)
    if device == "cpu":
        given = dict(zip(labels, promoted(backend, arrays), strict=True))
    else:
        given = dict(zip(given, promoted(backend, tuple(given.values())), strict=True))
    read = {label: backend.read(x, label) for label, x in given.items()}
    elements, (like, *_) = {label: each for label, (each, _) in read.items()}, given
    dtype = read[like][1]
    for label, (each, of_type) in read.items():
        check_type(label, of_type, like, dtype)
    shape = np.broadcast_shapes(*(each.view.shape for each in elements.values()))
    first = elements[like]
    whole = next((each for each in elements.values() if tuple(each.view.shape) == shape), None)
    written = []
    for one in outs:
        if one is None:
            written.append(backend.new(first, dtype, shape) if whole is None else backend.write(whole, None, dtype))
            continue
        written.append(backend.write(whole or Elements(one, None), one, dtype))
        check_shape("out", written[-1].view.shape, "the result", shape)
        for label, each in elements.items():
            refuse_overlap(each.view, written[-1].view, label)
    results = tuple(each.view for each in written)
    if device == "cpu":
        inputs = tuple(each.view for each in elements.values())
        on_threads_of(backend, ufuncs.run_on_elements, operation, current_target(), inputs, results, dtype)
    else:
        from numbaexp.cuda import custom_launch

        inputs = tuple(elements[label].view if label in elements else x for label, x in zip(labels, arrays, strict=True))
        stream = stream_of(backend, [*(each.array for each in elements.values()), *into[:-1]], into[-1] if into else None)
        custom_launch.run(operation, inputs, results, dtype, stream)
    finished = tuple(backend.finish(first.array, one, each) for one, each in zip(outs, written, strict=True))
    return finished if operation.results > 1 else finished[0]


def promoted(backend: Any, arrays: tuple[Any, ...]) -> list[Any]:
    """Return arguments of one library, numbers among them, as its arrays of one float type."""
    kinds = {(type(x), getattr(x, "dtype", None)) for x in arrays}
    if len(kinds) == 1 or not hasattr(backend, "together"):
        return list(arrays)
    common = arrays[0]
    for x in arrays[1:]:
        common, _ = backend.together(common, x)
    return [backend.together(x, common)[0] for x in arrays]
