"""Maximum likelihood: the rate of an exponential distribution, found by Newton's method with derivatives by the tape.

One sees the fitted density over the histogram of the sample, and the steps that Newton's method takes to the minimum of
the negative log-likelihood. The rate is that of the closed form, 1 / mean, and its standard error comes of the second
derivative. The logarithm of the rate is what is fitted, so that the rate stays positive.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import drawing
import numpy as np

import numbaexp
from numbaexp import autograd

TRUE_RATE = 0.25  # a minute
SAMPLES = 1000


class Fit(NamedTuple):
    """The logarithm of the rate, step by step, and its standard error at the end."""

    steps: list[float]
    standard_error: float

    @property
    def rate(self) -> float:
        return float(numbaexp.exp(self.steps[-1]))


def waiting_times() -> np.ndarray:
    """Minutes between one call and the next."""
    return np.random.default_rng(0).exponential(1 / TRUE_RATE, SAMPLES)


def negative_log_likelihood(log_rate: Any, times: np.ndarray) -> Any:
    """Of all times together: the density of each is ``rate * exp(-rate * time)``."""
    return (numbaexp.exp(log_rate) * times - log_rate).sum()


def derivatives(log_rate: float, times: np.ndarray) -> tuple[float, float]:
    """The first and the second of the negative log-likelihood."""
    x = autograd.tensor(log_rate, requires_grad=True)
    (first,) = autograd.grad(negative_log_likelihood(x, times), x, create_graph=True)
    (second,) = autograd.grad(first, x)
    return first.item(), second.item()


def fit(times: np.ndarray) -> Fit:
    """Newton's method from a rate of 1, until the step after the last would be too small to change anything."""
    steps = [0.0]
    while True:
        first, second = derivatives(steps[-1], times)
        steps.append(steps[-1] - first / second)
        if abs(steps[-1] - steps[-2]) < 1e-8:
            return Fit(steps, 1 / np.sqrt(second))


def draw(path: Path, times: np.ndarray, found: Fit) -> None:
    ours, textbook = drawing.COLOURS["numbaexp"], drawing.COLOURS["textbook"]
    with drawing.panels(path, 2) as (sample, likelihood):
        sample.hist(times, bins=30, density=True, color=textbook, alpha=0.5, label=f"{SAMPLES} waiting times")
        minutes = np.linspace(0, times.max(), 61)
        sample.plot(minutes, found.rate * numbaexp.exp(-found.rate * minutes), color=ours, label="fitted density")
        sample.set_title("the sample and the fit")
        sample.set_xlabel("waiting time, minutes")
        sample.set_ylabel("density, per minute")
        sample.legend()
        curve = np.linspace(-2.2, 0.1, 61)
        likelihood.plot(
            numbaexp.exp(curve),
            [negative_log_likelihood(log_rate, times) for log_rate in curve],
            color=textbook,
            label="negative log-likelihood",
        )
        likelihood.plot(
            numbaexp.exp(found.steps),
            [negative_log_likelihood(log_rate, times) for log_rate in found.steps],
            "o--",
            color=ours,
            label="Newton's steps",
        )
        likelihood.set_title("the way to the minimum")
        likelihood.set_xlabel("rate, per minute")
        likelihood.set_ylabel("nats")
        likelihood.legend()


def main(arguments: Sequence[str] | None = None) -> None:
    path = drawing.picture_path(__doc__, __file__, arguments)
    times = waiting_times()
    found = fit(times)
    for number, log_rate in enumerate(found.steps):
        first, second = derivatives(log_rate, times)
        print(f"step {number}: rate {numbaexp.exp(log_rate):.12f}, derivatives {first:9.2e} and {second:9.2e}")
    print(f"closed form, 1 / mean: {1 / times.mean():.12f}")
    print(f"standard error: {found.rate * found.standard_error:.4f}; the sample was drawn with the rate {TRUE_RATE}")
    draw(path, times, found)


if __name__ == "__main__":
    main()
