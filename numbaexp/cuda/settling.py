"""The contiguous kernel of a scalar that has an accurate phase, which few arguments need and which takes long."""

import numpy as np
from numba import cuda

from numbaexp.cuda.jit import device_function
from numbaexp.cuda.memory import make_memory
from numbaexp.cuda.phases import over_vector, without_flags
from numbaexp.cuda.vectors import pattern_of
from numbaexp.scalar.family import FAMILY
from numbaexp.scalar.forms import STORED_AS


def make_settling(name, dtype, most_threads):
    """Return ``kernel((x, y), first, n)``, as ``numbaexp.cuda.kernels.make_contiguous``, for blocks of so many threads.

    A warp takes as long as its slowest thread. So an argument that is left undecided stays in y for now, its index is
    noted in memory that a block shares, and once there is one for each thread they are done together.
    """
    lanes, get, put, get_vector, put_vector = make_memory(STORED_AS[dtype])
    of_vector, whole, accurate = (
        over_vector(name, dtype, lanes),
        without_flags(FAMILY[name][dtype]),
        FAMILY[name][dtype].accurate,
    )
    # What a block may have noted before a step, and what it may note in one.
    capacity = most_threads + (2 * lanes + 1) * most_threads

    @device_function
    def decided(x, results, index, noted, count):
        """Return the result, or x itself for now."""
        result, other = results
        if pattern_of(result) == pattern_of(other):
            return result
        noted[cuda.atomic.add(count, 0, 1)] = index
        return x

    def contiguous(operands, first, n):
        x, y = operands
        noted = cuda.shared.array(capacity, np.int64)
        count = cuda.shared.array(1, np.int32)
        thread, threads = cuda.grid(1), cuda.gridsize(1)
        of_block, block = cuda.threadIdx.x, cuda.blockDim.x
        vectors = (n - first) // lanes
        left = n - vectors * lanes
        if of_block == 0:
            count[0] = 0
        cuda.syncthreads()
        # The threads of a block wait for each other, and so all go on as long as the first of them.
        start, more = thread - of_block, True
        while more:
            i, j = start + of_block, start + of_block + threads
            start += 2 * threads
            more = start < vectors
            if i < vectors:
                there_is_another = j < vectors
                values = get_vector(x, first, i)
                others = get_vector(x, first, j if there_is_another else i)
                a, b = of_vector(values)
                index = first + i * lanes
                results = decided(values[0], a, index, noted, count), decided(values[1], b, index + 1, noted, count)
                put_vector(y, first, i, results)
                if there_is_another:
                    a, b = of_vector(others)
                    index = first + j * lanes
                    results = decided(others[0], a, index, noted, count), decided(others[1], b, index + 1, noted, count)
                    put_vector(y, first, j, results)
            if not more and thread < left:
                # Before the first vector, and behind the last.
                index = thread if thread < first else n - left + thread
                put(y, index, decided(get(x, index), whole(get(x, index)), index, noted, count))
            # Whoever brought the count up to this sees it, and all hear of it.
            if cuda.syncthreads_or(np.int32(not more or count[0] >= block)):
                k = of_block
                while k < count[0]:
                    put(y, noted[k], accurate(get(y, noted[k])))
                    k += block
                cuda.syncthreads()
                if of_block == 0:
                    count[0] = 0
                cuda.syncthreads()

    return contiguous
