"""List every kernel of a GPU, by the public functions that launch them: of arrays in the types that are computed in."""

from numba import cuda

from numbaexp.cuda import launch, launch_rows
from numbaexp.cuda.row_kernels import ELEMENTS
from numbaexp.cuda.row_passes import RowKernels
from numbaexp.operations import OPERATIONS, Kind
from numbaexp.scalar.family import arity

# Of functions that launch others of ``launch_rows`` than their own, these.
_LOSSES = ("statistics", "targets", "numbers", "factors", "total")
_LAUNCHED = {
    "logsumexp": ("logsumexp", "weighted_logsumexp"),
    "logsumexp_backward": ("factors", "logsumexp_backward"),
    "cross_entropy": (*_LOSSES, "expected_losses", "losses", "means"),
    "cross_entropy_backward": (*_LOSSES, "class_gradients", "expected_gradients"),
}

# In types of their own: of classes, and of pairs of float64.
_TYPES = {"targets": ("int64",), "total": ("float64",)}

Kernel = tuple[str, ...]


def kernels(functions: tuple[str, ...], dtypes: tuple[str, ...]) -> list[Kernel]:
    """Return the kernels of public functions in types of elements, as ``compile_one`` takes them."""
    found: dict[Kernel, None] = {}
    for function in functions:
        for name in _LAUNCHED.get(function, (function,)):
            variants: tuple[str, ...] = RowKernels._fields
            if OPERATIONS[function].kind is Kind.ELEMENTWISE:
                variants = "contiguous", "strided"
            elif name in ELEMENTS:
                variants = ("of_threads",)
            found.update(
                dict.fromkeys((name, dtype, variant) for variant in variants for dtype in _TYPES.get(name, dtypes))
            )
    return list(found)


def compile_one(kernel: Kernel) -> None:
    """Compile a kernel for each device, or load it."""
    name, dtype, variant = kernel
    for device in range(len(cuda.gpus)):
        if variant == "contiguous":
            launch.contiguous(name, dtype, device)
        elif variant == "strided":
            launch.strided(name, (dtype,) * arity(name), dtype, device)
        else:
            launch_rows.compiled(name, dtype, variant, device)
