"""A logistic curve through measured responses, fitted with gradients in NumPy, PyTorch and JAX.

The curve is one function of numbers, of a dose and three parameters, which ``numbaexp.elementwise`` makes a ufunc with
gradients in every library. In NumPy the gradients of all points are the columns of a Jacobian, for the method of Gauss
and Newton; JAX finds the Jacobian by its forward mode; PyTorch has a minimizer of its own. One sees that all arrive at
the same curve.
"""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import drawing
import numpy as np

import numbaexp

PARAMETERS = ("top", "slope", "middle")
TRUE = np.array([0.9, 1.7, 0.4])
START = np.array([1.0, 1.0, 0.0])
POINTS = 40
NOISE = 0.03


@numbaexp.elementwise
def response(dose, top, slope, middle):
    return top * numbaexp.sigmoid(slope * (dose - middle))


def measured() -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of doses, and responses."""
    doses = np.linspace(-3, 4, POINTS)
    return doses, response(doses, *TRUE) + np.random.default_rng(0).normal(0, NOISE, POINTS)


def fit_by_numpy(doses: np.ndarray, responses: np.ndarray) -> list[np.ndarray]:
    """The method of Gauss and Newton: the parameters of each step."""
    steps = [START]
    while len(steps) < 2 or np.abs(steps[-1] - steps[-2]).max() > 1e-12:
        _, *columns = response.backward(1.0, doses, *steps[-1])
        residuals = response(doses, *steps[-1]) - responses
        steps.append(steps[-1] - np.linalg.lstsq(np.stack(columns, 1), residuals)[0])
    return steps


def fit_by_torch(doses: np.ndarray, responses: np.ndarray) -> np.ndarray:
    import torch

    parameters = torch.tensor(START, requires_grad=True)
    of_torch = torch.from_numpy(doses), torch.from_numpy(responses)
    minimizer = torch.optim.LBFGS(
        [parameters], max_iter=100, tolerance_grad=1e-12, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def step() -> Any:
        minimizer.zero_grad()
        residuals = response(of_torch[0], *parameters) - of_torch[1]
        value = (residuals * residuals).sum()
        value.backward()
        return value

    minimizer.step(step)
    return parameters.detach().numpy()


def fit_by_jax(doses: np.ndarray, responses: np.ndarray) -> np.ndarray:
    """The method of Gauss and Newton, with the Jacobian by JAX's forward mode."""
    import jax

    with jax.enable_x64(True):
        jacobian = jax.jit(jax.jacfwd(lambda parameters: response(doses, *parameters)))
        parameters = jax.numpy.asarray(START)
        for _ in range(20):
            residuals = response(doses, *parameters) - responses
            parameters = parameters - jax.numpy.linalg.lstsq(jacobian(parameters), residuals)[0]
        return np.asarray(parameters)


def fits() -> dict[str, np.ndarray]:
    """The parameters that each library that is installed arrives at."""
    ways: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
        "numpy": lambda *measurements: fit_by_numpy(*measurements)[-1],
        "torch": fit_by_torch,
        "jax": fit_by_jax,
    }
    return {name: fit(*measured()) for name, fit in ways.items() if importlib.util.find_spec(name)}


def draw(path: Path) -> None:
    doses, responses = measured()
    steps = fit_by_numpy(doses, responses)
    curve = np.linspace(-3, 4, 57)
    with drawing.panels(path, 2) as (fit, gradients):
        fit.plot(doses, responses, "o", color=drawing.COLOURS["textbook"], markersize=3, label="measured")
        for number, parameters in enumerate(steps[:3]):
            fit.plot(curve, response(curve, *parameters), "--", alpha=0.7, label=f"after {number} steps")
        fit.plot(curve, response(curve, *steps[-1]), color=drawing.COLOURS["numbaexp"], label="fitted")
        fit.set_title("responses to doses")
        fit.set_ylabel("response")
        of_inputs = response.backward(1.0, curve, *steps[-1])
        for name, gradient, style in zip(("dose", *PARAMETERS), of_inputs, drawing.STYLES, strict=False):
            gradients.plot(curve, gradient, linestyle=style, label=name)
        gradients.set_title("gradients of the fitted curve, of one pass")
        for panel in (fit, gradients):
            panel.set_xlabel("logarithm of the dose")
            panel.legend()


def main(arguments: Sequence[str] | None = None) -> None:
    path = drawing.picture_path(__doc__, __file__, arguments)
    print(" " * 10 + "".join(f"{name:>10}" for name in PARAMETERS))
    for name, parameters in {"true": TRUE, "start": START, **fits()}.items():
        print(f"{name:10}" + "".join(f"{value:10.6f}" for value in parameters))
    draw(path)


if __name__ == "__main__":
    main()
