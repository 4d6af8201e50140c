"""Levels of vector instructions, for which kernels are written, and the level of a processor."""

import functools
from typing import Any, NamedTuple


class Level(NamedTuple):
    """Describe the vector instructions of one kind of processor.

    ``register`` is the size of a vector register in bytes. ``permutes`` names the instructions for tables in registers:
    "avx512" for two of 64 bytes, "avx2" for one of 32 bytes with lanes of 4, or "". ``scales`` tells whether one
    instruction multiplies by a power of two.
    """

    name: str
    register: int
    permutes: str = ""
    scales: bool = False

    def lanes(self, size: int) -> int:
        """Return how many numbers of so many bytes a register holds."""
        return self.register // size


AVX512 = Level("AVX-512", 64, "avx512", True)
AVX2 = Level("AVX2 with FMA", 32, "avx2")
NEON = Level("NEON", 16)
SSE2 = Level("x86-64", 16)
# Without a (known) fused multiply-add.
PORTABLE = Level("portable", 16)
# A thread of a GPU computes on numbers.
CUDA = Level("CUDA", 4)


def level_of(triple: str, features: str) -> Level:
    """Return the level of a processor, by LLVM's triple and the features that LLVM compiles for."""
    machine = triple.partition("-")[0]
    has = frozenset(features.split(","))
    if machine in ("aarch64", "arm64"):
        return NEON
    if machine != "x86_64":
        return PORTABLE
    if {"+avx512f", "+avx512dq", "+avx512bw", "+avx512vl"} <= has:
        return AVX512
    if {"+avx2", "+fma"} <= has:
        return AVX2
    return SSE2


def level_for(context: Any) -> Level:
    """Return the level that a CPU target of Numba's compiles for, by its context."""
    triple, _, features = context.codegen().magic_tuple()
    return level_of(triple, features)


@functools.cache
def current_level() -> Level:
    """Return the level that Numba compiles for in this process."""
    from numba.core.registry import cpu_target

    return level_for(cpu_target.target_context)
