"""Whoever computes exp, and the wall: each prepares a call that takes one array to another."""

import contextlib
import functools
import importlib.metadata
import importlib.util
from collections.abc import Callable
from typing import NamedTuple

import numba
import numpy as np

import numbaexp


class Provider(NamedTuple):
    """``prepare(x, out)`` gives a call without arguments; ``during`` is the context in which it is made."""

    package: str
    target: str
    types: tuple[str, ...]
    prepare: Callable[[np.ndarray, np.ndarray], Callable[[], object]]
    during: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext


def _numbaexp(x, out):
    return lambda: numbaexp.exp(x, out=out)


def _numpy(x, out):
    return lambda: np.exp(x, out=out)


def _torch(x, out):
    import torch

    if x.dtype.name == "bfloat16":
        source, target = (torch.from_numpy(a.view(np.int16)).view(torch.bfloat16) for a in (x, out))
    else:
        source, target = torch.from_numpy(x), torch.from_numpy(out)
    return lambda: torch.exp(source, out=target)


def _jax(x, out):
    import jax

    jax.config.update("jax_enable_x64", True)
    compiled = jax.jit(jax.numpy.exp)
    source = jax.numpy.asarray(x)
    return lambda: compiled(source).block_until_ready()


def _numexpr(x, out):
    import numexpr

    return lambda: numexpr.evaluate("exp(x)", {"x": x}, out=out)


@numba.njit(parallel=True)
def _copy_loop(x, out):
    for i in numba.prange(x.size):
        out[i] = x[i]


def _copy(x, out):
    patterns = np.dtype(f"u{x.itemsize}")
    source, target = x.view(patterns), out.view(patterns)
    return lambda: _copy_loop(source, target)


ALL = ("float16", "bfloat16", "float32", "float64")
PROVIDERS = [
    *(
        Provider("numbaexp", target, ALL, _numbaexp, functools.partial(numbaexp.use_target, target))
        for target in ("auto", "cpu", "parallel")
    ),
    Provider("numpy", "cpu", ALL, _numpy),
    Provider("torch", "cpu", ALL, _torch),
    Provider("jax", "cpu", ALL, _jax),
    Provider("numexpr", "cpu", ("float32", "float64"), _numexpr),
    Provider("copy loop", "parallel", ALL, _copy),
]


def installed(names=None):
    """The providers whose package is here, of those named, or of all."""
    return [
        provider
        for provider in PROVIDERS
        if (names is None or provider.package in names)
        and (provider.package == "copy loop" or importlib.util.find_spec(provider.package))
    ]


def array_type(name):
    """The NumPy type of a name, or None for the bfloat16 of a package that is missing."""
    if name != "bfloat16":
        return np.dtype(name)
    if importlib.util.find_spec("ml_dtypes") is None:
        return None
    import ml_dtypes

    return np.dtype(ml_dtypes.bfloat16)


def versions():
    """Package versions, in one line."""
    names = ("numbaexp", "numba", "numpy", "torch", "jax", "numexpr")
    found = []
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found.append(f"{name} {importlib.metadata.version(name)}")
    return ", ".join(found)


def device():
    """The processor, as the system names it."""
    name = "unknown processor"
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        name = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), name)
    return f"{name}, {numba.get_num_threads()} threads"
