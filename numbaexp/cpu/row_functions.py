"""The softmax family on arrays in the host's memory: which kernels go through them, and how."""

import functools
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from numbaexp.cpu import row_job as at
from numbaexp.cpu import share
from numbaexp.cpu.compile import compile_kernel
from numbaexp.cpu.thread_limit import processors
from numbaexp.layout import Rows, find_rows
from numbaexp.scalar.row_order import CHUNK
from numbaexp.target import AUTO, PARALLEL


class Make(NamedTuple):
    """The function of this room that makes a kernel of a type, by its module and name, and its other arguments."""

    module: str
    name: str
    first: tuple[Any, ...] = ()
    options: tuple[tuple[str, bool], ...] = ()


# Units of work.
ROW, CHUNK_OF_ROW, CHUNK_OF_BLOCK = "row", "chunk of a row", "chunk of batched rows"


class Variants(NamedTuple):
    """The kernels of a function: for a row at a time, and for batched rows; and for rows that no cache holds,
    one after another, each with its name and unit, again at a time and batched."""

    by_row: Make
    batched: Make | None = None
    by_chunks: tuple[tuple[str, Make, str], ...] = ()
    batched_by_chunks: tuple[tuple[str, Make, str], ...] = ()

    def makes(self) -> dict[str, Make]:
        """Return what makes the kernels, by the names of the variants."""
        batched = {"batched": self.batched} if self.batched else {}
        by_chunks = {label: make for label, make, _ in (*self.by_chunks, *self.batched_by_chunks)}
        return {"by row": self.by_row, **batched, **by_chunks}


def _softmax_like(**options: bool) -> Variants:
    def make(module: str, name: str) -> Make:
        return Make(module, name, options=tuple(options.items()))

    shares = ("shares", make("rows", "make_shares"), ROW)
    return Variants(
        make("rows", "make_softmax"),
        make("columns", "make_softmax"),
        (
            ("sums", Make("rows", "make_sums"), CHUNK_OF_ROW),
            shares,
            ("finish", make("rows", "make_finish"), CHUNK_OF_ROW),
        ),
        (
            ("sums batched", Make("column_chunks", "make_sums"), CHUNK_OF_BLOCK),
            shares,
            ("finish batched", make("column_chunks", "make_finish"), CHUNK_OF_BLOCK),
        ),
    )


def _logs(name: str, finish: tuple[str, Make, str], finish_batched: tuple[str, Make, str]) -> Variants:
    close = ("close", Make("row_logs", "make_close"), ROW)
    sums = ("sums", Make("rows", "make_sums_apart"), CHUNK_OF_ROW)
    sums_batched = ("sums batched", Make("column_chunks", "make_sums_apart"), CHUNK_OF_BLOCK)
    by_row, batched = Make("row_logs", name), Make("column_logs", name)
    return Variants(by_row, batched, (sums, close, finish), (sums_batched, close, finish_batched))


def _one_a_row(name: str, finish: str) -> Variants:
    """Of a function with one result for each row."""
    last = ("finish", Make("row_logs", finish), ROW)
    return _logs(name, last, last)


def _backward(name: str) -> Variants:
    def make(of_module: str) -> Make:
        return Make("row_backward", of_module, (name,))

    return Variants(
        make("make_by_row"),
        make("make_batched_kernel"),
        (
            ("sums", make("make_sums"), CHUNK_OF_ROW),
            ("close", make("make_close"), ROW),
            ("finish", make("make_finish"), CHUNK_OF_ROW),
        ),
    )


def _of_sums(name: str) -> Variants:
    return Variants(
        Make("row_merging", "make_by_row", (name,)),
        Make("row_merging", "make_batched_kernel", (name,)),
    )


def _losses(name: str) -> Variants:
    return Variants(Make("row_losses", name))


FUNCTIONS = {
    "softmax": _softmax_like(),
    "scaled_softmax": _softmax_like(scaled=True),
    "log_softmax": _logs(
        "make_log_softmax",
        ("finish", Make("row_logs", "make_finish_logs"), CHUNK_OF_ROW),
        ("finish batched", Make("column_chunks", "make_finish_logs"), CHUNK_OF_BLOCK),
    ),
    "logsumexp": _one_a_row("make_log_sums", "make_finish_log_sums"),
    "statistics": _one_a_row("make_statistics", "make_finish_statistics"),
    "softmax_backward": _backward("softmax_backward"),
    "log_softmax_backward": _backward("log_softmax_backward"),
    "entropy": Variants(Make("row_entropy", "make_entropies")),
    "entropy_backward": Variants(Make("row_entropy", "make_gradients")),
    "selected_logs": Variants(Make("row_selection", "make_logs")),
    "selected_gradients": Variants(Make("row_selection", "make_gradients")),
    "weighted_logsumexp": Variants(Make("row_weighted", "make_weighted_log_sums")),
    "widened": Variants(Make("row_numbers", "make_widened")),
    "losses": _losses("make_losses"),
    "class_gradients": _losses("make_class_gradients"),
    "expected_losses": _losses("make_expected_losses"),
    "expected_gradients": _losses("make_expected_gradients"),
    "total": _losses("make_total"),
    "rounded": _losses("make_rounded"),
    "sums_of_statistics": Variants(Make("row_merging", "make_sums_of_statistics")),
    "merged_sums": Variants(Make("row_merging", "make_merged_sums")),
    "softmax_of_sums": _of_sums("softmax"),
    "log_softmax_of_sums": _of_sums("log_softmax"),
    "logsumexp_of_sums": Variants(Make("row_merging", "make_logsumexp_of_sums")),
}


