"""Tell how much memory is free: the host's, and the GPU's."""

import os
import sys


def on_host():
    """Return the free bytes of the host."""
    try:
        with open("/proc/meminfo") as file:
            kibibytes = next(line.split()[1] for line in file if line.startswith("MemAvailable"))
        return int(kibibytes) * 1024
    except OSError:  # not Linux, where files in memory count as free
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def on_device():
    """Return the free bytes, as the driver says, after loaded libraries have returned what they keep for later."""
    from numba import cuda

    context = cuda.current_context()
    context.memory_manager.deallocations.clear()
    if "torch" in sys.modules:
        sys.modules["torch"].cuda.empty_cache()
    if "cupy" in sys.modules:
        sys.modules["cupy"].get_default_memory_pool().free_all_blocks()
    return context.get_memory_info().free
