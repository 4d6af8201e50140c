"""The command ``warm``, which compiles kernels ahead of time, on all processors, and caches them on disk."""

import contextlib
import importlib
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

from numbaexp.cache import folders
from numbaexp.cpu.thread_limit import processors
from numbaexp.progress import Progress

# The module of each target's kernels.
_MODULES = {"cpu": "numbaexp.cpu.kernels", "cuda": "numbaexp.cuda.every_kernel"}
DONE, FAILED, INTERRUPTED = 0, 1, 130


def warm(functions: Sequence[str], dtype_names: Sequence[str], targets: Sequence[str]) -> int:
    """Compile the kernels of functions in types for targets, where they are not on disk.

    Parameters
    ----------
    functions, dtype_names, targets : sequence of str
        The names.

    Returns
    -------
    int
        The exit status.
    """
    folder = folders.writable()
    if folder is None:
        return FAILED
    jobs = [
        (target, kernel)
        for target in targets
        for kernel in importlib.import_module(_MODULES[target]).kernels(tuple(functions), tuple(dtype_names))
    ]
    start, before = time.perf_counter(), _files()
    progress = Progress(sys.stderr)
    try:
        for done, _ in enumerate(_run(jobs), 1):
            progress.show("kernels", done / len(jobs), start)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        progress.erase()
        after = _files()
        new = len(after.keys() - before.keys())
        print(f"{len(jobs)} kernels, of which {new} were compiled now ({time.perf_counter() - start:.0f} s)")
        print(f"{folder}: {len(after)} files, {sum(after.values()) / 1e6:.1f} MB")
    return DONE


def _run(jobs: list[Any]) -> Iterator[Any]:
    """Compile kernels in worker processes; yield after each."""
    # Not forked: threads and CUDA contexts do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processors(), context) as pool:
        try:
            for future in as_completed([pool.submit(_compile, *job) for job in jobs]):
                yield future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _compile(target: str, kernel: Any) -> None:
    importlib.import_module(_MODULES[target]).compile_one(kernel)


def _files() -> dict[str, int]:
    """Return the sizes in bytes of the kernels on disk, by file name."""
    sizes = {}
    for folder in folders.readable():
        with contextlib.suppress(OSError):
            sizes.update({path.name: path.stat().st_size for path in folder.glob("*.kernel")})
    return sizes
