"""The price of an option by the formula of Black and Scholes, with the Greeks as its gradients.

The formula is one function of numbers: ``numbaexp.elementwise`` makes a ufunc of it, whose gradients are what traders
call delta, vega, theta and rho, all in one pass, and gamma is a gradient of a gradient. numbaexp has no distribution
function of the normal distribution, so the logistic approximation of Bowling and others (2009) stands for it:
``sigmoid(1.5976 x + 0.07056 x**3)``, which errs by 0.00014 at most. One sees prices and
Greeks, and how far they are from the formula with the error function.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import drawing
import numpy as np

import numbaexp

YEARS, RATE, VOLATILITY = 0.5, 0.03, 0.25


def normal(x):
    """The normal distribution function, approximated."""
    return numbaexp.sigmoid(1.5976 * x + 0.07056 * x**3)


# Prices are in units of the strike price. The spot price is given by its logarithm.
@numbaexp.elementwise
def call(log_spot, years, rate, volatility):
    spread = volatility * math.sqrt(years)
    above = (log_spot + rate * years) / spread + spread / 2
    return numbaexp.exp(log_spot) * normal(above) - numbaexp.exp(-rate * years) * normal(above - spread)


class Greeks(NamedTuple):
    """Hold the derivatives of the price by each input."""

    delta: np.ndarray
    gamma: np.ndarray
    vega: np.ndarray
    theta: np.ndarray
    rho: np.ndarray


def greeks(spots: np.ndarray) -> Greeks:
    inputs = np.log(spots), YEARS, RATE, VOLATILITY
    by_log, by_years, rho, vega = call.backward(1.0, *inputs)
    # The gradient with respect to the logarithm of the spot price is differentiated once more.
    _, by_log_twice, *_ = call.backward.backward(1.0, 0.0, 0.0, 0.0, 1.0, *inputs)
    # By the chain rule, for the price itself.
    return Greeks(by_log / spots, (by_log_twice - by_log) / spots**2, vega, -by_years, rho)


def exact_normal(x: np.ndarray) -> np.ndarray:
    return np.array([math.erfc(-each / math.sqrt(2)) / 2 for each in x.tolist()])


def exact_call(spots: np.ndarray) -> np.ndarray:
    spread = VOLATILITY * math.sqrt(YEARS)
    above = (np.log(spots) + RATE * YEARS) / spread + spread / 2
    return spots * exact_normal(above) - math.exp(-RATE * YEARS) * exact_normal(above - spread)


def exact_delta(spots: np.ndarray) -> np.ndarray:
    spread = VOLATILITY * math.sqrt(YEARS)
    return exact_normal((np.log(spots) + RATE * YEARS) / spread + spread / 2)


def draw(path: Path) -> None:
    ours, textbook = drawing.COLOURS["numbaexp"], drawing.COLOURS["textbook"]
    spots = np.linspace(0.6, 1.5, 55)
    found = greeks(spots)
    with drawing.panels(path, 3) as (price, change, error):
        price.plot(spots, np.maximum(spots - 1, 0), color=textbook, label="at the end")
        price.plot(spots, call(np.log(spots), YEARS, RATE, VOLATILITY), color=ours, label="half a year before")
        price.set_title("price of a call")
        for (name, greek), style in zip(found._asdict().items(), drawing.STYLES, strict=True):
            change.plot(spots, greek, linestyle=style, label=name)
        change.set_title("the Greeks")
        error.plot(spots, call(np.log(spots), YEARS, RATE, VOLATILITY) - exact_call(spots), color=ours, label="price")
        error.plot(spots, found.delta - exact_delta(spots), color=textbook, label="delta")
        error.set_title("error of the logistic approximation")
        for panel in (price, change, error):
            panel.set_xlabel("spot price / strike price")
            panel.legend()


def main(arguments: Sequence[str] | None = None) -> None:
    path = drawing.picture_path(__doc__, __file__, arguments)
    spots = np.array([0.8, 0.9, 1.0, 1.1, 1.2])
    prices, exact, found = call(np.log(spots), YEARS, RATE, VOLATILITY), exact_call(spots), greeks(spots)
    print("spot     price     exact  " + "".join(f"{name:>8}" for name in Greeks._fields))
    for index, spot in enumerate(spots):
        of_spot = "".join(f"{greek[index]:8.4f}" for greek in found)
        print(f"{spot:.1f}   {prices[index]:.6f}  {exact[index]:.6f}  {of_spot}")
    draw(path)


if __name__ == "__main__":
    main()
