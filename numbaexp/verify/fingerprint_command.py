"""The command ``verify --fingerprint``, which compares this machine's fingerprints with the published ones."""

import csv
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

import numbaexp
from numbaexp.vector.level import AVX2, AVX512, SSE2, current_level
from numbaexp.verify import arguments, fingerprint
from numbaexp.verify.fingerprint import Fingerprint, fingerprints, published, read
from numbaexp.verify.status import CANNOT, INTERRUPTED, RIGHT, WRONG

# For lesser levels a processor that one of a higher level stands in for, by Numba's name and features; and for each
# level those below.
STAND_INS = {AVX2: ("haswell", "+avx2,+fma,+avx,+sse4.2,+bmi,+bmi2,+f16c"), SSE2: ("nehalem", "+sse4.2")}
LESSER = {AVX512: (AVX2, SSE2), AVX2: (SSE2,)}
# Prints the fingerprints of a process.
MODULE = fingerprint.__name__
# The end of the line of a fingerprint.
_SAME, _DIFFERS, _UNKNOWN = "as published", "differs", "not published"


def compare(functions: Sequence[str], dtype_names: Sequence[str], whole: bool) -> int:
    """Compare the fingerprints of functions in types, at each level of the processor, with the published ones.

    Parameters
    ----------
    functions, dtype_names : sequence of str
        The names.
    whole : bool
        Whether functions of one argument are computed of every float32, too.

    Returns
    -------
    int
        The exit status.
    """
    start = time.perf_counter()
    known, lacking = published(), missing(dtype_names)
    for dtype_name, package in lacking.items():
        _print(f"{dtype_name}: skipped: needs {package}")
    usable = [name for name in dtype_names if name not in lacking]
    if not usable:
        return CANNOT
    levels: list[str] = []
    different: list[str] = []
    number = 0
    interrupted = False
    try:
        for level, found in _levels(functions, usable, whole):
            levels.append(level)
            _print(f"{level}:")
            for each in found:
                number += 1
                if not _report(each, known.get(each[:3])):
                    different.append(f"{each.function} {each.dtype} {each.inputs} ({level})")
    except KeyboardInterrupt:
        interrupted = True
    except subprocess.CalledProcessError as error:
        different.append(f"the process of {levels[-1]}, which ended with status {error.returncode}")
    begin = "interrupted, " if interrupted else ""
    end = f"{''.join(f', {name} skipped' for name in lacking)} ({time.perf_counter() - start:.0f} s)"
    if different:
        _print(f"{begin}not the same bits as everybody: of {number} fingerprints differ {', '.join(different)}{end}")
    else:
        _print(f"{begin}the same bits as everybody: {number} fingerprints at {', '.join(levels)} are as published{end}")
    if interrupted:
        return INTERRUPTED
    return WRONG if different else RIGHT


def missing(dtype_names: Sequence[str]) -> dict[str, str]:
    """Return the types that this machine lacks, and the package that each needs."""
    lacking = {}
    for dtype_name in dtype_names:
        try:
            arguments.dtype_of(dtype_name)
        except ModuleNotFoundError as error:
            lacking[dtype_name] = str(error.name)
    return lacking


def _levels(
    functions: Sequence[str], dtype_names: Sequence[str], whole: bool
) -> Iterator[tuple[str, Iterator[Fingerprint]]]:
    """Yield the name of each level, and the fingerprints that are computed there."""
    level = current_level()
    yield level.name, fingerprints(functions, dtype_names, whole)
    for lesser in LESSER.get(level, ()):
        processor, features = STAND_INS[lesser]
        environment = {"NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": features}
        yield lesser.name, _of_a_process(functions, dtype_names, whole, environment)
    if numbaexp.targets()["cuda"] is None:
        with numbaexp.use_target("cuda"):
            yield "CUDA", fingerprints(functions, dtype_names, whole)


def _of_a_process(
    functions: Sequence[str], dtype_names: Sequence[str], whole: bool, environment: dict[str, str]
) -> Iterator[Fingerprint]:
    """Yield the fingerprints that a process computes in another environment: Numba asks for a processor once."""
    options = ["--dtype", *dtype_names, *(["--whole"] if whole else [])]
    command = [sys.executable, "-m", MODULE, *functions, *options]
    with subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield from map(read, csv.reader(process.stdout))
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def _report(found: Fingerprint, known: Fingerprint | None) -> bool:
    """Print a fingerprint beside the published one, and tell whether both are the same."""
    name = f"  {found.function:22} {found.dtype:8} {found.inputs:10} "
    if known is None:
        _print(f"{name}{found.sha256} {_UNKNOWN}")
        return False
    if found == known:
        _print(f"{name}{found.sha256} {_SAME}")
        return True
    _print(f"{name}{found.sha256} {_DIFFERS}")
    _print(f"{'':{len(name)}}{known.sha256} published, of {known.number} inputs")
    return False


def _print(line: str) -> None:
    print(line, flush=True)
