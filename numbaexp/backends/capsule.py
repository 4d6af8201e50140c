"""Import and export of DLPack capsules; NumPy's own support has neither devices nor bfloat16."""

import ctypes
from typing import Any, NamedTuple

import numpy as np

from numbaexp.layout import Strided
from numbaexp.scalar.forms import itemsize

# DLDeviceType in dlpack.h: host, CUDA, pinned host and CUDA managed memory.
HOST, CUDA, CUDA_HOST, CUDA_MANAGED = 1, 2, 3, 13
# DLDataTypeCode.
_FLOAT, _BFLOAT = 2, 4
_CODES = {0: "int", 1: "uint", _FLOAT: "float", _BFLOAT: "bfloat", 5: "complex", 6: "bool"}
_READ_ONLY = 1


class _Tensor(ctypes.Structure):
    """Mirror DLTensor."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class _Managed(ctypes.Structure):
    """Mirror DLManagedTensor."""

    _fields_ = [("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


class _Versioned(ctypes.Structure):
    """Mirror DLManagedTensorVersioned."""

    _fields_ = [
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", _Tensor),
    ]


_NAME, _VERSIONED_NAME = b"dltensor", b"dltensor_versioned"
_pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
_is_valid = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)(("PyCapsule_IsValid", ctypes.pythonapi))
_address_in = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
_make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(
    ("PyCapsule_New", ctypes.pythonapi)
)


class Lent(NamedTuple):
    """Describe a borrowed array: strides are in bytes, ``dtype`` is NumPy's name, or "bfloat16"."""

    pointer: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str
    device: int
    read_only: bool
    # Its destructor tells the producer.
    capsule: Any


def borrow(array: Any, stream: int | None = None) -> Lent | None:
    """Return the array that ``__dlpack__`` exports, ready for a stream of its device; None if there is none."""
    try:
        capsule = array.__dlpack__(stream=stream, max_version=(1, 0))
    except TypeError:  # older than that argument
        capsule = array.__dlpack__(stream=stream)
    if _is_valid(id(capsule), _VERSIONED_NAME):
        versioned = _Versioned.from_address(_pointer_of(capsule, _VERSIONED_NAME))
        tensor, read_only = versioned.tensor, bool(versioned.flags & _READ_ONLY)
    elif _is_valid(id(capsule), _NAME):
        tensor, read_only = _Managed.from_address(_pointer_of(capsule, _NAME)).tensor, False
    else:
        return None
    shape = tuple(tensor.shape[: tensor.ndim])
    size = -(-tensor.bits // 8)
    if tensor.strides:
        strides = tuple(step * size for step in tensor.strides[: tensor.ndim])
    else:
        strides = tuple(size * int(np.prod(shape[axis + 1 :])) for axis in range(tensor.ndim))
    kind = _CODES.get(tensor.code, f"code{tensor.code}_") if tensor.lanes == 1 else "vector"
    dtype = kind if kind == "bool" else f"{kind}{tensor.bits}"
    pointer = (tensor.data or 0) + tensor.byte_offset
    return Lent(pointer, shape, strides, dtype, tensor.device, read_only, capsule)


class _Memory:
    """Expose a borrowed array by ``__array_interface__``, and keep it alive."""

    def __init__(self, lent: Lent):
        self._lent = lent
        self.__array_interface__ = {
            "data": (lent.pointer, lent.read_only),
            "shape": lent.shape,
            "strides": lent.strides,
            "typestr": np.dtype("uint16" if lent.dtype == "bfloat16" else lent.dtype).str,
            "version": 3,
        }


def on_host(lent: Lent) -> np.ndarray:
    """Return the borrowed array in host memory as an ndarray without a copy; bfloat16 as uint16."""
    return np.asarray(_Memory(lent))


# Exported arrays by the address of their DLManagedTensor, until the consumer calls the deleter.
_lent_out: dict[int, Any] = {}


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)
def _delete(address: int) -> None:
    _lent_out.pop(address)


@ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
def _delete_if_unused(capsule: int) -> None:
    # A consumer renames the capsule.
    if _is_valid(capsule, _NAME):
        _lent_out.pop(_address_in(capsule, _NAME))


class Offer:
    """Export a float array to ``from_dlpack``, and keep ``base`` alive meanwhile; uint16 stands for bfloat16."""

    def __init__(self, view: np.ndarray | Strided, base: Any):
        self._shape, self._strides, self._base = view.shape, view.strides, base
        if isinstance(view, np.ndarray):
            self._pointer, self._device = view.__array_interface__["data"][0], (HOST, 0)
            self._dtype = "bfloat16" if view.dtype == np.uint16 else view.dtype.name
        else:
            self._pointer, self._device, self._dtype = view.pointer, (CUDA, view.device), view.dtype

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._device

    def __dlpack__(self, **_: Any) -> Any:
        """Return a capsule. All work on the array is done, so no stream is waited for."""
        size = itemsize(self._dtype)
        row = ctypes.c_int64 * len(self._shape)
        shape, strides = row(*self._shape), row(*(step // size for step in self._strides))
        managed = _Managed()
        tensor = managed.tensor
        tensor.data, (tensor.device_type, tensor.device) = self._pointer, self._device
        tensor.code, tensor.bits, tensor.lanes = _BFLOAT if self._dtype == "bfloat16" else _FLOAT, 8 * size, 1
        tensor.ndim = len(self._shape)
        tensor.shape, tensor.strides = (ctypes.cast(each, ctypes.POINTER(ctypes.c_int64)) for each in (shape, strides))
        managed.deleter = ctypes.cast(_delete, ctypes.c_void_p)
        address = ctypes.addressof(managed)
        _lent_out[address] = managed, shape, strides, self._base
        return _make(address, _NAME, ctypes.cast(_delete_if_unused, ctypes.c_void_p))
