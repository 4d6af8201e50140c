"""Teams of threads, of as many as a row has ``LANES`` in ``numbaexp.scalar.rows``, that exchange numbers.

A warp takes rows whose elements are contiguous, so that its loads coalesce. For batched rows, which are contiguous
across, the threads of a block are dealt out to as many rows as it has warps, of neighbouring threads one to each row,
for the same reason; these exchange numbers through shared memory, and take the same branches together.
"""

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import cuda, types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic

from numbaexp.cuda.jit import device_function, overload
from numbaexp.cuda.kernels import THREADS
from numbaexp.cuda.warp import above, of_first
from numbaexp.scalar.ieee import scalar
from numbaexp.scalar.row_order import LANES

# LLVM's number of memory that a block shares.
_SHARED = 3


class Team(NamedTuple):
    """lane() : the number of the thread's lane.
    above(value, distance) : the value of the lane so far above; where there is none, any.
    of_first(value) : the value of lane 0.
    unit(), units() : of a row that a block has, which chunks the team takes: every ``units()``-th from ``unit()`` on.
    any_of(condition) : whether the threads that branch together have to take a branch.
    """

    lane: Any
    above: Any
    of_first: Any
    unit: Any
    units: Any
    any_of: Any


@device_function
def _lane():
    return cuda.laneid


@device_function
def _warp():
    return cuda.threadIdx.x // LANES


@device_function
def _warps():
    return cuda.blockDim.x // LANES


@scalar
def _itself(condition):
    return condition


WARP = Team(_lane, above, of_first, _warp, _warps, _itself)


@device_function
def _lane_of_row():
    return cuda.threadIdx.x // _warps()


# The numbers that the threads of a block exchange in the simulator, of whose blocks one runs at a time.
_shared = [0.0] * THREADS


def exchanged(value, thread):
    """Return the value of another thread of the block, all of whose threads call this."""
    _shared[cuda.threadIdx.x] = value
    cuda.syncthreads()
    other = _shared[thread]
    cuda.syncthreads()
    return other


@intrinsic
def _exchanged(typingctx, value, own, other):
    def codegen(context, builder, signature, args):
        # Numba's own arrays of such memory have one name in all functions that are linked.
        kind = ir.ArrayType(ir.DoubleType(), THREADS)
        memory = builder.module.globals.get("numbaexp_told")
        if memory is None:
            memory = ir.GlobalVariable(builder.module, kind, "numbaexp_told", addrspace=_SHARED)
            memory.linkage, memory.initializer, memory.align = "internal", ir.Constant(kind, ir.Undefined), 8
        barrier = get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), []), "llvm.nvvm.barrier0")
        value, own, other = args
        builder.store(value, builder.gep(memory, [own.type(0), own]))
        builder.call(barrier, [])
        other_value = builder.load(builder.gep(memory, [other.type(0), other]))
        builder.call(barrier, [])
        return other_value

    return types.float64(types.float64, types.int64, types.int64), codegen


@overload(exchanged)
def _(value, thread):
    return lambda value, thread: _exchanged(np.float64(value), np.int64(cuda.threadIdx.x), np.int64(thread))


@device_function
def _above_in_row(value, distance):
    thread = min(cuda.threadIdx.x + distance * _warps(), cuda.blockDim.x - 1)
    return exchanged(value, thread)


@device_function
def _of_first_in_row(value):
    return exchanged(value, cuda.threadIdx.x % _warps())


@device_function
def _none():
    return 0


@device_function
def _one():
    return 1


@device_function
def _any_of_block(condition):
    return cuda.syncthreads_or(np.int32(condition)) != 0


ROW_OF_BLOCK = Team(_lane_of_row, _above_in_row, _of_first_in_row, _none, _one, _any_of_block)
