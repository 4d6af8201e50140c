"""Fingerprints: the SHA-256 of all results of a function for published arguments, and the table of the published ones.

python -m numbaexp.verify.fingerprint [FUNCTION ...] [--dtype TYPE ...] [--whole] [--write]
"""

import argparse
import csv
import functools
import hashlib
import itertools
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

import numbaexp
from numbaexp.operations import OPERATIONS
from numbaexp.progress import Progress
from numbaexp.scalar.family import FAMILY, SAVED
from numbaexp.scalar.forms import FLOATS
from numbaexp.verify import arguments
from numbaexp.verify.fingerprint_arguments import FIRST, SAMPLE, SECOND, Rows, rows, sample
from numbaexp.verify.hard_cases import read_table
from numbaexp.verify.status import INTERRUPTED

TABLE = Path(__file__).with_name("fingerprints.csv")
# Inputs per step, of a few hundredths of a second.
AT_ONCE = 1 << 21
# The arguments: every number of the type, a sample, the hard cases of `hard_cases.csv`, and arrays of rows.
EVERY, SAMPLED, HARD, OF_ROWS = "every", "sample", "hard cases", "rows"

# Functions of rows, by their arguments.
_OF_ROWS: dict[str, Callable[[Rows], np.ndarray]] = {
    "softmax": lambda given: numbaexp.softmax(given.x),
    "softmax_backward": lambda given: numbaexp.softmax_backward(given.gradient, numbaexp.softmax(given.x)),
    "log_softmax": lambda given: numbaexp.log_softmax(given.x),
    "log_softmax_backward": lambda given: numbaexp.log_softmax_backward(given.gradient, numbaexp.log_softmax(given.x)),
    "logsumexp": lambda given: numbaexp.logsumexp(given.x, axis=-1),
    "logsumexp_backward": lambda given: numbaexp.logsumexp_backward(given.gradient_of_rows, given.x, axis=-1),
    "log_prob": lambda given: numbaexp.log_prob(given.x, given.classes),
    "log_prob_backward": lambda given: numbaexp.log_prob_backward(given.gradient_of_rows, given.x, given.classes),
    "entropy": lambda given: numbaexp.entropy(given.x),
    "entropy_backward": lambda given: numbaexp.entropy_backward(given.gradient_of_rows, given.x),
    "cross_entropy": lambda given: numbaexp.cross_entropy(given.x, given.classes, reduction="none"),
    "cross_entropy_backward": lambda given: numbaexp.cross_entropy_backward(
        given.gradient_of_rows, given.x, given.classes, reduction="none"
    ),
}
_OF_TWO = (*SAVED, "logaddexp", "logaddexp2")
# All functions that have fingerprints.
FUNCTIONS = (*FAMILY, *_OF_TWO, *(name for name in OPERATIONS if name in _OF_ROWS))


class Fingerprint(NamedTuple):
    """Hold the SHA-256 of the results of a function in a type, with the kind of the arguments and their number."""

    function: str
    dtype: str
    inputs: str
    number: int
    sha256: str


class _Part(NamedTuple):
    """Describe results of one kind of arguments, and the number of the arguments."""

    inputs: str
    number: int
    results: Iterable[np.ndarray]


def fingerprints(functions: Sequence[str], dtype_names: Sequence[str], whole: bool) -> Iterator[Fingerprint]:
    """Compute the fingerprints of functions in types, and show the progress.

    Parameters
    ----------
    functions, dtype_names : sequence of str
        The names.
    whole : bool
        Whether functions of one argument are computed of every float32, too.

    Yields
    ------
    Fingerprint
        Each with the number of arguments for which results were hashed.
    """
    progress = Progress(sys.stderr)
    for function in functions:
        for dtype_name in dtype_names:
            for part in _parts(function, dtype_name, whole):
                try:
                    sha256 = _hashed(part, functools.partial(progress.show, f"{function} {dtype_name} {part.inputs}"))
                finally:
                    progress.erase()
                yield Fingerprint(function, dtype_name, part.inputs, part.number, sha256)


