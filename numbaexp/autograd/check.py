"""Gradients beside finite differences."""

import contextlib
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from numbaexp.autograd.differentiate import grad
from numbaexp.autograd.recording import module_of
from numbaexp.autograd.tensor import Tensor, tensor

# Central differences of order six: f(x + k * step) has the weight of k, f(x - k * step) its negative.
_WEIGHTS = ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60))
_STEP = 2.0**-7


class GradcheckError(RuntimeError):
    """A gradient is not what finite differences say."""


def gradcheck(func: Callable[..., Any], inputs: Any, *, rtol: float = 1e-7, atol: float = 1e-9) -> bool:
    """Compare the gradients of a function with finite differences in float64.

    Parameters
    ----------
    func : callable
        Of tensors; it returns a tensor, or a sequence of them.
    inputs : Tensor or sequence of them
        Where it is looked at. Those that require grad, of type float64, are the ones that it is differentiated by.
    rtol, atol : float, optional
        By how much the two may differ: ``atol + rtol * abs(difference quotient)``.

    Returns
    -------
    bool
        True.

    Raises
    ------
    GradcheckError
        If they differ by more. It names the argument and the element.
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
    given = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    _check(func, given, _names(func, given), rtol, atol)
    return True


def gradgradcheck(func: Callable[..., Any], inputs: Any, *, rtol: float = 1e-7, atol: float = 1e-9) -> bool:
    """Compare the second derivatives of a function with finite differences of its gradients.

    Parameters
    ----------
    func : callable
        As of :func:`gradcheck`.
    inputs : Tensor or sequence of them
        As of :func:`gradcheck`.
    rtol, atol : float, optional
        As of :func:`gradcheck`.

    Returns
    -------
    bool
        True.

    Raises
    ------
    GradcheckError
        If they differ by more. It names the argument, ``grad_output`` or one of the function's, and the element.
    ValueError
        If no input requires grad.
    TypeError
        If one that does is not of type float64.

    See Also
    --------
    gradcheck

    Notes
    -----
    Accuracy: as of :func:`gradcheck`. The gradients of the outputs that it is done with are random, and always the
    same.

    Special values: as of :func:`gradcheck`.

    Examples
    --------
    >>> import numbaexp
    >>> from numbaexp import autograd
    >>> x = autograd.tensor([0.0, 1.0], requires_grad=True)
    >>> autograd.gradgradcheck(numbaexp.softmax, x)
    True
    """
    given = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    rng = np.random.default_rng(0)
    above = []
    for output in _outputs(func(*given)):
        random = module_of(output.data).asarray(rng.standard_normal(output.shape))
        above.append(tensor(random, requires_grad=True))

    def gradients(*arguments: Tensor) -> Any:
        values, grads = arguments[: len(given)], arguments[len(given) :]
        by = [value for value in values if value.requires_grad]
        return grad(_outputs(func(*values)), by, grads, create_graph=True)

    names = [*_names(func, given), *(f"grad_output {place}" for place in range(len(above)))]
    _check(gradients, [*given, *above], names, rtol, atol)
    return True


def _check(function: Callable[..., Any], given: list[Tensor], names: list[str], rtol: float, atol: float) -> None:
    by = [place for place, each in enumerate(given) if each.requires_grad]
    if not by:
        raise ValueError("`inputs` must have a tensor that requires grad; got none")
    for place in by:
        if given[place].dtype != np.float64:
            raise TypeError(
                f"`{names[place]}` must be of type float64, for differences to tell; got {given[place].dtype}"
            )
    outputs = _outputs(function(*given))
    for place in by:
        numeric = _differences(function, given, place)
        for number, output in enumerate(outputs):
            analytic = _jacobian(output, given[place])
            apart = ~np.isclose(analytic, numeric[number], rtol, atol, equal_nan=True)
            if apart.any():
                row, column = np.argwhere(apart)[0]
                raise GradcheckError(
                    f"the gradient of output {number}, element {_element(row, output)}, with respect to "
                    f"`{names[place]}`, element {_element(column, given[place])}, is {analytic[row, column]}; "
                    f"finite differences give {numeric[number][row, column]}"
                )


def _names(function: Callable[..., Any], given: list[Tensor]) -> list[str]:
    """What the arguments are called."""
    names = []
    with contextlib.suppress(ValueError, TypeError):  # of a built-in function
        names = list(inspect.signature(function).bind(*given).arguments)
    return [names[place] if place < len(names) else f"argument {place}" for place in range(len(given))]


def _element(place: int, of: Tensor) -> tuple[int, ...]:
    return tuple(map(int, np.unravel_index(place, of.shape)))


def _outputs(result: Any) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else list(result)


def _host(x: Tensor) -> np.ndarray:
    array = x.detach().data
    # CuPy's arrays have ``get``.
    return array if isinstance(array, np.ndarray) else array.get()


def _jacobian(output: Tensor, x: Tensor) -> np.ndarray:
    """A row for each element of the output, by the tape."""
    rows = np.zeros((output.size, x.size))
    if output.requires_grad:
        for row, unit in zip(rows, np.eye(output.size), strict=True):
            (found,) = grad(output, x, unit.reshape(output.shape), retain_graph=True, allow_unused=True)
            if found is not None:
                row[:] = _host(found).reshape(-1)
    return rows


def _differences(function: Callable[..., Any], given: list[Tensor], place: int) -> list[np.ndarray]:
    """The same of each output, by differences."""
    x = given[place]

    def outputs_at(column: int, by: float) -> list[np.ndarray]:
        moved = tensor(x, requires_grad=True)
        moved.data[_element(column, x)] += by
        return [_host(output).reshape(-1) for output in _outputs(function(*given[:place], moved, *given[place + 1 :]))]

    columns = []
    for column in range(x.size):
        pairs = [(weight, outputs_at(column, k * _STEP), outputs_at(column, -k * _STEP)) for k, weight in _WEIGHTS]
        columns.append(
            [sum(weight * (more[i] - less[i]) for weight, more, less in pairs) / _STEP for i in range(len(pairs[0][1]))]
        )
    return [np.stack(of_output, 1) for of_output in zip(*columns, strict=True)]
