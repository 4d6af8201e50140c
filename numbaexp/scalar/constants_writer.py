"""The text of ``constants.py``: numbers rounded to their types, and polynomials that fit functions."""

import functools

import mpmath

HEADER = '''"""Constants of the scalars. Written by ``derive_constants.py``; do not edit.

Each polynomial interpolates its function in the Chebyshev points, which is the minimax one but for a hair; its comment
states the interval and the absolute error before the coefficients are rounded to the type that evaluates them.
"""

from typing import NamedTuple

import numpy as np


def words(*values):
    """Return an integer of several 64-bit words, the highest first."""
    return tuple(np.uint64(value) for value in values)


def floats(text):
    """Parse hexadecimal floats."""
    return tuple(map(float.fromhex, text.split()))


class Roots(NamedTuple):
    """Hold powers of two with fractional exponents.

    rounded : R, of powers P; logs, rests : log(P/R) and P/R - 1; slopes : S, R ln(2) rounded; slope_rests :
    (P ln(2) - S) / R.
    """

    rounded: tuple[float, ...]
    logs: tuple[float, ...]
    rests: tuple[float, ...]
    slopes: tuple[float, ...]
    slope_rests: tuple[float, ...]


class Logs(NamedTuple):
    """Hold logarithms of short numbers near 1/m, 1 <= m < 2, of which the number n of m's cell, m ``cells`` rounded,
    modulo the number of entries, is the index.

    inverses : R. logs : -log(R), rounded to a multiple of 2**-43, of float32 2**-17; rests : -log(R) less that. ln2 :
        the same two, of 2.
    """

    cells: float
    inverses: tuple[float, ...]
    logs: tuple[float, ...]
    rests: tuple[float, ...]
    ln2: tuple[float, float]
'''


def single(value):
    """Round an exact value once, to the nearest float32."""
    with mpmath.workprec(24):
        return float(+value)


def double(value):
    """Round an exact value to the nearest float64."""
    with mpmath.workprec(53):
        return float(+value)


def truncated(value, bits):
    """Truncate an exact value to a number of significant bits."""
    mantissa, exponent = mpmath.frexp(value)
    return mpmath.ldexp(mpmath.floor(mpmath.ldexp(mantissa, bits)), int(exponent) - bits)


def float_texts(values, rounded, indentation=0):
    """Return the expression of several numbers, four in a line."""
    texts = [rounded(value).hex() for value in values]
    if len(texts) <= 4:
        return f'floats("{" ".join(texts)}")'
    margin = "\n" + " " * indentation
    rows = [f'{margin}    "{" ".join([*texts[i : i + 4], ""])}"' for i in range(0, len(texts), 4)]
    return f"floats({''.join(rows)}{margin})"


class Writer:
    """Collect the lines of the constants module."""

    def __init__(self):
        self.lines = [HEADER]

    def comment(self, text):
        self.lines.append(f"\n# {text}")

    def float64(self, name, value):
        self.lines.append(f'{name} = float.fromhex("{double(value).hex()}")')

    def float32(self, name, value):
        self.lines.append(f'{name} = np.float32(float.fromhex("{single(value).hex()}"))')

    def words(self, name, value, bits):
        """Write a value in units of 2**-bits, as a tuple of 64-bit words with the highest first."""
        integer = int(mpmath.nint(mpmath.ldexp(value, bits)))
        parts = [integer >> 64 * i & (2**64 - 1) for i in reversed(range(-(-bits // 64)))]
        words = ", ".join(f"0x{part:016X}" for part in parts)
        self.lines.append(f"{name} = words({words})")

    def floats(self, name, values, rounded):
        """Write several numbers, as Python's floats: ``rounded`` is ``single`` or ``double``."""
        self.lines.append(f"{name} = {float_texts(values, rounded)}")

    def polynomial(self, name, function, interval, degree, kind, exact_first=False):
        """Write coefficients of ``function`` from the constant term up, under names ``NAME_0``, ``NAME_1``, ..."""
        low, high = interval
        coefficients, error = mpmath.chebyfit(function, [low, high], degree + 1, error=True)
        self.comment(
            f"{name}: degree {degree} on [{mpmath.nstr(low, 6)}, {mpmath.nstr(high, 6)}], "
            f"absolute error 2**{mpmath.nstr(mpmath.log(error, 2), 5)}"
        )
        if exact_first:
            coefficients[-1] = mpmath.mpf(1)
        for power, coefficient in enumerate(reversed(coefficients)):
            getattr(self, kind)(f"{name}_{power}", coefficient)


def minimax(function, interval, degree, weight):
    """Return (coefficients, error) of the minimax polynomial on an interval, with errors times a weight that is nowhere
    0, by Remez' exchange on a grid."""
    size, function = degree + 2, functools.cache(function)
    middle, reach = sum(interval) / 2, (interval[1] - interval[0]) / 2
    points = [middle - reach * mpmath.cos(mpmath.pi * (2 * i + 1) / (2 * size)) for i in range(size)]
    grid = [middle + reach * mpmath.mpf(i) / 400 for i in range(-400, 401)]

    for _ in range(10):
        rows = [[*(x**power for power in range(degree + 1)), (-1) ** i / weight(x)] for i, x in enumerate(points)]
        values = mpmath.matrix([function(x) for x in points])
        coefficients = list(mpmath.lu_solve(mpmath.matrix(rows), values))[: degree + 1]
        errors = [(mpmath.polyval(coefficients[::-1], x) - function(x)) * weight(x) for x in grid]
        extremes: list = []
        for x, error in zip(grid, errors, strict=True):
            if extremes and mpmath.sign(extremes[-1][1]) == mpmath.sign(error):
                extremes[-1] = max(extremes[-1], (x, error), key=lambda pair: abs(pair[1]))
            else:
                extremes.append((x, error))
        while len(extremes) > size:
            extremes.pop(0 if abs(extremes[0][1]) < abs(extremes[-1][1]) else -1)
        points = [x for x, _ in extremes]
    return coefficients, max(map(abs, errors))
