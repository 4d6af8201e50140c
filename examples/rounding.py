"""A look at rounding: where NumPy, PyTorch and numbaexp differ in float32, and which way.

One sees the errors of ``exp`` in units of the last place, which a correctly rounded function keeps within half a unit;
the share of results that are not the nearest number, above it or below; and how the error of ``softmax`` grows with the
length of the row where its sum loses digits. The reference is float64. A library that is not installed is left out.
"""

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import drawing
import numpy as np

import numbaexp

Function = Callable[[np.ndarray], np.ndarray]

ELEMENTWISE = ("exp", "expm1", "sigmoid")
ELEMENTS = 400_000
ROW_LENGTHS = 10 ** np.arange(1, 7)


class Rounding(NamedTuple):
    """What a library makes of the arguments: errors in ulp, positive where the result is too large."""

    errors: np.ndarray
    above: float
    below: float


def numpys_sigmoid(x: np.ndarray) -> np.ndarray:
    """As it is usually written."""
    return 1 / (1 + np.exp(-x))


def numpys_softmax(x: np.ndarray) -> np.ndarray:
    """As it is usually written."""
    powers = np.exp(x - x.max())
    return powers / powers.sum()


def libraries() -> dict[str, dict[str, Function]]:
    """By library and name, functions of arrays."""
    found: dict[str, dict[str, Function]] = {
        "numpy": {"exp": np.exp, "expm1": np.expm1, "sigmoid": numpys_sigmoid, "softmax": numpys_softmax}
    }
    if importlib.util.find_spec("torch"):
        import torch

        def of_arrays(function: Callable[[torch.Tensor], torch.Tensor]) -> Function:
            return lambda x: function(torch.from_numpy(x)).numpy()

        found["torch"] = {
            "exp": of_arrays(torch.exp),
            "expm1": of_arrays(torch.expm1),
            "sigmoid": of_arrays(torch.sigmoid),
            "softmax": of_arrays(lambda x: torch.softmax(x, -1)),
        }
    found["numbaexp"] = {name: getattr(numbaexp, name) for name in (*ELEMENTWISE, "softmax")}
    return found


def rounding(function: Function, name: str, x: np.ndarray) -> Rounding:
    """How a function rounds; ``name`` is what numbaexp calls it, whose float64 is the reference."""
    found, exact = function(x), getattr(numbaexp, name)(x.astype(np.float64))
    nearest = exact.astype(np.float32)
    errors = (found - exact) / np.spacing(np.abs(nearest))
    return Rounding(errors, float((found > nearest).mean()), float((found < nearest).mean()))


def softmax_errors(function: Function) -> np.ndarray:
    """The greatest error, in ulp, in a row of each length."""
    rng = np.random.default_rng(0)
    rows = [rng.standard_normal(length).astype(np.float32) for length in ROW_LENGTHS.tolist()]
    return np.array([np.abs(rounding(function, "softmax", row).errors).max() for row in rows])


def elementwise_roundings() -> dict[str, dict[str, Rounding]]:
    """By library and name, how the functions of one number round."""
    x = np.random.default_rng(0).uniform(-10, 10, ELEMENTS).astype(np.float32)
    return {
        library: {name: rounding(functions[name], name, x) for name in ELEMENTWISE}
        for library, functions in libraries().items()
    }


def softmax_roundings() -> dict[str, np.ndarray]:
    """By library, the greatest error of softmax in a row of each length."""
    return {library: softmax_errors(functions["softmax"]) for library, functions in libraries().items()}


def draw_errors(panel: Any, found: dict[str, dict[str, Rounding]]) -> None:
    for library, of_functions in found.items():
        panel.hist(
            of_functions["exp"].errors,
            bins=np.linspace(-2.25, 2.25, 91),
            density=True,
            histtype="step",
            linewidth=1.8,
            color=drawing.COLOURS[library],
            label=library,
        )
    panel.set_title("errors of exp")
    panel.set_xlabel("error, ulp")
    panel.set_ylabel("share of the results, per ulp")
    panel.legend()


def draw_shares(panel: Any, found: dict[str, dict[str, Rounding]]) -> None:
    width = 0.8 / len(found)
    for place, (library, of_functions) in enumerate(found.items()):
        at = np.arange(len(ELEMENTWISE)) + (place - (len(found) - 1) / 2) * width
        colour = drawing.COLOURS[library]
        above = [100 * each.above for each in of_functions.values()]
        below = [-100 * each.below for each in of_functions.values()]
        for percent in (above, below):
            bars = panel.bar(at, percent, 0.9 * width, color=colour)
            panel.bar_label(bars, [f"{abs(each):.2g}" for each in percent], padding=2, color=colour, fontsize="small")
    panel.set_xticks(range(len(ELEMENTWISE)), ELEMENTWISE)
    panel.yaxis.set_major_formatter(lambda percent, _: f"{abs(percent):g}")
    panel.margins(y=0.1)
    panel.set_title("results that are not the nearest number")
    panel.set_ylabel("too small  |  too large, % of results")


def draw_rows(panel: Any, rows: dict[str, np.ndarray]) -> None:
    for library, greatest in rows.items():
        panel.loglog(ROW_LENGTHS, greatest, "o-", color=drawing.COLOURS[library], label=library)
    panel.minorticks_off()
    panel.set_title("softmax of a long row")
    panel.set_xlabel("elements of the row")
    panel.set_ylabel("greatest error, ulp")
    panel.legend()


def main(arguments: Sequence[str] | None = None) -> None:
    path = drawing.picture_path(__doc__, __file__, arguments)
    found, rows = elementwise_roundings(), softmax_roundings()
    print(f"float32, {ELEMENTS:,} numbers between -10 and 10: results that are not the nearest number")
    print(f"{'function':10}{'library':10}{'too large':>12}{'too small':>12}{'greatest error':>18}")
    for name in ELEMENTWISE:
        for library, of_functions in found.items():
            errors, above, below = of_functions[name]
            print(f"{name:10}{library:10}{above:>12.3%}{below:>12.3%}{np.abs(errors).max():>14.4f} ulp")
    print("softmax of a row of normally distributed numbers: greatest error in ulp")
    print(f"{'elements':10}" + "".join(f"{length:>12,}" for length in ROW_LENGTHS))
    for library, greatest in rows.items():
        print(f"{library:10}" + "".join(f"{error:>12.4f}" for error in greatest))
    with drawing.panels(path, 3) as (errors_of_exp, shares, of_rows):
        draw_errors(errors_of_exp, found)
        draw_shares(shares, found)
        draw_rows(of_rows, rows)


if __name__ == "__main__":
    main()
