"""Comparison of gradients with finite differences."""

import contextlib
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from numbaexp.autograd.differentiate import grad
from numbaexp.autograd.tensor import Tensor, on_host, tensor
from numbaexp.derivatives.arrays import module_of

# Central differences of order six: f(x + k * step) has the weight of k, f(x - k * step) its negative.
_WEIGHTS = ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60))
_STEP = 2.0**-7


class GradcheckError(RuntimeError):
    """Report a gradient that finite differences contradict."""


def gradcheck(func: Callable[..., Any], inputs: Any, *, rtol: float = 1e-7, atol: float = 1e-9) -> bool:
    """Compare the gradients of a function with finite differences in float64.

    Parameters
    ----------
    func : callable
        A function of tensors that returns a tensor, or a sequence of them.
    inputs : Tensor or sequence of them
        The arguments. Those that require grad, of type float64, are the ones to differentiate by.
    rtol, atol : float, optional
        By how much the two may differ: ``atol + rtol * abs(difference quotient)``.

    Returns
    -------
    bool
        True.

    Raises
    ------
    GradcheckError
        If they differ by more, with the argument and the element.
    ValueError
        If no input requires grad.
    TypeError
        If one that does is not of type float64.

    See Also
    --------
    gradgradcheck : of the gradients in turn.

    Notes
    -----
    Accuracy: the differences are central, of order six, with a step of 2**-7: of functions whose derivatives are of the
    order of 1 they are good to 1e-12.

    Special values: a NaN or an infinity is equal to itself alone.

    Examples
    --------
    >>> import numbaexp
    >>> from numbaexp import autograd
    >>> x = autograd.tensor([0.0, 1.0], requires_grad=True)
    >>> autograd.gradcheck(numbaexp.softplus, x)
    True
    """
    given = _listed(inputs)
    return _check(func, given, _names(func, given), rtol, atol)


def gradgradcheck(func: Callable[..., Any], inputs: Any, *, rtol: float = 1e-7, atol: float = 1e-9) -> bool:
    """Compare the second derivatives of a function with finite differences of its gradients.

    Parameters
    ----------
    func, inputs, rtol, atol
        As of :func:`gradcheck`.

    Returns
    -------
    bool
        True.

    Raises
    ------
    GradcheckError, ValueError, TypeError
        As of :func:`gradcheck`; the argument may be ``grad_output`` too.

    See Also
    --------
    gradcheck

    Notes
    -----
    Accuracy: as of :func:`gradcheck`. The gradients of the outputs are random numbers, always the same ones.

    Special values: as of :func:`gradcheck`.

    Examples
    --------
    >>> import numbaexp
    >>> from numbaexp import autograd
    >>> x = autograd.tensor([0.0, 1.0], requires_grad=True)
    >>> autograd.gradgradcheck(numbaexp.softmax, x)
    True
    """
    given = _listed(inputs)
    rng = np.random.default_rng(0)
    above = []
    for output in _listed(func(*given)):
        random = module_of(output.data).asarray(rng.standard_normal(output.shape))
        above.append(tensor(random, requires_grad=True))

    def gradients(*arguments: Tensor) -> Any:
        values, grads = arguments[: len(given)], arguments[len(given) :]
        by = [value for value in values if value.requires_grad]
        return grad(_listed(func(*values)), by, grads, create_graph=True)

    names = [*_names(func, given), *(f"grad_output {number}" for number in range(len(above)))]
    return _check(gradients, [*given, *above], names, rtol, atol)


def _listed(given: Any) -> list[Tensor]:
    """List one tensor or several."""
    return [given] if isinstance(given, Tensor) else list(given)


def _check(function: Callable[..., Any], given: list[Tensor], names: list[str], rtol: float, atol: float) -> bool:
    by = [(index, name, x) for index, (name, x) in enumerate(zip(names, given, strict=True)) if x.requires_grad]
    if not by:
        raise ValueError("`inputs` must have a tensor that requires grad; got none")
    for _, name, x in by:
        if x.dtype != np.float64:
            raise TypeError(f"`{name}` must be of type float64, for differences to tell; got {x.dtype}")
    outputs = _listed(function(*given))
    rows = [(number, element) for number, output in enumerate(outputs) for element in np.ndindex(output.shape)]
    for index, name, x in by:
        analytic, numeric = _jacobian(outputs, x), _differences(function, given, index)
        apart = ~np.isclose(analytic, numeric, rtol, atol, equal_nan=True)
        if apart.any():
            row, column = np.argwhere(apart)[0]
            number, element = rows[row]
            raise GradcheckError(
                f"the gradient of output {number}, element {element}, with respect to `{name}`, element "
                f"{list(np.ndindex(x.shape))[column]}, is {analytic[row, column]}; finite differences give "
                f"{numeric[row, column]}"
            )
    return True


def _names(function: Callable[..., Any], given: list[Tensor]) -> list[str]:
    """Return the names of the parameters, or numbers for those without."""
    names = []
    with contextlib.suppress(ValueError, TypeError):  # of a built-in function
        names = list(inspect.signature(function).bind(*given).arguments)
    return [names[index] if index < len(names) else f"argument {index}" for index in range(len(given))]


def _jacobian(outputs: list[Tensor], x: Tensor) -> np.ndarray:
    """Differentiate by the tape, with a row for each element of an output."""
    rows = []
    for output in outputs:
        for unit in np.eye(output.size):
            found = None
            if output.requires_grad:
                (found,) = grad(output, x, unit.reshape(output.shape), retain_graph=True, allow_unused=True)
            rows.append(np.zeros(x.size) if found is None else on_host(found).reshape(-1))
    return np.reshape(rows, (-1, x.size))


def _differences(function: Callable[..., Any], given: list[Tensor], index: int) -> np.ndarray:
    """Differentiate by one argument, by differences, with a row for each element of an output."""
    x = given[index]

    def outputs_at(element: tuple[int, ...], by: float) -> np.ndarray:
        moved = tensor(x, requires_grad=True)
        moved.data[element] += by
        outputs = _listed(function(*given[:index], moved, *given[index + 1 :]))
        return np.concatenate([on_host(output).reshape(-1) for output in outputs])

    columns = [
        sum(weight * (outputs_at(element, k * _STEP) - outputs_at(element, -k * _STEP)) for k, weight in _WEIGHTS)
        for element in np.ndindex(x.shape)
    ]
    return np.stack(columns, 1) / _STEP