def _parts(function: str, dtype_name: str, whole: bool) -> Iterator[_Part]:
    """Yield what is hashed of a function in a type; nothing is computed before the results are asked for."""
    dtype = arguments.dtype_of(dtype_name)
    if function in _OF_ROWS:
        number = sum(given.x.size for given in rows(dtype_name))
        yield _Part(OF_ROWS, number, map(_OF_ROWS[function], rows(dtype_name)))
    elif function in _OF_TWO:
        yield _Part(SAMPLED, SAMPLE, _results(function, *(sample(seed, dtype_name) for seed in (FIRST, SECOND))))
    else:
        if dtype.itemsize > 2:
            yield _Part(SAMPLED, SAMPLE, _results(function, sample(FIRST, dtype_name)))
        if dtype.itemsize == 2 or (whole and dtype_name == "float32"):
            number = arguments.count(dtype)
            pieces = arguments.every(dtype, min(AT_ONCE, number))
            yield _Part(EVERY, number, (y for x in pieces for y in _results(function, x)))
        if dtype_name == "float64" and (hard := list(read_table(function))):
            yield _Part(HARD, len(hard), _results(function, np.array(hard)))


def _results(function: str, *given: np.ndarray) -> Iterator[np.ndarray]:
    # Looked up by name at each call, so that the user's function is the one hashed.
    yield getattr(numbaexp, function)(*given)


def _hashed(part: _Part, show: Callable[[float, float], None]) -> str:
    """Return the SHA-256 of results: pieces are hashed in a thread while the next one is computed."""
    sha256, done, start = hashlib.sha256(), 0, time.perf_counter()
    pending: Future[None] | None = None
    with np.errstate(all="ignore"), ThreadPoolExecutor(1) as thread:
        show(0.0, start)
        for y in part.results:
            if pending:
                pending.result()
            pending = thread.submit(lambda results: sha256.update(canonical(results)), y)
            done += y.size
            show(done / part.number, start)
    return sha256.hexdigest()


def canonical(y: np.ndarray) -> memoryview:
    """Return the bytes of results, least significant byte first, with one pattern for every NaN: the quiet one without
    a sign or other bits."""
    patterns = np.ascontiguousarray(y).view(f"u{y.itemsize}")
    # ``ml_dtypes`` raises a flag; and settings of NumPy are those of a thread.
    with np.errstate(invalid="ignore"):
        is_nan = np.isnan(y)
    if is_nan.any():
        # Never in place: the array may be the user's.
        patterns = np.where(is_nan, np.array(np.nan, y.dtype).view(patterns.dtype), patterns)
    return patterns.astype(patterns.dtype.newbyteorder("<"), copy=False).data


def published() -> dict[tuple[str, str, str], Fingerprint]:
    """Return the published fingerprints, by function, type and arguments."""
    with TABLE.open(newline="", encoding="ascii") as lines:
        _, *table = csv.reader(lines)
    return {each[:3]: each for each in map(read, table)}


def read(row: Sequence[str]) -> Fingerprint:
    """Return a fingerprint by its row of the table."""
    function, dtype_name, inputs, number, sha256 = row
    return Fingerprint(function, dtype_name, inputs, int(number), sha256)


def write(found: Iterable[Fingerprint]) -> None:
    """Write fingerprints into the table, in the order of `FUNCTIONS`, beside those of other arguments."""
    known = published() if TABLE.exists() else {}
    known.update((each[:3], each) for each in found)
    order = itertools.product(FUNCTIONS, FLOATS, (SAMPLED, EVERY, HARD, OF_ROWS))
    with TABLE.open("w", newline="", encoding="ascii") as lines:
        table = csv.writer(lines, lineterminator="\n")
        table.writerow(Fingerprint._fields)
        table.writerows(known[key] for key in order if key in known)


def main() -> None:
    """Compute the fingerprints on this processor, and print them as a table, or write them into the published one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("function", nargs="*", metavar="FUNCTION", help="by default all")
    parser.add_argument("--dtype", nargs="+", choices=FLOATS, default=FLOATS, metavar="TYPE", help="by default all")
    parser.add_argument("--whole", action="store_true", help="every float32, too: minutes")
    parser.add_argument("--write", action="store_true", help="publish: write the table of the package")
    given = parser.parse_args()
    found = fingerprints(given.function or FUNCTIONS, given.dtype, given.whole)
    try:
        if given.write:
            write(found)
            return
        table = csv.writer(sys.stdout, lineterminator="\n")
        for each in found:
            table.writerow(each)
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
