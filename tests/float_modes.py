"""Floating-point modes of a thread, changed as C code changes them."""

import contextlib
import ctypes
import platform
import sys

import pytest

X86 = platform.machine() in ("x86_64", "AMD64")
ARM = platform.machine() in ("aarch64", "arm64")

if not (X86 or ARM) or not sys.platform.startswith("linux"):
    pytest.skip("the place of the modes in fenv_t is known for Linux alone", allow_module_level=True)

_LIBM = ctypes.CDLL("libm.so.6")

# In the control word: MXCSR, the last of fenv_t on x86, or FPCR, its first on ARM, where both zeros are one mode.
FLUSH, ZEROS = (1 << 15, 1 << 6) if X86 else (1 << 24, 1 << 24)
ROUNDING = 13 if X86 else 22
_WORDS = 8 if X86 else 2
_CONTROL = 7 if X86 else 0
# The flags, which are in it on x86.
_FLAGS = 0x3F if X86 else 0

MODES = {
    "flush": FLUSH,
    "zeros": ZEROS,
    "flush and zeros": FLUSH | ZEROS,
    **{f"rounding {mode}": mode << ROUNDING for mode in (1, 2, 3)},
    "all": FLUSH | ZEROS | 2 << ROUNDING,
}


def _read():
    environment = (ctypes.c_uint32 * _WORDS)()
    _LIBM.fegetenv(environment)
    return environment


def control():
    """The modes of this thread, without the flags."""
    return _read()[_CONTROL] & ~_FLAGS


@contextlib.contextmanager
def mode(bits):
    """Set some bits of the control word of this thread, and see them still there at the end."""
    environment = _read()
    before = environment[_CONTROL]
    environment[_CONTROL] = before | bits
    _LIBM.fesetenv(environment)
    changed = control()
    try:
        yield
        assert control() == changed, "a call has left another mode"
    finally:
        environment[_CONTROL] = before
        _LIBM.fesetenv(environment)
