"""Compound interest: what becomes of a sum if interest is paid yearly, monthly, ... and in the limit continuously.

One sees how the capital approaches the limit, ``exp(rate * years)``, the more often interest is paid, and where the
textbook's formulas lose digits on the way: ``1 + rate / n`` rounds a small ``rate / n`` before the power is taken, and
``exp(rate) - 1``, the interest of a day or a second, is a difference of nearly equal numbers. ``log1p`` and ``expm1``
keep the digits.
"""

import decimal
from collections.abc import Callable, Sequence
from pathlib import Path

import drawing
import numpy as np

import numbaexp

RATE = 0.05
YEARS = 20
SECONDS_A_YEAR = 365 * 24 * 3600


def compounded(rate: float, years: float, times_a_year: np.ndarray) -> np.ndarray:
    """What 1 grows to with interest so many times a year."""
    return numbaexp.exp(times_a_year * years * np.log1p(rate / times_a_year))


def compounded_by_power(rate: float, years: float, times_a_year: np.ndarray) -> np.ndarray:
    """The same as the textbook writes it."""
    return (1 + rate / times_a_year) ** (times_a_year * years)


def continuously(rate: float, years: float) -> float:
    """What 1 grows to in the limit."""
    return numbaexp.exp(rate * years)


def effective_rate(rate: np.ndarray) -> np.ndarray:
    """The interest of one period, of a rate that is compounded continuously."""
    return numbaexp.expm1(rate)


def effective_rate_by_difference(rate: np.ndarray) -> np.ndarray:
    """The same as the textbook writes it."""
    return numbaexp.exp(rate) - 1


def years_to_double(rate: float, times_a_year: float) -> float:
    """After how many years 1 has become 2; the number of times may be infinite."""
    if np.isinf(times_a_year):
        return np.log(2) / rate
    return np.log(2) / (times_a_year * np.log1p(rate / times_a_year))


def relative_gap(times_a_year: np.ndarray, method: Callable[[float, float, np.ndarray], np.ndarray]) -> np.ndarray:
    """By how much a method's capital differs from that of the limit."""
    limit = continuously(RATE, YEARS)
    return np.abs(method(RATE, YEARS, times_a_year) - limit) / limit


def relative_error(rates: np.ndarray, method: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The error of a method for the effective rate, against fifty digits of Python's ``decimal``."""
    with decimal.localcontext() as context:
        context.prec = 50
        exact = [decimal.Decimal(float(rate)).exp() - 1 for rate in rates]
        found = [decimal.Decimal(float(value)) for value in method(rates)]
        return np.array([float(abs(f / e - 1)) for f, e in zip(found, exact, strict=True)])


def draw(path: Path) -> None:
    ours, textbook = drawing.COLOURS["numbaexp"], drawing.COLOURS["textbook"]
    with drawing.panels(path, 2) as (limit, rate):
        times = np.logspace(0, 12, 97).round()
        limit.loglog(times, relative_gap(times, compounded_by_power), color=textbook, label="(1 + r / n) ** (n t)")
        limit.loglog(times, relative_gap(times, compounded), color=ours, label="exp(n t log1p(r / n))")
        limit.set_title(f"r = {RATE:.0%} a year for t = {YEARS} years: on the way to the limit")
        limit.set_xlabel("payments a year, n")
        limit.set_ylabel("relative distance from exp(r t)")
        limit.legend()
        rates = np.logspace(-16, 0, 97)
        rate.loglog(rates, relative_error(rates, effective_rate_by_difference), color=textbook, label="exp(r) - 1")
        rate.loglog(rates, relative_error(rates, effective_rate), color=ours, label="expm1(r)")
        rate.set_title("interest of one period")
        rate.set_xlabel("rate r of the period")
        rate.set_ylabel("relative error")
        rate.legend()


def main(arguments: Sequence[str] | None = None) -> None:
    path = drawing.picture_path(__doc__, __file__, arguments)
    print(f"1000.00 at {RATE:.0%} after {YEARS} years, with interest paid")
    for name, times in (("yearly", 1), ("monthly", 12), ("daily", 365), ("every second", SECONDS_A_YEAR)):
        print(f"  {name:14}{1000 * compounded(RATE, YEARS, np.float64(times)):>12.6f}")
    print(f"  {'continuously':14}{1000 * continuously(RATE, YEARS):>12.6f}")
    second = np.array([RATE / SECONDS_A_YEAR])
    print("The interest of a second on 1, relative error")
    print(f"  by exp(r) - 1 {relative_error(second, effective_rate_by_difference)[0]:.1e}")
    print(f"  by expm1(r)   {relative_error(second, effective_rate)[0]:.1e}")
    print("Years to double")
    for rate in (0.01, 0.05, 0.1):
        print(
            f"  at {rate:>4.0%}  {years_to_double(rate, 1):6.2f} with yearly interest, "
            f"{years_to_double(rate, np.inf):6.2f} with continuous"
        )
    draw(path)


if __name__ == "__main__":
    main()
