"""Whoever computes exp and its relatives, and the wall: each prepares a call that takes one array to another."""

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
    """``prepare(function, x, out)`` gives a call without arguments, or None where the provider has no such function;
    ``during`` is the context in which it is made."""

    package: str
    target: str
    types: tuple[str, ...]
    prepare: Callable[[str, np.ndarray, np.ndarray], Callable[[], object] | None]
    during: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext


def _numbaexp(function, x, out):
    compute = getattr(numbaexp, function)
    return lambda: compute(x, out=out)


def _numpy(function, x, out):
    return functools.partial(getattr(np, function), x, out=out) if hasattr(np, function) else None


def _scipy(function, x, out):
    import scipy.special

    if function not in ("exp10", "sigmoid"):
        return None
    return functools.partial(getattr(scipy.special, "expit" if function == "sigmoid" else function), x, out=out)


def _torch(function, x, out):
    import torch

    if x.dtype.name == "bfloat16":
        source, target = (torch.from_numpy(a.view(np.int16)).view(torch.bfloat16) for a in (x, out))
    else:
        source, target = torch.from_numpy(x), torch.from_numpy(out)
    if function == "softplus":  # takes no out
        return lambda: torch.nn.functional.softplus(source)
    return functools.partial(getattr(torch, function), source, out=target) if hasattr(torch, function) else None


def _jax(function, x, out):
    import jax

    jax.config.update("jax_enable_x64", True)
    module = jax.nn if function in ("sigmoid", "softplus") else jax.numpy
    if not hasattr(module, function):
        return None
    compiled = jax.jit(getattr(module, function))
    source = jax.numpy.asarray(x)
    return lambda: compiled(source).block_until_ready()


def _numexpr(function, x, out):
    import numexpr

    if function not in ("exp", "expm1"):
        return None
    return lambda: numexpr.evaluate(f"{function}(x)", {"x": x}, out=out)


@numba.njit(parallel=True)
def _copy_loop(x, out):
    for i in numba.prange(x.size):
        out[i] = x[i]


def _copy(function, x, out):
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
    Provider("scipy", "cpu", ("float32", "float64"), _scipy),
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
    names = ("numba", "numpy", "scipy", "torch", "jax", "numexpr")
    found = [f"numbaexp {numbaexp.__version__}"]
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
