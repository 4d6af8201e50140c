"""Sensitivities: decay, growth, interest and waiting times, each a function of numbers, with its gradients everywhere.

Each formula is written once, for numbers. ``numbaexp.elementwise`` makes a ufunc of it, which takes arrays of NumPy,
PyTorch, JAX and others, and computes all gradients in one pass. One sees by how many percent each result changes with
one percent of each input, the curvature of a likelihood by the gradient of the gradient, and that all libraries get the
same bits. Interest is paid continuously here, ``exp(rate * years)``.
"""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import drawing
import numpy as np

import numbaexp

POINTS = 41


@numbaexp.elementwise
def decay(time, start, half_life):
    return start * numbaexp.exp2(-time / half_life)


@numbaexp.elementwise
def growth(time, start, rate, capacity):
    """Grow by a rate, but for what the capacity takes away."""
    return capacity / (1 + (capacity - start) / start * numbaexp.exp(-rate * time))


@numbaexp.elementwise
def capital(years, deposit, rate):
    return deposit * numbaexp.exp(rate * years)


@numbaexp.elementwise
def negative_log_likelihood(time, log_rate):
    """Of one waiting time, where the density is ``rate * exp(-rate * time)``."""
    return numbaexp.exp(log_rate) * time - log_rate


# By name, a function with its inputs: the first over a range, the others as they are.
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "radioactive decay": (decay, {"time": np.linspace(0, 100, POINTS), "start": 1.0, "half_life": 27.0}),
    "growth up to a capacity": (
        growth,
        {"time": np.linspace(0, 20, POINTS), "start": 1 / 64, "rate": 0.7, "capacity": 1.0},
    ),
    "continuous interest": (capital, {"years": np.linspace(0, 30, POINTS), "deposit": 100.0, "rate": 0.05}),
}


def inputs_of(ranges: Mapping[str, Any]) -> list[np.ndarray]:
    """Arrays of all inputs of a case."""
    return [np.full(POINTS, value, np.float32) for value in ranges.values()]


def by_numpy(function: Any, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    return list(function.backward(1.0, *inputs))


def by_torch(function: Any, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    import torch

    tensors = [torch.tensor(x, requires_grad=True) for x in inputs]
    return [gradient.numpy() for gradient in torch.autograd.grad(function(*tensors).sum(), tensors)]


def by_jax(function: Any, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    import jax

    result, pull = jax.vjp(function, *map(jax.numpy.asarray, inputs))
    return [np.asarray(gradient) for gradient in pull(jax.numpy.ones_like(result))]


def libraries() -> dict[str, Callable[[Any, Sequence[np.ndarray]], list[np.ndarray]]]:
    """By name, how a library beside NumPy that is installed computes gradients with respect to all inputs."""
    ways = {"torch": by_torch, "jax": by_jax}
    return {name: way for name, way in ways.items() if importlib.util.find_spec(name)}


def differing_bits(function: Any, inputs: Sequence[np.ndarray]) -> dict[str, int]:
    """In how many numbers the gradients of each library are others than NumPy's."""
    wanted = by_numpy(function, inputs)
    return {
        name: sum(
            int((ours.view(np.int32) != other.view(np.int32)).sum())
            for ours, other in zip(wanted, way(function, inputs), strict=True)
        )
        for name, way in libraries().items()
    }


def elasticities(function: Any, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """By how many percent the result changes with one percent of each input."""
    result = function(*inputs)
    return [x * gradient / result for x, gradient in zip(inputs, by_numpy(function, inputs), strict=True)]


def derivatives_of_likelihood(time: float, log_rates: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The negative log-likelihood, and its first and second derivative by the logarithm of the rate."""
    _, first = negative_log_likelihood.backward(1.0, time, log_rates)
    # Of the two gradients the second alone is differentiated.
    _, _, second = negative_log_likelihood.backward.backward(0.0, 1.0, 1.0, time, log_rates)
    return negative_log_likelihood(time, log_rates), first, second


def draw(path: Path) -> None:
    drawn = {title: case for title, case in CASES.items() if case[0] is not decay}
    with drawing.panels(path, len(drawn) + 1) as panels:
        for panel, (title, (function, ranges)) in zip(panels, drawn.items(), strict=False):
            inputs = inputs_of(ranges)
            for name, percent, style in zip(ranges, elasticities(function, inputs), drawing.STYLES, strict=False):
                panel.plot(inputs[0], percent, linestyle=style, label=name)
            panel.set_title(title)
            panel.set_xlabel(next(iter(ranges)))
            panel.set_ylabel("% of the result by 1 % of an input")
            panel.legend()
        log_rates = np.linspace(-3, 1, POINTS)
        for values, label in zip(
            derivatives_of_likelihood(4.0, log_rates), ("value", "first derivative", "second derivative"), strict=True
        ):
            panels[-1].plot(log_rates, values, label=label)
        panels[-1].set_title("negative log-likelihood of a waiting time of 4")
        panels[-1].set_xlabel("logarithm of the rate")
        panels[-1].legend()


def main(arguments: Sequence[str] | None = None) -> None:
    path = drawing.picture_path(__doc__, __file__, arguments)
    for title, (function, ranges) in CASES.items():
        inputs = inputs_of(ranges)
        shown = ", ".join(
            f"{name} {percent[POINTS // 2]:.3f}"
            for name, percent in zip(ranges, elasticities(function, inputs), strict=True)
        )
        print(f"{title}: % of the result by 1 % of an input, midway: {shown}")
        for name, differing in differing_bits(function, inputs).items():
            print(f"  gradients by {name}: {differing} of {POINTS * len(inputs)} differ from NumPy's")
    value, first, second = derivatives_of_likelihood(4.0, np.log(0.25))
    print(
        f"likelihood of a waiting time of 4, at the rate 1 / 4: {value:.6f}, derivatives {first:.6f} and {second:.6f}"
    )
    draw(path)


if __name__ == "__main__":
    main()
