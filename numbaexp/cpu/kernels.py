"""List every kernel of the CPU, by the public functions that call them."""

from numbaexp.cpu import address_entry, entry, pool, row_entry, row_functions, share, ufunc
from numbaexp.scalar.family import FAMILY, SAVED

DTYPES = ("float16", "bfloat16", "float32", "float64")
# Of each function of rows its functions of ``row_functions``; those of Dask's arrays too.
_OF_PIECES = ("statistics", "sums_of_statistics", "merged_sums")
ROWS = {
    "softmax": ("softmax", "softmax_of_sums", *_OF_PIECES),
    "log_softmax": ("log_softmax", "log_softmax_of_sums", *_OF_PIECES),
    "logsumexp": ("logsumexp", "weighted_logsumexp", "logsumexp_of_sums", *_OF_PIECES),
    "softmax_backward": ("softmax_backward",),
    "log_softmax_backward": ("log_softmax_backward",),
    "logsumexp_backward": ("scaled_softmax",),
    "cross_entropy": ("statistics", "losses", "expected_losses", "total", "rounded"),
    "cross_entropy_backward": ("class_gradients", "expected_gradients", "total"),
}
FUNCTIONS = (*FAMILY, *SAVED, *ROWS)
# Of sums, which are pairs of float64 whatever the elements are.
_IN_FLOAT64 = ("total", "sums_of_statistics", "merged_sums", "logsumexp_of_sums")
# Dask tries what it is given to call on an array of its own.
_IN_FLOAT64_TOO = ("statistics",)

# What stands between Python and the kernels, and shares them out.
_AROUND = {
    "first": pool.compiled_first_loop,
    "current": pool.compiled_current_loop,
    "parallel": pool.compiled_parallel_loop,
    "shared": share.compiled_shared,
    "single": share.compiled_single,
    "entry": entry.compiled_entry,
    "row entry": row_entry.compiled_entry,
    "address entry": address_entry.compiled_entry,
}

Kernel = tuple[str, ...]


def kernels(functions: tuple[str, ...], dtypes: tuple[str, ...]) -> list[Kernel]:
    """Return the kernels of public functions in types of elements, as ``compile_one`` takes them."""
    found: dict[Kernel, None] = dict.fromkeys((name,) for name in _AROUND)
    for function in functions:
        if function not in ROWS:
            found.update(dict.fromkeys((function, dtype) for dtype in dtypes))
        for name in ROWS.get(function, ()):
            variants = row_functions.FUNCTIONS[name].makes()
            of_types = ("float64",) if name in _IN_FLOAT64 else dtypes
            of_types = (*of_types, "float64") if name in _IN_FLOAT64_TOO else of_types
            found.update(dict.fromkeys((name, variant, dtype) for variant in variants for dtype in of_types))
    return list(found)


def compile_one(kernel: Kernel) -> None:
    """Compile a kernel, or load it."""
    # Loops for Numba's threads refer to what these bring.
    pool.launch()
    match kernel:
        case (name,):
            _AROUND[name]()
        case (name, dtype):
            ufunc.serial_loop(name, dtype)
        case _:
            row_functions.kernel(*kernel)
