"""Launch kernels on the devices of CUDA.

``numbaexp.cuda.simulator`` has the same functions for Numba's simulator; ``numbaexp.cuda.runtime`` chooses.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from cuda.core import Device, LaunchConfig, Stream, launch
from numba import cuda

from numbaexp.cuda.compile import Arguments, compile_kernel
from numbaexp.cuda.kernels import THREADS
from numbaexp.cuda.scratch import of_call


def on(device: int) -> contextlib.AbstractContextManager[Any]:
    """Make a device the current one of this thread."""
    if len(cuda.gpus) > 1:
        return cuda.gpus[device]
    cuda.current_context()
    return contextlib.nullcontext()


@functools.cache
def processors(device: int) -> int:
    """Return the number of multiprocessors."""
    return cuda.gpus[device].MULTIPROCESSOR_COUNT


def compiled(
    make: Callable[[], Callable[..., None]],
    name: str,
    modules: tuple[str, ...],
    arguments: Arguments,
    device: int,
    digest: str = "",
) -> Any:
    """Compile the kernel that ``make()`` returns, or load it; see ``numbaexp.cuda.compile.compile_kernel``."""
    return compile_kernel(make, name, modules, arguments, cuda.gpus[device].compute_capability, digest)


@functools.lru_cache(4096)
def configured(kernel: Any, blocks: int, stream: int) -> Callable[..., None]:
    """Return what launches a compiled kernel on so many blocks, called with its arguments: integers, without tuples."""
    return functools.partial(launch, Stream.from_handle(stream), LaunchConfig(grid=blocks, block=THREADS), kernel)


@contextlib.contextmanager
def temporary(count: int, device: int, stream: int) -> Iterator[int]:
    """Allocate so many float64 on the current device, for kernels launched on the stream; yield the address."""
    if of_call.allocate is not None:
        memory, address = of_call.allocate(count)
        yield address
        return
    # cuda.core gives no memory of a device that it has not been told is the current one.
    current = Device(device)
    current.set_current()
    on_stream = Stream.from_handle(stream)
    memory = current.allocate(8 * count, stream=on_stream)
    try:
        yield int(memory.handle)
    finally:
        # As the stream has it, when what was launched has ended.
        memory.close(on_stream)


def address_and_device(array: Any) -> tuple[int, int]:
    """Return the address of a Numba device array on the current device, and the number of the device."""
    return array.__cuda_array_interface__["data"][0], cuda.get_current_device().id
