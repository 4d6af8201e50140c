"""The report of ``python -m numbaexp`` on targets, machine and packages."""

import contextlib
import platform
from collections.abc import Iterator

from numbaexp.public.targets import targets
from numbaexp.version import __version__

# Distributions of supported libraries. CuPy has one for each version of CUDA.
_PEERS = ("numba-cuda", "torch", "cupy", "cupy-cuda12x", "cupy-cuda13x", "jax", "ml_dtypes")


def report() -> str:
    """Return the report that ``python -m numbaexp`` prints."""
    rows = [*_usable(), *_versions(), *_machine(), *_cuda()]
    rows.append(("accuracy", "python -m numbaexp verify checks it on this machine"))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {value}" for name, value in rows)


_Rows = Iterator[tuple[str, str]]


def _usable() -> _Rows:
    for name, reason in targets().items():
        yield f"target {name}", "usable" if reason is None else f"not usable: {reason}"


def _versions() -> _Rows:
    import importlib.metadata

    import llvmlite
    import llvmlite.binding as llvm
    import numba
    import numpy as np

    yield "numbaexp", __version__
    yield "Python", f"{platform.python_version()}, {platform.system()} {platform.machine()}"
    yield "numba", numba.__version__
    yield "llvmlite", f"{llvmlite.__version__}, LLVM {'.'.join(map(str, llvm.llvm_version_info))}"
    yield "numpy", np.__version__
    for name in _PEERS:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            yield name, importlib.metadata.version(name)


def _machine() -> _Rows:
    from numba.core.registry import cpu_target

    from numbaexp.cache.carried import level_here
    from numbaexp.vector.level import current_level

    _, name, _ = cpu_target.target_context.codegen().magic_tuple()
    yield "processor", f"{_processor()}, compiled for as {name}"
    yield "SIMD", current_level().name
    yield "threads", _threads()
    carried = level_here()
    if carried is not None:
        yield "machine code", f"carried for {carried}"
    yield "cache", _cache()


def _cuda() -> _Rows:
    from numbaexp.cuda import usable

    if usable.simulated():
        yield "device", "simulated (NUMBA_ENABLE_CUDASIM)"
    if usable.driver_version():
        yield "NVIDIA driver", f"for CUDA {usable.driver_version()}"
    for number, device in enumerate(usable.devices()):
        major, minor = device.compute_capability
        yield (
            f"device {number}",
            f"{device.name}, compute capability {major}.{minor}, {device.memory / 2**30:.0f} GiB",
        )


def _processor() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _threads() -> str:
    import numba

    from numbaexp.cpu import pool, thread_limit

    try:
        pool.launch()
    except ValueError as error:
        return f"none: {' '.join(str(error).split())}"
    number = f"{thread_limit.threads()} of {numba.config.NUMBA_NUM_THREADS}"
    layer = numba.threading_layer()
    if layer in pool.SAFE_LAYERS:
        return f"{number}, threading layer {layer}"
    return f"{number}, Python's: threading layer {layer} is not safe"


def _cache() -> str:
    from numbaexp.cache.folders import writable

    return str(writable() or "") or "none: no folder can be written, and each process compiles anew"
