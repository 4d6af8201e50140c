"""Random float64 arguments: ways to draw them, each a function ``draw(number, rng)``."""

from collections.abc import Callable

import numpy as np

Draw = Callable[[int, np.random.Generator], np.ndarray]


def uniform(low: float, high: float) -> Draw:
    """Draw uniformly from an interval."""
    return lambda number, rng: rng.uniform(low, high, number)


def by_binades(least: int, greatest: int) -> Draw:
    """Draw positive numbers, uniformly in each binade; the exponents are from ``least`` to ``greatest``."""

    def draw(number: int, rng: np.random.Generator) -> np.ndarray:
        exponents = rng.integers(least, greatest, number, endpoint=True)
        return np.ldexp(rng.uniform(1, 2, number), exponents)

    return draw


def around(centre: float, least: int, greatest: int) -> Draw:
    """Draw from both sides of a number, by distances that are uniform in each binade."""
    distances = by_binades(least, greatest)

    def draw(number: int, rng: np.random.Generator) -> np.ndarray:
        drawn = distances(number, rng)
        return np.where(rng.random(number) < 0.5, centre - drawn, centre + drawn)

    return draw


def equal_shares(draws: tuple[Draw, ...], number: int, rng: np.random.Generator) -> np.ndarray:
    """Return arguments of which each way to draw has given as many, but for one."""
    ends = np.arange(len(draws) + 1) * number // len(draws)
    return np.concatenate([draw(each, rng) for draw, each in zip(draws, np.diff(ends).tolist(), strict=True)])
