"""The target of XLA's foreign function interface, registered as soon as JAX has been imported: an exported program may
be what calls first."""

import ctypes

import jax.ffi

from numbaexp.cpu import xla_target

# Exported programs name it.
TARGET = "numbaexp"

jax.ffi.register_ffi_target(TARGET, jax.ffi.pycapsule(ctypes.c_void_p(xla_target.address())), platform="cpu")
jax.ffi.register_ffi_target_as_batch_partitionable(TARGET)
