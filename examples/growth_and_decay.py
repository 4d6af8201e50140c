"""Growth and decay: exact solutions by ``sigmoid``, ``exp`` and ``expm1``, beside an integrator and a difference.

One sees the error of a Runge-Kutta integrator fall with the fourth power of its step, measured against exact solutions
that are rounded correctly, so that all of the error is the integrator's. And one sees a chain of decays, lead-214 to
bismuth-214 to polonium-214, where the textbook's difference of two exponentials loses its digits early on, because they
are nearly equal there; ``expm1`` keeps them.
"""

import decimal
from collections.abc import Callable, Sequence
from pathlib import Path

import drawing
import numpy as np

import numbaexp

Derivative = Callable[[float], float]
Solution = Callable[[np.ndarray], np.ndarray]

START = 1 / 64
END = 10.0
STEPS = 2 ** np.arange(3, 11)
LEAD_HALF_LIFE, BISMUTH_HALF_LIFE = 27.0, 20.0  # minutes


def logistic_growth(y: float) -> float:
    """Growth up to a capacity of 1."""
    return y * (1 - y)


def logistic_solution(t: np.ndarray) -> np.ndarray:
    return numbaexp.sigmoid(t + np.log(START / (1 - START)))


def decay(y: float) -> float:
    return -y


def decay_solution(t: np.ndarray) -> np.ndarray:
    return numbaexp.exp(-t)


# By name: the derivative, the solution, and where it starts.
EQUATIONS: dict[str, tuple[Derivative, Solution, float]] = {
    "growth y' = y (1 - y)": (logistic_growth, logistic_solution, START),
    "decay y' = -y": (decay, decay_solution, 1.0),
}


def runge_kutta(derivative: Derivative, start: float, step: float, steps: int) -> np.ndarray:
    """The values at the start and after each step, by the classical method of order four."""
    values = [start]
    for _ in range(steps):
        y = values[-1]
        k1 = derivative(y)
        k2 = derivative(y + step / 2 * k1)
        k3 = derivative(y + step / 2 * k2)
        k4 = derivative(y + step * k3)
        values.append(y + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
    return np.array(values)


def integrator_error(derivative: Derivative, solution: Solution, start: float, steps: int) -> float:
    """The greatest difference from the exact solution between 0 and ``END``."""
    found = runge_kutta(derivative, start, END / steps, steps)
    return float(np.abs(found - solution(np.linspace(0, END, steps + 1))).max())


def errors_over_steps() -> dict[str, np.ndarray]:
    """For each equation the error of the integrator with each number of steps."""
    return {
        name: np.array([integrator_error(*equation, steps) for steps in STEPS.tolist()])
        for name, equation in EQUATIONS.items()
    }


def orders(errors: np.ndarray) -> np.ndarray:
    """With which power of the step the error falls, from each step to its half."""
    return np.log2(errors[:-1] / errors[1:])


def lead(minutes: np.ndarray) -> np.ndarray:
    """The part of the lead that is left."""
    return numbaexp.exp2(-minutes / LEAD_HALF_LIFE)


def rates() -> tuple[float, float]:
    """The decays of an atom of lead and of bismuth in a minute."""
    return float(np.log(2)) / LEAD_HALF_LIFE, float(np.log(2)) / BISMUTH_HALF_LIFE


def bismuth(minutes: np.ndarray) -> np.ndarray:
    """Atoms of bismuth for each atom of lead at the start, when there is no bismuth."""
    of_lead, of_bismuth = rates()
    faster = of_bismuth - of_lead
    return -of_lead / faster * numbaexp.exp(-of_lead * minutes) * numbaexp.expm1(-faster * minutes)


def bismuth_by_difference(minutes: np.ndarray) -> np.ndarray:
    """The same as Bateman's equation has it."""
    of_lead, of_bismuth = rates()
    difference = numbaexp.exp(-of_lead * minutes) - numbaexp.exp(-of_bismuth * minutes)
    return of_lead / (of_bismuth - of_lead) * difference


def relative_error(minutes: np.ndarray, method: Solution) -> np.ndarray:
    """The error of a method for the bismuth, against fifty digits of Python's ``decimal``."""
    with decimal.localcontext() as context:
        context.prec = 50
        of_lead, of_bismuth = (decimal.Decimal(rate) for rate in rates())
        errors = []
        for time, found in zip(minutes.tolist(), method(minutes).tolist(), strict=True):
            t = decimal.Decimal(time)
            exact = of_lead / (of_bismuth - of_lead) * ((-of_lead * t).exp() - (-of_bismuth * t).exp())
            errors.append(float(abs(decimal.Decimal(found) / exact - 1)))
        return np.array(errors)


def draw(path: Path, errors: dict[str, np.ndarray]) -> None:
    ours, textbook = drawing.COLOURS["numbaexp"], drawing.COLOURS["textbook"]
    with drawing.panels(path, 3) as (order, chain, digits):
        steps = END / STEPS
        for (name, found), marker in zip(errors.items(), "os", strict=True):
            order.loglog(steps, found, f"{marker}-", label=name)
        order.loglog(steps, steps**4 / 1000, "--", color="0.5", label="fourth power of the step")
        order.set_title("Runge-Kutta against the exact solution")
        order.set_xlabel("step, in units of 1 / rate")
        order.set_ylabel("greatest error")
        order.minorticks_off()
        order.legend()
        minutes = np.linspace(0, 180, 61)
        chain.plot(minutes, lead(minutes), color=textbook, label="lead-214")
        chain.plot(minutes, bismuth(minutes), color=ours, label="bismuth-214")
        chain.set_title("a chain of decays")
        chain.set_xlabel("minutes")
        chain.set_ylabel("atoms for each atom at the start")
        chain.legend()
        minutes = np.logspace(-9, 2, 67)
        digits.loglog(
            minutes, relative_error(minutes, bismuth_by_difference), color=textbook, label="difference of two exp"
        )
        digits.loglog(minutes, relative_error(minutes, bismuth), color=ours, label="exp times expm1")
        digits.set_title("bismuth-214")
        digits.set_xlabel("minutes")
        digits.set_ylabel("relative error")
        digits.legend()


def main(arguments: Sequence[str] | None = None) -> None:
    path = drawing.picture_path(__doc__, __file__, arguments)
    errors = errors_over_steps()
    for name, found in errors.items():
        print(f"{name}: greatest error until t = {END:g}, and the order that it falls with")
        for steps, error, order in zip(STEPS[1:], found[1:], orders(found), strict=True):
            print(f"  {steps:5} steps  {error:.1e}  {order:.2f}")
    second = np.array([1 / 60])
    print(f"Bismuth-214 after a second: {bismuth(second)[0]:.6e} of the lead at the start; relative error")
    print(f"  by a difference of exponentials {relative_error(second, bismuth_by_difference)[0]:.1e}")
    print(f"  by expm1                        {relative_error(second, bismuth)[0]:.1e}")
    draw(path, errors)


if __name__ == "__main__":
    main()
