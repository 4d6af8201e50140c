"""List whoever computes the functions, and the walls: each prepares a call from one array to another."""

import contextlib
import functools
import importlib.util
import os
from collections.abc import Callable
from typing import NamedTuple

import numba
import numpy as np
from harness import ALL

import numbaexp


class Provider(NamedTuple):
    """``prepare(function, x, out)`` gives a call without arguments, or None where the provider has no such function,
    type or device. ``during`` is the context in which it is made; where the call returns before its work is done, the
    context gives what waits for it, a function of what the last call returned. ``own`` is how many arrays of the size
    of ``x`` the provider makes where it computes, and ``transfers`` says of a GPU whether those to it are timed."""

    package: str
    target: str
    types: tuple[str, ...]
    prepare: Callable[[str, np.ndarray, np.ndarray], Callable[[], object] | None]
    during: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext
    own: int = 0
    transfers: str = ""


# Elements of a row of softmax, where there are as many.
ROW = 1024


def in_rows(function, *arrays):
    """The arrays as the function takes them: softmax, rows."""
    if function != "softmax":
        return arrays
    return tuple(array.reshape(-1, ROW if array.size % ROW == 0 else array.size) for array in arrays)


def _numbaexp(function, x, out):
    compute = getattr(numbaexp, function)
    x, out = in_rows(function, x, out)
    return lambda: compute(x, out=out)


def _numbaexp_on_device(function, x, out):
    # PyTorch's tensors, where it has the device: its own calls are timed on them.
    arrays = _tensors(x, out, "cuda") if importlib.util.find_spec("torch") else None
    return _numbaexp(function, *(arrays or _device_arrays(x, out)))


def _device_arrays(x, out):
    from numba import cuda

    # As bits: NumPy lends no buffer of bfloat16.
    patterns = np.dtype(f"u{x.itemsize}")
    return [cuda.to_device(array.view(patterns)).view(array.dtype) for array in (x, out)]


def _wait_for_device(_last):
    from numba import cuda

    # PyTorch and CuPy launch in the same context of the driver.
    cuda.synchronize()


def _numpy(function, x, out):
    return functools.partial(getattr(np, function), x, out=out) if hasattr(np, function) else None


def _scipy(function, x, out):
    import scipy.special

    if function == "softmax":
        (rows,) = in_rows(function, x)
        return lambda: scipy.special.softmax(rows, axis=-1)
    names = {"exp10": "exp10", "sigmoid": "expit", "log_sigmoid": "log_expit", "logit": "logit"}
    return functools.partial(getattr(scipy.special, names[function]), x, out=out) if function in names else None


def _tensors(x, out, device):
    """The arrays as PyTorch's, or None if it cannot use the device."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        return None
    if x.dtype.name == "bfloat16":
        tensors = [torch.from_numpy(a.view(np.int16)).view(torch.bfloat16) for a in (x, out)]
    else:
        tensors = [torch.from_numpy(a) for a in (x, out)]
    return [tensor.to(device) for tensor in tensors]


def _torch(function, x, out, device="cpu"):
    import torch

    x, out = in_rows(function, x, out)
    tensors = _tensors(x, out, device)
    if tensors is None:
        return None
    source, target = tensors
    if function == "softmax":
        return functools.partial(torch.softmax, source, -1, out=target)
    without_out = {"softplus": torch.nn.functional.softplus, "log_sigmoid": torch.nn.functional.logsigmoid}
    if function in without_out:
        return functools.partial(without_out[function], source)
    return functools.partial(getattr(torch, function), source, out=target) if hasattr(torch, function) else None


def _cupy(function, x, out):
    import cupy

    if not hasattr(cupy, function):
        return None
    try:
        call = functools.partial(getattr(cupy, function), cupy.asarray(x), out=cupy.asarray(out))
        call()
    except (TypeError, ValueError):  # bfloat16, before version 14
        return None
    return call


def _jax(function, x, out, device="cpu"):
    # Else JAX takes most of a GPU's memory at once, and leaves the others too little.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    import jax

    jax.config.update("jax_enable_x64", True)
    of_nn = ("sigmoid", "softplus", "log_sigmoid", "softmax")
    module = jax.nn if function in of_nn else jax.scipy.special if function == "logit" else jax.numpy
    (x,) = in_rows(function, x)
    try:
        place = jax.devices(device)[0]
    except RuntimeError:
        return None
    if not hasattr(module, function):
        return None
    # Where the argument has been put, there JAX computes.
    call = functools.partial(jax.jit(getattr(module, function)), jax.device_put(x, place))
    return call if device == "cuda" else lambda: call().block_until_ready()


def _wait_for_jax(last):
    # JAX launches from threads of its own: what has not been launched yet, nobody else could wait for.
    last.block_until_ready()


def _numexpr(function, x, out):
    import numexpr

    if function not in ("exp", "expm1", "log", "log10", "log1p", "sinh", "cosh", "tanh"):
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


def _device_copy(function, x, out):
    source, target = _device_arrays(x, out)
    return lambda: target.copy_to_device(source)


# Nobody can be faster than these.
WALLS = ("copy loop", "device copy")
HOST_TARGETS = ("auto", "cpu", "parallel")
# Contexts of calls that return before the device is done.
_LAUNCHES = functools.partial(contextlib.nullcontext, _wait_for_device)
_LAUNCHES_OF_JAX = functools.partial(contextlib.nullcontext, _wait_for_jax)
PROVIDERS = [
    *(
        Provider("numbaexp", target, ALL, _numbaexp, functools.partial(numbaexp.use_target, target))
        for target in HOST_TARGETS
    ),
    Provider("numpy", "cpu", ALL, _numpy),
    Provider("scipy", "cpu", ("float32", "float64"), _scipy),
    Provider("torch", "cpu", ALL, _torch),
    Provider("jax", "cpu", ALL, _jax, own=2),
    Provider("numexpr", "cpu", ("float32", "float64"), _numexpr),
    Provider("copy loop", "parallel", ALL, _copy),
    Provider("numbaexp", "cuda", ALL, _numbaexp_on_device, _LAUNCHES, 2, "not counted"),
    Provider("numbaexp", "cuda", ALL, _numbaexp, functools.partial(numbaexp.use_target, "cuda"), 2, "counted"),
    Provider("torch", "cuda", ALL, functools.partial(_torch, device="cuda"), _LAUNCHES, 2, "not counted"),
    Provider("cupy", "cuda", ALL, _cupy, _LAUNCHES, 2, "not counted"),
    Provider("jax", "cuda", ALL, functools.partial(_jax, device="cuda"), _LAUNCHES_OF_JAX, 2, "not counted"),
    Provider("device copy", "cuda", ALL, _device_copy, _LAUNCHES, 2, "not counted"),
]


def installed(names=None, targets=HOST_TARGETS):
    """The providers on these targets whose package is here, of those named, or of all."""
    return [
        provider
        for provider in PROVIDERS
        if (names is None or provider.package in names)
        and provider.target in targets
        and (provider.package in WALLS or importlib.util.find_spec(provider.package))
    ]