class Operands(NamedTuple):
    """Arrays of one number of dimensions. ``x`` has the full shape, and ``w`` too, a second argument; ``y`` may, as
    ``extra``, have length 1 along the axes. ``along`` has a number for each element of a row. ``extra``, ``along`` and
    ``constants`` are of float64, the others of one type, of bfloat16 its bits."""

    x: np.ndarray
    y: np.ndarray | None = None
    w: np.ndarray | None = None
    extra: np.ndarray | None = None
    along: np.ndarray | None = None
    constants: np.ndarray | None = None


def run(name: str, dtype: str, operands: Operands, axes: tuple[int, ...], target: str) -> None:
    """Compute a function of ``FUNCTIONS``.

    Parameters
    ----------
    name : str
        Of the function.
    dtype : str
        Of the elements.
    operands : Operands
        The result is the same memory as an argument, or does not overlap it. Nothing is empty.
    axes : tuple of int
        Along which the rows lie, in memory one dimension.
    target : str
        "cpu", "parallel" or "auto".
    """
    x, y, w, extra, along, constants = operands
    given = [x if array is None else array for array in (x, w, extra, y)]
    layout = x.shape, tuple((array.shape, array.strides) for array in given), axes
    on_all = target == PARALLEL or (target == AUTO and x.size >= at.SHARED_FROM)
    variants, itemsize = FUNCTIONS[name], x.itemsize
    addresses = [array.ctypes.data for array in given]
    constant = [0 if array is None else array.ctypes.data for array in (along, constants)]
    for outer, inner, length, starts, steps in _few_pieces(*layout) or _pieces(*layout):
        at_x, at_w, at_extra, at_y = (address + start for address, start in zip(addresses, starts, strict=True))
        of_x, of_w, of_extra, of_y = steps
        chunks, count = -(-length // CHUNK), outer * inner
        job = np.array(
            [at_x, at_w, at_y, at_extra, 0, length, inner, chunks, *of_x, *of_w, *of_y, *of_extra, *constant, 0],
            np.int64,
        )
        batched = inner >= at.BATCHED_FROM and not (of_x[2] == itemsize and length >= at.ALONE_FROM)
        blocks = outer * -(-inner // at.BATCH)
        by_chunks = variants.batched_by_chunks if batched and chunks > 1 else variants.by_chunks
        is_long = chunks > at.KEPT or (batched and chunks > 1)
        if by_chunks and is_long and (batched or not _are_enough(count, by_chunks)):
            partial_sums = np.zeros((count, 4, -(-chunks // at.TILE) * at.TILE))
            job[at.KNOWN] = partial_sums.ctypes.data
            units_of = {ROW: count, CHUNK_OF_ROW: count * chunks, CHUNK_OF_BLOCK: blocks * chunks}
            passes = [(variant, units_of[unit]) for variant, _, unit in by_chunks]
        elif variants.batched and batched and chunks == 1:
            passes = [("batched", blocks)]
        else:
            passes = [("by row", count)]
        for variant, units in passes:
            if on_all and units > 1:
                share.run_on_all(kernel(name, variant, dtype), job.ctypes.data, units)
            else:
                share.compiled_single()[1](kernel(name, variant, dtype), job.ctypes.data, 0, units)
        if job[at.FAILED]:
            raise MemoryError(f"no memory for rows of {length} elements")


def _are_enough(rows: int, by_chunks: tuple[tuple[str, Make, str], ...]) -> bool:
    """Tell whether all threads have rows enough, of functions that go through them once where rows are not cut."""
    return by_chunks[-1][-1] == ROW and rows >= at.PARTS * processors()


# Pieces that are remembered: finding them takes longer than a small array.
_FEW = 16


@functools.lru_cache(1024)
def _few_pieces(*layout: Any) -> tuple[Rows, ...] | None:
    """Return the pieces of a layout, or None where there are many."""
    pieces = tuple(itertools.islice(_pieces(*layout), _FEW + 1))
    return pieces if len(pieces) <= _FEW else None


def _pieces(shape: tuple[int, ...], operands: tuple[Any, ...], axes: tuple[int, ...]) -> Iterator[Rows]:
    strides = tuple(
        tuple(0 if n == 1 else step for n, step in zip(*of_operand, strict=True)) for of_operand in operands
    )
    pieces = find_rows(shape, strides, axes)
    if pieces is None:
        raise ValueError(f"`axes` must be one dimension in memory; got {axes} of strides {strides}")
    return pieces


@functools.cache
def kernel(name: str, variant: str, dtype: str) -> int:
    """Return the address of a kernel."""
    make = FUNCTIONS[name].makes()[variant]
    arguments, options = (*make.first, dtype), dict(make.options)
    return compile_kernel(
        f"{name} {variant} {dtype}", f"{make.module}.{make.name}", at.SIGNATURE, arguments=arguments, options=options
    ).address
