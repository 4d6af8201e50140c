"""Whether CUDA can be used here, and if not, what is missing: the package, the driver, a device or the toolkit."""

import contextlib
import importlib
import os
import threading
from typing import Any, NamedTuple

_OLDEST = (0, 30)
_INSTALL = "python -m pip install 'numbaexp[cuda13]' (or cuda12)"
_FORKED = 'CUDA was initialized before this process was forked: start it with multiprocessing\'s "spawn"'

# Numba's driver object is not made for two threads that initialize it at once.
_asking = threading.Lock()
_asked = False
_answer: str | None = None


class Device(NamedTuple):
    """A device that kernels can run on, and its memory in bytes."""

    name: str
    compute_capability: tuple[int, int]
    memory: int


def missing() -> str | None:
    """Say in one line why CUDA cannot be used; return None if it can."""
    global _asked, _answer
    if not _asked:
        with _asking:
            if not _asked:
                _answer = _find()
                _asked = True
    return _answer


def need(argument: str) -> None:
    """Raise where CUDA cannot be used, for the array that is called ``argument``."""
    reason = missing()
    if reason is not None:
        raise RuntimeError(f"`{argument}` is on a CUDA device, which numbaexp cannot use here: {reason}")


def simulated() -> bool:
    """Tell whether kernels run in Numba's simulator, which the environment variable NUMBA_ENABLE_CUDASIM turns on."""
    return missing() is None and bool(_numba_cuda().config.ENABLE_CUDASIM)


def devices() -> list[Device]:
    """Return the devices that can be used; there are none in the simulator."""
    if missing() is not None or simulated():
        return []
    cuda = _numba_cuda()
    memory = cuda.cudadrv.driver.driver.cuDeviceTotalMem
    return [Device(gpu.name, tuple(gpu.compute_capability), memory(gpu.id)) for gpu in _supported(cuda)]


def driver_version() -> str | None:
    """Return the version of CUDA that the driver is for, where it is used."""
    return _dotted(_numba_cuda().cudadrv.driver.driver.get_version()) if devices() else None


def _after_fork_in_child() -> None:
    """Forget what the parent may use, which its child may not; another thread may have held the lock."""
    global _asking, _asked
    _asking = threading.Lock()
    _asked = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def _numba_cuda() -> Any:
    from numba import cuda

    return cuda


def _find() -> str | None:
    try:
        version = importlib.import_module("numba_cuda").__version__
    except ImportError:
        return f"the package numba-cuda is not installed: {_INSTALL}"
    if tuple(map(int, version.split(".")[:2])) < _OLDEST:
        return f"numba-cuda {version} is too old, {_dotted(_OLDEST)} is needed: {_INSTALL}"
    # Whatever goes wrong in there, a question whether CUDA can be used has an answer.
    try:
        cuda = _numba_cuda()
        if cuda.implementation != "NVIDIA":
            return f"numba-cuda {version} is where Python does not read its .pth file, so numba.cuda is Numba's own"
        if cuda.config.ENABLE_CUDASIM:
            return None
        return _find_in_driver(cuda) or _find_in_toolkit(cuda) or _find_in_devices(cuda)
    except Exception as error:
        return f"numba-cuda {version} does not work ({_one_line(error)}): {_INSTALL}"


def _find_in_driver(cuda: Any) -> str | None:
    driver = cuda.cudadrv.driver.driver
    if driver.pid not in (None, os.getpid()):
        return _FORKED
    with contextlib.suppress(cuda.CudaSupportError):  # which ``cuda_error`` tells too
        driver.ensure_initialized()
    error = cuda.cuda_error()
    if error is None:
        return None
    if "CUDA_ERROR_NOT_INITIALIZED" in error:  # in the parent, by a library other than Numba
        return _FORKED
    return _no_device() if "CUDA_ERROR_NO_DEVICE" in error else f"no working NVIDIA driver: {_one_line(error)}"


def _find_in_toolkit(cuda: Any) -> str | None:
    try:
        toolkit = cuda.runtime.get_version()
        cuda.cudadrv.nvvm.NVVM()
    except Exception as error:
        return f"the CUDA toolkit is incomplete ({_one_line(error)}): {_INSTALL}"
    supported = cuda.cudadrv.driver.driver.get_version()
    if supported[0] < toolkit[0]:
        return f"the NVIDIA driver is too old: it is for CUDA {_dotted(supported)}, the toolkit is {_dotted(toolkit)}"
    return None


def _find_in_devices(cuda: Any) -> str | None:
    if _supported(cuda):
        return None
    found = ", ".join(f"{gpu.name} ({_dotted(gpu.compute_capability)})" for gpu in cuda.gpus)
    oldest = _dotted(cuda.cudadrv.nvrtc.get_lowest_supported_cc())
    return f"the CUDA toolkit needs a device of compute capability {oldest}; found {found}" if found else _no_device()


def _supported(cuda: Any) -> list[Any]:
    oldest = cuda.cudadrv.nvrtc.get_lowest_supported_cc()
    return [gpu for gpu in cuda.gpus if gpu.compute_capability >= oldest]


def _no_device() -> str:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return "no CUDA device" if visible is None else f"no CUDA device: CUDA_VISIBLE_DEVICES is {visible!r}"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
