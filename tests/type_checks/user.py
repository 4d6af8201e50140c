"""Call each family of functions as users do: a strict type checker has to accept the calls, and know the results."""

from typing import Any

import numpy as np
import numpy.typing as npt
from typing_extensions import assert_type

import numbaexp
from numbaexp import autograd


def on_arrays(x: npt.NDArray[np.float32], out: npt.NDArray[np.float32]) -> None:
    # As of NumPy's ufuncs, the type of the result is not known: arguments may be arrays of any library.
    assert_type(numbaexp.exp(x), Any)
    assert_type(numbaexp.log(x, out, where=x > 0, casting="unsafe", order="C", dtype=np.float64, subok=False), Any)
    assert_type(numbaexp.logaddexp(x, x, out=out), Any)
    assert_type(numbaexp.logaddexp.backward(1.0, x, x), Any)
    assert_type(numbaexp.logaddexp2.reduce(x, axis=0, keepdims=True), Any)
    assert_type(numbaexp.log1p_backward(1.0, x), Any)
    assert_type(numbaexp.exp_(x), npt.NDArray[np.float32])
    numbaexp.exp.at(x, [0, 1])


def on_numbers(x: float) -> float:
    assert_type(numbaexp.exp(x), np.float64)
    assert_type(numbaexp.logaddexp(x, 1), np.float64)
    assert_type(numbaexp.exp_backward(1.0, x), np.float64)
    return numbaexp.expit(x) + numbaexp.logit(x)


def as_ufuncs(function: np.ufunc) -> list[str]:
    assert_type(numbaexp.exp.nin, int)
    assert_type(numbaexp.exp.__name__, str)
    return numbaexp.exp.types + function.types


def on_rows(x: npt.NDArray[np.float64]) -> None:
    assert_type(numbaexp.softmax(x, axis=0, where=x > 0), Any)
    assert_type(numbaexp.logsumexp(x, axis=(0, 1), b=x, keepdims=True, return_sign=True), Any)
    assert_type(numbaexp.cross_entropy(x, [0, 1], label_smoothing=0.1), Any)
    assert_type(numbaexp.log_prob(x, 1), Any)
    assert_type(numbaexp.entropy(x, keepdims=True), Any)


@numbaexp.elementwise
def decay(x: float, rate: float) -> float:
    """Compute a number of the user's."""
    return numbaexp.exp(-rate * x)


@numbaexp.elementwise(name="growth_", wide=False)
def growth(x: float) -> float:
    """Compute a number of the user's."""
    return numbaexp.expm1(x)


@growth.gradient
def growth_gradient(gradient: float, result: float, x: float) -> float:
    """Compute the gradient of ``growth``."""
    return gradient * (result + 1)


def on_functions_of_users(x: npt.NDArray[np.float64]) -> None:
    assert_type(decay(x, 1.0, out=x), Any)
    assert_type(decay.backward(1.0, x, 1.0), Any)
    assert_type(growth.backward.nin, int)
    assert_type(growth_gradient(1.0, 2.0, 3.0), float)


def on_the_tape() -> autograd.Tensor:
    w = numbaexp.autograd.tensor([0.0, 1.0], requires_grad=True)
    with autograd.no_grad():
        assert_type(w.numpy().sum(), Any)
    w.backward(w)
    assert_type(w.grad, autograd.Tensor | None)
    assert_type(w.requires_grad_(False), autograd.Tensor)
    return w


def about_the_process() -> None:
    assert_type(numbaexp.targets(), dict[str, str | None])
    assert_type(numbaexp.__version__, str)
    with numbaexp.use_target("cpu"):
        numbaexp.accelerate_numba(False)
    try:
        numbaexp.elementwise(decay)
    except numbaexp.UnsupportedError as error:
        raise TypeError(str(error)) from error


def that_is_refused(x: npt.NDArray[np.float64]) -> None:
    numbaexp.exp()  # type: ignore[call-overload]
    numbaexp.exp(x, axis=0)  # type: ignore[call-overload]
    numbaexp.log(x, casting="never")  # type: ignore[call-overload]
    numbaexp.logaddexp(x)  # type: ignore[call-overload]
    numbaexp.softmax(x, 0, x)  # type: ignore[call-arg]
    numbaexp.exp_(x, x)  # type: ignore[call-arg]
    numbaexp.exp2_backwards(x, x)  # type: ignore[attr-defined]
