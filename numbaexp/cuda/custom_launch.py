"""Launch the kernels of elementwise functions that users have written, on arrays that lie on a device."""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from numbaexp.cuda import custom_kernels
from numbaexp.cuda.custom_kernels import NUMBER
from numbaexp.cuda.custom_numbers import word_of
from numbaexp.cuda.kernels import DIMENSIONS
from numbaexp.cuda.launch import for_threads, steps_of
from numbaexp.cuda.layout import Dimension, Layout, find_layout, pieces
from numbaexp.cuda.memory import WIDTH
from numbaexp.cuda.runtime import launcher
from numbaexp.custom.operation import CustomOperation
from numbaexp.layout import Strided, broadcast
from numbaexp.scalar.family import FAMILY, modules_of
from numbaexp.scalar.forms import itemsize

_MODULES = (custom_kernels.__name__, *(module for name in FAMILY for module in modules_of(name)))

# Of an operand: shape, strides in bytes, type, and address modulo ``WIDTH``; None of a number.
_Form = tuple[tuple[int, ...], tuple[int, ...], str, int] | None
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
    forms: list[_Form] = []
    for given in (*inputs, *results):
        if isinstance(given, Strided):
            words.append(given.pointer)
            forms.append((given.shape, given.strides, given.dtype, given.pointer % WIDTH))
        else:
            words.append(word_of(given, dtype))
            forms.append(None)
    words.append(0)
    with launcher.on(device):
        known = _contiguous_launch(operation, tuple(forms), device, stream)
        for launch, arguments in _strided_launches(operation, forms, device, stream) if known is None else (known,):
            launch(*[words[place] + addend for place, addend in arguments])


def _layout(operation: CustomOperation, forms: Sequence[_Form], device: int) -> tuple[Layout, list[int]]:
    """Return the layout of the arrays among the operands, and their places."""
    names = (*operation.arrays, *["out"] * operation.results)
    shape, *_ = forms[-1]
    steps, places = [], []
    for place, (form, name) in enumerate(zip(forms, names, strict=True)):
        if form is not None:
            of_form, strides, dtype, address = form
            view = broadcast(Strided(address, of_form, strides, dtype, device), shape)
            steps.append(steps_of(view.strides, dtype, address, name))
            places.append(place)
    return find_layout(shape, tuple(steps)), places


@functools.lru_cache(4096)
def _contiguous_launch(
    operation: CustomOperation, forms: tuple[_Form, ...], device: int, stream: int
) -> _Launch | None:
    """Return the launch of the contiguous kernel; None where it cannot take the operands."""
    dtype, (layout, places) = forms[-1][2], _layout(operation, forms, device)
    if len(layout.dimensions) > 1 or any(form[2] != dtype for form in forms if form is not None):
        return None
    (dimension,) = layout.dimensions or (Dimension(1, (1,) * len(places)),)
    size, results = itemsize(dtype), [place for place in places if place >= len(operation.arrays)]
    given = dict(zip(places, zip(layout.starts, dimension.steps, strict=True), strict=True))
    if not {step for _, step in given.values()} <= {0, 1} or any(given[place][1] == 0 for place in results):
        return None
    remainders = {(forms[place][3] + start * size) % WIDTH for place, (start, step) in given.items() if step == 1}
    if len(remainders) > 1:
        return None
    arguments = []
    for place in range(len(forms)):
        start, step = given.get(place, (0, NUMBER))
        arguments.append((place, start * size))
        if place not in results:
            arguments.append((_ZERO, step))
    first = min(-remainders.pop() % WIDTH // size, layout.size)
    launch = for_threads(contiguous(operation, dtype, device), device, layout.size * size / WIDTH, stream)
    return launch, (*arguments, (_ZERO, first), (_ZERO, layout.size))


def _strided_launches(
    operation: CustomOperation, forms: Sequence[_Form], device: int, stream: int
) -> Iterator[_Launch]:
    """Yield the launches of the strided kernel."""
    dtype, (layout, places) = forms[-1][2], _layout(operation, forms, device)
    sources = tuple(dtype if form is None else form[2] for form in forms[: len(operation.arrays)])
    kernel = strided(operation, sources, dtype, device)
    for begins, dimensions in pieces(layout):
        padding = [(_ZERO, 0)] * (DIMENSIONS - len(dimensions))
        lengths = [1] * len(padding) + [row.length for row in dimensions]
        arguments = []
        for place, form in enumerate(forms):
            if form is None:
                arguments += (place, 0), *[(_ZERO, 0)] * DIMENSIONS, (_ZERO, NUMBER)
            else:
                operand = places.index(place)
                steps = [(_ZERO, row.steps[operand]) for row in dimensions]
                arguments += (place, begins[operand] * itemsize(form[2])), *padding, *steps, (_ZERO, 0)
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
