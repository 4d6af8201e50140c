"""The functions that the search knows, by MPFR: each returns the first five coefficients of its Taylor series."""

from collections.abc import Callable

import gmpy2
from gmpy2 import mpfr

Series = tuple[mpfr, mpfr, mpfr, mpfr, mpfr]


def _exponential(value: Callable[[mpfr], mpfr], base: int | None, added: int = 0) -> Callable[[mpfr], Series]:
    """Return the series of a power of a base, or of e, less a number that is ``added`` again."""

    def series(x: mpfr) -> Series:
        result = value(x)
        power = result + added
        log = gmpy2.log(mpfr(base)) if base else mpfr(1)
        return result, power * log, power * log**2 / 2, power * log**3 / 6, power * log**4 / 24

    return series


def _logarithm(value: Callable[[mpfr], mpfr], base: int | None, added: int = 0) -> Callable[[mpfr], Series]:
    """Return the series of a logarithm to a base, or to e, of the argument with a number ``added``."""

    def series(x: mpfr) -> Series:
        inverse = 1 / (x + added)
        scale = 1 / gmpy2.log(mpfr(base)) if base else mpfr(1)
        first, second = scale * inverse, -scale * inverse**2 / 2
        return value(x), first, second, scale * inverse**3 / 3, -scale * inverse**4 / 4

    return series


def _sinh(x: mpfr) -> Series:
    sinh, cosh = gmpy2.sinh(x), gmpy2.cosh(x)
    return sinh, cosh, sinh / 2, cosh / 6, sinh / 24


def _cosh(x: mpfr) -> Series:
    sinh, cosh = gmpy2.sinh(x), gmpy2.cosh(x)
    return cosh, sinh, cosh / 2, sinh / 6, cosh / 24


def _tanh(x: mpfr) -> Series:
    tanh = gmpy2.tanh(x)
    square = tanh**2
    slope = 1 - square
    return tanh, slope, -tanh * slope, slope * (3 * square - 1) / 3, tanh * slope * (2 - 3 * square) / 3


FUNCTIONS = {
    "exp": _exponential(gmpy2.exp, None),
    "exp2": _exponential(gmpy2.exp2, 2),
    "exp10": _exponential(gmpy2.exp10, 10),
    "expm1": _exponential(gmpy2.expm1, None, 1),
    "log": _logarithm(gmpy2.log, None),
    "log2": _logarithm(gmpy2.log2, 2),
    "log10": _logarithm(gmpy2.log10, 10),
    "log1p": _logarithm(gmpy2.log1p, None, 1),
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": _tanh,
}
