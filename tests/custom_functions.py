"""Elementwise functions of a user: of three inputs, with a branch, and of two results with a loop."""

import numbaexp


@numbaexp.elementwise
def gaussian(x, mu, sigma):
    """Compute a bell curve."""
    z = (x - mu) / sigma
    return numbaexp.exp(-0.5 * z * z) / sigma


@numbaexp.elementwise
def elu(x, a):
    return x if x > 0 else a * numbaexp.expm1(x)


@numbaexp.elementwise
def waves(x, y):
    power = 1.0
    for _ in range(3):
        power = power * x + y
    return numbaexp.exp(-x * x) * y, power
