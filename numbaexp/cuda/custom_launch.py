"""Launch the kernels of elementwise functions that users have written, on arrays that lie on a device."""

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from numbaexp.cuda import custom_kernels
from numbaexp.cuda.custom_kernels import NUMBER
from numbaexp.cuda.custom_numbers import word_of
from numbaexp.cuda.kernels import DIMENSIONS
from numbaexp.cuda.launch import for_threads, steps_of
from numbaexp.cuda.layout import Layout, find_layout, pieces
from numbaexp.cuda.memory import WIDTH
from numbaexp.cuda.runtime import launcher
from numbaexp.custom.capture import capture
from numbaexp.custom.operation import CustomOperation
from numbaexp.layout import Strided, broadcast
from numbaexp.scalar.family import FAMILY, modules_of
from numbaexp.scalar.forms import itemsize

_MODULES = (custom_kernels.__name__, capture.__module__, *(module for name in FAMILY for module in modules_of(name)))

# Of an array: shape, strides in bytes, type, and address modulo ``WIDTH``.
_Form = tuple[tuple[int, ...], tuple[int, ...], str, int]
# What launches a kernel, and its arguments: to which of the words of all operands what is added. Behind those is a 0.
_Launch = tuple[Callable[..., None], Sequence[tuple[int, int]]]
_ZERO = -1


def run(operation: CustomOperation, inputs: Sequence[Any], results: Sequence[Strided], dtype: str, stream: int) -> None:
    """Compute a function on the device where its arrays lie, asynchronously on a stream.

    Parameters
    ----------
    operation : CustomOperation
        The function.
    inputs : sequence of Strided or number
        The inputs, which broadcast to the shape of the results: arrays of the float type that is computed in, or of
        integers or bool; and numbers, which become that type.
    results : sequence of Strided
        The results, all of one shape and of the type that is computed in. Each is the same memory as an input, or
        overlaps none.
    dtype : str
        The float type.
    stream : int
        A CUstream of that device; 0 is the default one.

    Raises
    ------
    ValueError
        If an address or a step is not a multiple of the size of an element.
    """
    shape, device = results[0].shape, results[0].device
    if 0 in shape:
        return
    words: list[int] = []
    forms: list[_Form | None] = []
    for given in (*inputs, *results):
        if isinstance(given, Strided):
            words.append(given.pointer)
            forms.append((given.shape, given.strides, given.dtype, given.pointer % WIDTH))
        else:
            words.append(word_of(given, dtype))
            forms.append(None)
    words.append(0)
    with launcher.on(device):
        known = _contiguous_launch(operation, tuple(forms), dtype, device, stream)
        launches = (known,) if known is not None else _strided_launches(operation, forms, dtype, device, stream)
        for launch, arguments in launches:
            launch(*[words[place] + addend for place, addend in arguments])


def _layout(operation: CustomOperation, forms: Mapping[int, _Form]) -> Layout:
    """Return the layout of the arrays among the operands, by their places."""
    names = (*operation.arrays, *["out"] * operation.results)
    shape, *_ = forms[len(names) - 1]
    steps = []
    for place, (own, strides, dtype, address) in forms.items():
        view = broadcast(Strided(address, own, strides, dtype, 0), shape)
        steps.append(steps_of(view.strides, dtype, address, names[place]))
    return find_layout(shape, tuple(steps))


@functools.lru_cache(4096)
def _contiguous_launch(
    operation: CustomOperation, operands: tuple[_Form | None, ...], dtype: str, device: int, stream: int
) -> _Launch | None:
    """Return the launch of the contiguous kernel; None where it cannot take the operands, of which numbers are None."""
    forms = {place: form for place, form in enumerate(operands) if form is not None}
    layout, size = _layout(operation, forms), itemsize(dtype)
    if len(layout.dimensions) > 1 or {form[2] for form in forms.values()} != {dtype}:
        return None
    steps = layout.dimensions[0].steps if layout.dimensions else (1,) * len(forms)
    given = dict(zip(forms, zip(layout.starts, steps, strict=True), strict=True))
    remainders = {(forms[place][3] + start * size) % WIDTH for place, (start, step) in given.items() if step == 1}
    if not {*steps} <= {0, 1} or len(remainders) > 1:
        return None
    arguments: list[tuple[int, int]] = []
    for place in range(len(operands)):
        start, step = given.get(place, (0, NUMBER))
        arguments.append((place, start * size))
        if place < len(operation.arrays):
            arguments.append((_ZERO, step))
    first = min(-remainders.pop() % WIDTH // size, layout.size)
    launch = for_threads(contiguous(operation, dtype, device), device, layout.size * size / WIDTH, stream)
    return launch, (*arguments, (_ZERO, first), (_ZERO, layout.size))


def _strided_launches(
    operation: CustomOperation, operands: Sequence[_Form | None], dtype: str, device: int, stream: int
) -> Iterator[_Launch]:
    """Yield the launches of the strided kernel."""
    forms = {place: form for place, form in enumerate(operands) if form is not None}
    sources = tuple(dtype if form is None else form[2] for form in operands[: len(operation.arrays)])
    kernel = strided(operation, sources, dtype, device)
    for begins, dimensions in pieces(_layout(operation, forms)):
        padding = [(_ZERO, 0)] * (DIMENSIONS - len(dimensions))
        lengths = [1] * len(padding) + [row.length for row in dimensions]
        of_array = {
            place: [(place, begins[k] * itemsize(form[2])), *padding, *((_ZERO, row.steps[k]) for row in dimensions)]
            for k, (place, form) in enumerate(forms.items())
        }
        arguments: list[tuple[int, int]] = []
        for place in range(len(operands)):
            of_number = [(place, 0), *[(_ZERO, 0)] * DIMENSIONS]
            arguments += *of_array.get(place, of_number), (_ZERO, 0 if place in of_array else NUMBER)
        size = math.prod(lengths)
        arguments += [(_ZERO, length) for length in (size, *lengths[1:])]
        yield for_threads(kernel, device, size, stream), arguments


@functools.cache
def contiguous(operation: CustomOperation, dtype: str, device: int) -> Any:
    """Return the compiled contiguous kernel of a function."""
    make = functools.partial(custom_kernels.make_contiguous, operation, dtype)
    arguments = custom_kernels.contiguous_types(len(operation.arrays), operation.results)
    label = f"{operation.name} {dtype} contiguous"
    return launcher.compiled(make, label, _MODULES, arguments, device, operation.digest)


@functools.cache
def strided(operation: CustomOperation, sources: tuple[str, ...], dtype: str, device: int) -> Any:
    """Return the compiled strided kernel of a function, for inputs of the types ``sources``."""
    make = functools.partial(custom_kernels.make_strided, operation, sources, dtype)
    arguments = custom_kernels.strided_types(len(operation.arrays), operation.results)
    label = f"{operation.name} {dtype} strided from {' '.join(sources)}"
    return launcher.compiled(make, label, _MODULES, arguments, device, operation.digest)
