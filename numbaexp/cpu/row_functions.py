"""The softmax family on arrays in the host's memory: which kernels go through them, and how."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from numbaexp.cpu import column_logs, columns, row_backward, row_logs, row_losses, row_weighted, rows, share
from numbaexp.cpu.compile import compile_loop
from numbaexp.rows_layout import Rows, find_rows
from numbaexp.scalar.rows import CHUNK

Make = Callable[[str], Callable[[int, int, int], None]]


class Ways(NamedTuple):
    """The kernels of a function: for a row at a time, for rows beside each other, and for rows that no cache holds, for
    which there are several, each with whether a chunk is its unit of work."""

    by_row: Make
    beside: Make | None = None
    by_chunks: tuple[tuple[str, Make, bool], ...] = ()


def _shares(**options: bool) -> Ways:
    make = functools.partial
    return Ways(
        make(rows.make_softmax, **options),
        make(columns.make_softmax, **options),
        (
            ("sums", make(rows.make_sums, apart=False), True),
            ("shares", make(rows.make_shares, **options), False),
            ("finish", rows.make_finish, True),
        ),
    )


def _logs(by_row: Make, beside: Make, finish: Make, by_chunk: bool) -> Ways:
    sums, close = functools.partial(rows.make_sums, apart=True), row_logs.make_close
    return Ways(by_row, beside, (("sums", sums, True), ("close", close, False), ("finish", finish, by_chunk)))


def _backward(name: str) -> Ways:
    make = functools.partial
    return Ways(make(row_backward.make_by_row, name), make(row_backward.make_beside_kernel, name))


FUNCTIONS = {
    "softmax": _shares(),
    "scaled_softmax": _shares(scaled=True),
    "log_softmax": _logs(row_logs.make_log_softmax, column_logs.make_log_softmax, row_logs.make_finish_logs, True),
    "logsumexp": _logs(row_logs.make_log_sums, column_logs.make_log_sums, row_logs.make_finish_log_sums, False),
    "statistics": _logs(
        row_logs.make_statistics, column_logs.make_statistics, row_logs.make_finish_statistics, False
    ),
    "softmax_backward": _backward("softmax_backward"),
    "log_softmax_backward": _backward("log_softmax_backward"),
    "weighted_logsumexp": Ways(row_weighted.make_weighted_log_sums),
    "losses": Ways(row_losses.make_losses),
    "class_gradients": Ways(row_losses.make_class_gradients),
    "expected_losses": Ways(row_losses.make_expected_losses),
    "expected_gradients": Ways(row_losses.make_expected_gradients),
    "total": Ways(row_losses.make_total),
    "rounded": Ways(row_losses.make_rounded),
}

# Elements of a contiguous row from which it is gone through alone; fewer rows than these are not put beside each other.
ALONE_FROM, BESIDE_FROM = 40, 8
# Elements of an array from which all threads pay.
SHARED_FROM = 1 << 14


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
    x = operands.x
    given = [x if array is None else array for array in (x, operands.w, operands.extra, operands.y)]
    pieces = find_rows(x.shape, tuple(_steps(array) for array in given), axes)
    if pieces is None:
        raise ValueError(f"`axes` must be one dimension in memory; got {axes} of strides {x.strides}")
    on_all = target == "parallel" or (target == "auto" and x.size >= SHARED_FROM)
    addresses = [array.ctypes.data for array in given]
    constant = [0 if array is None else array.ctypes.data for array in (operands.along, operands.constants)]
    for piece in pieces:
        _run_piece(name, dtype, addresses, constant, piece, x.itemsize, on_all)


def _steps(array: np.ndarray) -> tuple[int, ...]:
    return tuple(0 if n == 1 else step for n, step in zip(array.shape, array.strides, strict=True))


@functools.cache
def _kernel(name: str, way: str, dtype: str) -> int:
    """The address of a kernel."""
    ways = FUNCTIONS[name]
    makes = {"by row": ways.by_row, "beside": ways.beside, **{label: make for label, make, _ in ways.by_chunks}}
    make: Any = makes[way]
    callback = compile_loop(make(dtype), rows.SIGNATURE, f"{name} {way} {dtype}", error_model="numpy")
    _keep_alive.append(callback)
    return callback.address


_keep_alive: list[Any] = []


def _run_piece(name: str, dtype: str, addresses: list[int], constant: list[int], piece: Rows, itemsize: int, on_all: bool) -> None:
    x, w, extra, y = (address + start for address, start in zip(addresses, piece.starts, strict=True))
    of_x, of_w, of_extra, of_y = piece.steps
    chunks, count = -(-piece.length // CHUNK), piece.outer * piece.inner
    lengths = piece.length, piece.inner, chunks
    job = np.array([x, w, y, extra, 0, *lengths, *of_x, *of_w, *of_y, *of_extra[:2], *constant], np.int64)

    def call(way: str, units: int) -> None:
        share.run(_kernel(name, way, dtype), job.ctypes.data, units, on_all)

    if chunks > rows.KEPT and FUNCTIONS[name].by_chunks:
        known = np.zeros((count, 4, -(-chunks // rows.TILE) * rows.TILE))
        job[rows.KNOWN] = known.ctypes.data
        for way, _, by_chunk in FUNCTIONS[name].by_chunks:
            call(way, count * chunks if by_chunk else count)
    elif not FUNCTIONS[name].beside or chunks > 1 or piece.inner < BESIDE_FROM or (of_x[2] == itemsize and piece.length >= ALONE_FROM):
        call("by row", count)
    else:
        call("beside", piece.outer * -(-piece.inner // columns.BESIDE))
