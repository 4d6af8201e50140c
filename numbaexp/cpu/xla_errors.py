"""Errors of XLA's, of exceptions of Python's."""

import ctypes
import functools
from collections.abc import Callable

from numbaexp.cpu import xla_state as at

_Create = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p)


class _Error(ctypes.Structure):
    """XLA_FFI_Error_Create_Args."""

    _fields_ = [
        ("size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("message", ctypes.c_char_p),
        ("code", ctypes.c_int),
    ]
    SIZE = 28
    INVALID_ARGUMENT, INTERNAL = 3, 13


def told(function: Callable[..., int]) -> Callable[..., int]:
    """Let a function of a frame, and of other numbers, return an error of XLA's where it raises one."""

    @functools.wraps(function)
    def call(frame: int, *args: int) -> int:
        try:
            return function(frame, *args)
        except BaseException as error:
            code = _Error.INVALID_ARGUMENT if isinstance(error, ValueError) else _Error.INTERNAL
            described = _Error(_Error.SIZE, None, f"{type(error).__name__}: {error}".encode(), code)
            return _Create(_word(_word(frame + at.API) + at.ERROR_CREATE))(ctypes.addressof(described))

    return call


def _word(address: int) -> int:
    return ctypes.c_ssize_t.from_address(address).value
