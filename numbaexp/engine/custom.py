"""The plan of a function that a user has written: arrays are broadcast together, and promoted to one float type."""

from typing import Any

import numpy as np

from numbaexp.backends.adapter import on_threads_of
from numbaexp.backends.overlap import refuse_overlap
from numbaexp.backends.registry import are_numpys
from numbaexp.engine import ufuncs
from numbaexp.engine.checks import check_shape, check_type, one_backend, outs_of, refuse, stream_of
from numbaexp.engine.elementwise import compute_numpys
from numbaexp.operations import Operation
from numbaexp.target import current_target

_NUMBERS = (bool, int, float, np.generic)


def compute(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Compute the function where its arrays are. Numbers among them are of the type of the others."""
    outs = outs_of(operation, out)
    if are_numpys(*arrays, *outs):
        return compute_numpys(operation, arrays, out, options)
    labels = operation.arrays
    given = [(label, x) for label, x in zip(labels, arrays, strict=True) if not isinstance(x, _NUMBERS)]
    if not given:  # the result is of another library alone
        return compute_numpys(operation, arrays, out, options)
    backend, _ = one_backend(
        [label for label, _ in given], [x for _, x in given], next((o for o in outs if o is not None), None)
    )
    if options:
        refuse(operation, given[0][1], options)
    alike = promoted(backend, labels, arrays)
    read = [backend.read(x, label) for x, label in zip(alike, labels, strict=True)]
    elements, (dtype, *_) = [each for each, _ in read], [of_type for _, of_type in read]
    for label, (_, of_type) in zip(labels, read, strict=True):
        check_type(label, of_type, labels[0], dtype)
    inputs = tuple(each.view for each in elements)
    shape = np.broadcast_shapes(*(view.shape for view in inputs))
    of_shape = [each for each in elements if tuple(each.view.shape) == shape]
    # The strides of one that is broadcast tell nothing.
    like = next((each for each in of_shape if 0 not in each.view.strides), next(iter(of_shape), None))
    written = []
    for one in outs:
        if one is None and like is None:
            written.append(backend.new(elements[0], dtype, shape))
            continue
        made = backend.write(like or elements[0], one, dtype)
        written.append(made)
        if one is not None:
            check_shape("out", made.view.shape, "the result", shape)
            for view, label in zip(inputs, labels, strict=True):
                refuse_overlap(view, made.view, label)
    results = tuple(each.view for each in written)
    if isinstance(results[0], np.ndarray):
        on_threads_of(backend, ufuncs.run_on_elements, operation, current_target(), inputs, results, dtype)
    else:
        from numbaexp.cuda import custom_launch

        custom_launch.run(
            operation, inputs, results, dtype, stream_of(backend, [each.array for each in elements], None)
        )
    finished = tuple(backend.finish(elements[0].array, one, each) for one, each in zip(outs, written, strict=True))
    return finished if operation.results > 1 else finished[0]


def promoted(backend: Any, labels: tuple[str, ...], arrays: tuple[Any, ...]) -> list[Any]:
    """Return arguments of one library, numbers among them, as its arrays of one float type."""
    if hasattr(backend, "alike"):
        return backend.alike(labels, arrays)
    kinds = {(type(x), getattr(x, "dtype", None)) for x in arrays}
    if len(kinds) == 1 or not hasattr(backend, "together"):
        return list(arrays)
    common = arrays[0]
    for x in arrays[1:]:
        common, _ = backend.together(common, x)
    return [backend.together(x, common)[0] for x in arrays]
