"""The plan of a cross entropy and its gradient."""

from typing import Any

import numpy as np

from numbaexp.backends.adapter import Elements, on_memory_of, on_threads_of
from numbaexp.backends.registry import decided, find
from numbaexp.engine import host
from numbaexp.engine.checks import check_on_device, device_of, one_backend, stream_of
from numbaexp.engine.loss_problem import Problem, check_grad, make_problem
from numbaexp.operations import Operation
from numbaexp.scalar.forms import FLOATS
from numbaexp.scalar.loss_record import IGNORED
from numbaexp.target import CUDA, current_target


def compute(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Compute the function where the logits are, where the other arrays are to be too."""
    given = dict(zip(operation.arrays, arrays, strict=True))
    # A number is where it is needed.
    placed = {
        argument: array
        for argument, array in given.items()
        if array is not None and not (argument == "grad_output" and np.isscalar(array))
    }
    return _on_host(given, options) if device_of("logits", placed) == "cpu" else _on_device(given, options)


def _on_host(given: dict[str, Any], options: dict[str, Any]) -> Any:
    """Compute in the host's memory, of which the arrays may be those of several libraries."""
    backend: Any = (decided.get(type(given["logits"])) or find(given["logits"])).backend
    x, problem = problem_on_host(given, options)
    if "grad_output" in given:
        grad = _as_float64(given["grad_output"], "grad_output")
        check_grad(problem, grad.shape)
        written = backend.write(x, None, problem.dtype)
        work, arguments = "backward", [problem, grad, written.view]
    else:
        written = backend.new(x, problem.dtype, problem.loss_shape)
        work, arguments = "forward", [problem, written.view]
    target = current_target()
    if target == CUDA and problem.x.size:
        from numbaexp.cuda import host as on_cuda

        getattr(on_cuda, f"loss_{work}")(*arguments)
    elif written.view.size:
        from numbaexp.cpu import losses

        on_threads_of(backend, getattr(losses, work), *arguments, target)
    return backend.finish(x.array, None, written)


def problem_on_host(given: dict[str, Any], options: dict[str, Any]) -> tuple[Elements, Problem]:
    """Return the logits, and the problem as kernels of the host take it."""
    logits, targets, weight = given["logits"], given["targets"], given["weight"]
    backend: Any = (decided.get(type(logits)) or find(logits)).backend
    of_targets: Any = (decided.get(type(targets)) or find(targets)).backend
    x, dtype = backend.read(logits, "logits")
    y, of_y = of_targets.read(targets, "targets")
    factors = None if weight is None else np.ascontiguousarray(_as_float64(weight, "weight"))
    problem = make_problem((x.view, _type_name(x, dtype)), (y.view, _type_name(y, of_y)), factors, **options)
    return x, _on_kernels(problem)


def _type_name(elements: Elements, dtype: str) -> str:
    """Return the name of the type of elements in the host's memory."""
    view = elements.view
    return dtype if dtype == "bfloat16" and (view.dtype.kind == "f" or view.dtype == np.uint16) else view.dtype.name


def _as_float64(array: Any, argument: str) -> np.ndarray:
    backend: Any = (decided.get(type(array)) or find(array)).backend
    elements, dtype = backend.read(array, argument)
    return host.as_float64(elements.view, _type_name(elements, dtype))


def _on_kernels(problem: Problem) -> Problem:
    """Return the problem of arrays that the kernels can go through: classes are int64, or ``IGNORED``."""
    x = problem.x
    if not (x.dtype.isnative and x.flags.aligned):
        x = host.as_rows(x, x.dtype.newbyteorder("="), (problem.axis,))
    if not problem.of_classes:
        return problem._replace(x=x, targets=host.as_rows(problem.targets, x.dtype, (problem.axis,)))
    # In the type that they have: another one may not hold them.
    targets, classes = problem.targets, x.shape[problem.axis]
    counts = targets != problem.ignore_index
    outside = counts & ((targets < 0) | (targets >= classes))
    if outside.any():
        raise ValueError(f"`targets` must be classes from 0 to {classes - 1}; got {targets[outside][0]}")
    known = np.where(counts, np.where(counts, targets, 0).astype(np.int64), IGNORED)
    return problem._replace(x=x, targets=known, ignore_index=IGNORED)


def _on_device(given: dict[str, Any], options: dict[str, Any]) -> Any:
    """Compute on the device of all arrays, which are of one library."""
    from numbaexp.cuda import losses

    grad_output = given.pop("grad_output", None)
    is_number = grad_output is not None and np.isscalar(grad_output)
    arrays = {label: array for label, array in given.items() if array is not None}
    if grad_output is not None and not is_number:
        arrays["grad_output"] = grad_output
    backend, _ = one_backend(list(arrays), list(arrays.values()))
    read = {label: backend.read(array, label)[0] for label, array in arrays.items()}
    for label in ("weight", "grad_output"):
        if label in read:
            check_on_device(label, read[label].view.dtype, FLOATS)
    x, targets, weight = read["logits"].view, read["targets"].view, read["weight"].view if "weight" in read else None
    problem = make_problem((x, x.dtype), (targets, targets.dtype), weight, **options)
    stream = stream_of(backend, [each.array for each in read.values()])
    if grad_output is None:
        written = backend.new(read["logits"], problem.dtype, problem.loss_shape)
        if 0 not in problem.loss_shape:
            on_memory_of(backend, read["logits"].array, losses.forward, problem, written.view, stream)
    else:
        grad: Any = float(grad_output) if is_number else read["grad_output"].view
        check_grad(problem, () if is_number else grad.shape)
        written = backend.write(read["logits"], None, problem.dtype)
        if 0 not in problem.x.shape:
            on_memory_of(backend, read["logits"].array, losses.backward, problem, grad, written.view, stream)
    return backend.finish(read["logits"].array, None, written)
