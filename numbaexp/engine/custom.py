"""The plan of a function that a user has written: arrays are broadcast together, and promoted to one float type."""

from typing import Any

import numpy as np

from numbaexp.backends.adapter import Elements, on_threads_of
from numbaexp.backends.overlap import refuse_overlap, refuse_shared
from numbaexp.backends.registry import are_numpys
from numbaexp.custom.operation import CustomOperation
from numbaexp.engine import ufuncs
from numbaexp.engine.checks import check_shape, check_type, one_backend, outs_of, refuse, stream_of
from numbaexp.engine.elementwise import compute_numpys
from numbaexp.scalar.forms import FLOATS, number_as_stored
from numbaexp.target import current_target

_NUMBERS = (bool, int, float, np.generic)


def compute(operation: CustomOperation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Compute the function where its arrays are. Numbers among them are of the type of the others."""
    outs = outs_of(operation, out)
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
    # A number need not become an array of the library where the kernel, or NumPy, takes the number itself.
    alike = dict(zip(labels, arrays, strict=True)) if device == "cpu" and _takes_numbers(backend) else given
    elements, dtype = _read(backend, tuple(alike), promoted(backend, tuple(alike), tuple(alike.values())))
    numbers = {label: x for label, x in zip(labels, arrays, strict=True) if label not in alike}
    if not hasattr(backend, "alike") and any(isinstance(x, (float, np.floating)) for x in numbers.values()):
        dtype = _promoted_by_floats(elements, dtype)
    written = _write(backend, elements, outs, dtype)
    results, first = tuple(each.view for each in written), next(iter(elements.values()))
    views = numbers | {label: each.view for label, each in elements.items()}
    inputs = tuple(views[label] for label in labels)
    if device == "cpu":
        inputs = tuple(number_as_stored(x, dtype) if isinstance(x, _NUMBERS) else x for x in inputs)
        on_threads_of(backend, ufuncs.run_on_elements, operation, current_target(), inputs, results, dtype)
    else:
        from numbaexp.cuda import custom_launch

        read = [*(each.array for each in elements.values()), *into[:-1]]
        stream = stream_of(backend, read, into[-1] if into else None)
        custom_launch.run(operation, inputs, results, dtype, stream)
    finished = tuple(backend.finish(first.array, one, each) for one, each in zip(outs, written, strict=True))
    return finished if operation.results > 1 else finished[0]


def _read(backend: Any, labels: tuple[str, ...], arrays: list[Any]) -> tuple[dict[str, Elements], str]:
    """Return the elements of arrays, and the name of their type."""
    read = {label: backend.read(x, label) for label, x in zip(labels, arrays, strict=True)}
    _, dtype = read[labels[0]]
    for label, (_, of_type) in read.items():
        check_type(label, of_type, labels[0], dtype)
    return {label: each for label, (each, _) in read.items()}, dtype


def _write(backend: Any, elements: dict[str, Elements], outs: tuple[Any, ...], dtype: str) -> list[Elements]:
    """Return the memory for the results, new where no array is given."""
    shape = np.broadcast_shapes(*(each.view.shape for each in elements.values()))
    whole = [each for each in elements.values() if tuple(each.view.shape) == shape]
    # The strides of one that is broadcast tell nothing.
    like = next((each for each in whole if 0 not in each.view.strides), next(iter(whole), None))
    written = []
    for out in outs:
        if out is None and like is None:
            written.append(backend.new(next(iter(elements.values())), dtype, shape))
            continue
        written.append(backend.write(like or Elements(out, None), out, dtype))
        if out is not None:
            check_shape("out", written[-1].view.shape, "the result", shape)
            for label, each in elements.items():
                refuse_overlap(each.view, written[-1].view, label)
            for before in written[:-1]:
                refuse_shared(written[-1].view, before.view)
    return written


def _takes_numbers(backend: Any) -> bool:
    """Tell whether an adapter makes arrays of numbers."""
    return hasattr(backend, "alike") or hasattr(backend, "together")


def _promoted_by_floats(elements: dict[str, Elements], dtype: str) -> str:
    """Return the type that arrays are computed in beside Python's floats, by NumPy's promotion."""
    are_integers = dtype != "bfloat16" and all(str(each.view.dtype) not in FLOATS for each in elements.values())
    return "float64" if are_integers else dtype


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
