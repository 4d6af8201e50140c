"""The checks of what the functions claim: each against a reference, and each target against the others."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import numbaexp
from numbaexp.verify import arguments
from numbaexp.verify.oracle import correctly_rounded, ulp_errors
from numbaexp.verify.references import make_comparison

# What is claimed of float64, in ulps: half of one is correct rounding, which below float64 is claimed of all.
CORRECTLY_ROUNDED = 0.5
ULPS = {
    "exp": CORRECTLY_ROUNDED,
    "exp2": CORRECTLY_ROUNDED,
    "exp10": CORRECTLY_ROUNDED,
    "expm1": CORRECTLY_ROUNDED,
    "sigmoid": 0.501,
    "softplus": 1.0,
}

# Inputs that are checked at once, in some tenths of a second: with MPFR, and with compiled references.
AT_ONCE_MPFR = 1 << 14
AT_ONCE_COMPILED = 1 << 22
# Wrong results that are kept to be shown, of each check.
KEEP = 5


@dataclass(frozen=True)
class Wrong:
    """A result that is not as expected, and where both come from: a target, and another one or MPFR."""

    x: float
    got: float
    target: str
    expected: float
    source: str


class Check(ABC):
    """A function in a type: the inputs to check, piece by piece, and what was found of them so far.

    Parameters
    ----------
    function, dtype_name : str
        The names.
    targets : tuple of str
        The results of the first are compared with the reference, and the bits of the others with those of the first.

    Attributes
    ----------
    total, checked, wrong : int
        How many inputs there are, were checked, and gave a wrong result.
    examples : list of Wrong
        The first of the wrong results.
    """

    total: int

    def __init__(self, function: str, dtype_name: str, targets: tuple[str, ...]) -> None:
        self.function, self.dtype_name, self.targets = function, dtype_name, targets
        self.checked = self.wrong = 0
        self.examples: list[Wrong] = []

    @abstractmethod
    def pieces(self) -> Iterator[np.ndarray]:
        """The inputs."""

    def inputs(self) -> str:
        """What the inputs are, in words."""
        return "inputs"

    def reference(self) -> str:
        """What the results are compared with, in words."""
        return "against MPFR"

    def is_wrong(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Where the reference says so."""
        return unequal(y.astype(np.float64), self._expected(x))

    def run(self) -> Iterator[None]:
        """Check all, and come back after each piece."""
        for x in self.pieces():
            self.check(x)
            yield

    def check(self, x: np.ndarray) -> None:
        """Check these inputs."""
        # The functions are asked for by name at each call, so that what is checked is what the user would call.
        evaluate = getattr(numbaexp, self.function)
        first, *others = self.targets
        examples: list[Wrong] = []
        with np.errstate(all="ignore"):
            with numbaexp.use_target(first):
                y = evaluate(x)
            wrong = self.is_wrong(x, y)
            if wrong.any():
                places = np.flatnonzero(wrong)[:KEEP]
                examples += _examples(x[places], y[places], first, self._expected(x[places]), "MPFR")
            for target in others:
                with numbaexp.use_target(target):
                    other = evaluate(x)
                differ = unequal(other, y)
                if differ.any():
                    places = np.flatnonzero(differ)[:KEEP]
                    examples += _examples(x[places], other[places], target, y[places], first)
                    wrong |= differ
        # Together, so that an interrupt leaves them in agreement.
        self.examples = (self.examples + examples)[:KEEP]
        self.wrong += int(np.count_nonzero(wrong))
        self.checked += x.size

    def _expected(self, x: np.ndarray) -> np.ndarray:
        return correctly_rounded(self.function, x.astype(np.float64), self.dtype_name)


class EveryHalf(Check):
    """All inputs of a type of 16 bits."""

    def __init__(self, function: str, dtype_name: str, targets: tuple[str, ...]) -> None:
        super().__init__(function, dtype_name, targets)
        self._dtype = _bfloat16() if dtype_name == "bfloat16" else np.dtype(dtype_name)
        self.total = arguments.count(self._dtype)

    def pieces(self) -> Iterator[np.ndarray]:
        return arguments.every(self._dtype, AT_ONCE_MPFR)


class EveryFloat32(Check):
    """All inputs of float32: MPFR would take hours, and decides what the C library cannot."""

    total = arguments.count(np.dtype(np.float32))

    def __init__(self, function: str, targets: tuple[str, ...]) -> None:
        super().__init__(function, "float32", targets)
        self._compare = make_comparison(function)
        self._decided = 0

    def pieces(self) -> Iterator[np.ndarray]:
        return arguments.every(np.dtype(np.float32), AT_ONCE_COMPILED)

    def reference(self) -> str:
        return f"against the C library's float64 and, for {self._decided} of them, MPFR"

    def is_wrong(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        wrong, undecided = np.empty(x.size, bool), np.empty(x.size, bool)
        self._compare(x, y, wrong, undecided)
        near = np.flatnonzero(undecided)
        wrong[near] = super().is_wrong(x[near], y[near])
        self._decided += near.size
        return wrong


class SomeFloat64(Check):
    """Inputs of float64: hard ones, those at borders, and so many random ones."""

    def __init__(self, function: str, targets: tuple[str, ...], number: int) -> None:
        super().__init__(function, "float64", targets)
        self._hard, self._odd, self._number = arguments.hard(function), arguments.odd(function), number
        self._ulps = ULPS[function]
        self.total = self._hard.size + self._odd.size + number

    def pieces(self) -> Iterator[np.ndarray]:
        for some in (self._hard, self._odd):
            for start in range(0, some.size, AT_ONCE_MPFR):
                yield some[start : start + AT_ONCE_MPFR]
        rng = np.random.default_rng()
        for start in range(0, self._number, AT_ONCE_MPFR):
            yield arguments.random(self.function, min(AT_ONCE_MPFR, self._number - start), rng)

    def inputs(self) -> str:
        return f"inputs ({self._hard.size} hard cases, {self._odd.size} at borders, {self._number} random)"

    def reference(self) -> str:
        return super().reference() if self._ulps == CORRECTLY_ROUNDED else f"within {self._ulps} ulp of MPFR"

    def is_wrong(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        if self._ulps == CORRECTLY_ROUNDED:
            return super().is_wrong(x, y)
        # Limits have no ulps to be wrong by.
        finite = np.isfinite(x) & np.isfinite(y)
        wrong = np.empty(x.size, bool)
        wrong[~finite] = super().is_wrong(x[~finite], y[~finite])
        # An error in ulps does not tell -0.0, which none of these functions has for a result.
        wrong[finite] = (ulp_errors(self.function, x[finite], y[finite]) > self._ulps) | np.signbit(y[finite])
        return wrong


def make_check(function: str, dtype_name: str, targets: tuple[str, ...], number: int) -> Check:
    """The check of a function in a type.

    Parameters
    ----------
    function, dtype_name : str
        The names.
    targets : tuple of str
        To be run.
    number : int
        Of random arguments in float64.

    Returns
    -------
    Check
        Not run yet.

    Raises
    ------
    ModuleNotFoundError
        If the type is one of a package that is missing.
    """
    if dtype_name == "float32":
        return EveryFloat32(function, targets)
    if dtype_name == "float64":
        return SomeFloat64(function, targets, number)
    return EveryHalf(function, dtype_name, targets)


def unequal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where the bits of two arrays differ; NaN equals NaN."""
    patterns = f"u{a.itemsize}"
    differ = a.view(patterns) != b.view(patterns)
    if differ.any():
        differ &= ~(np.isnan(a) & np.isnan(b))
    return differ


def _examples(x: np.ndarray, got: np.ndarray, target: str, expected: np.ndarray, source: str) -> list[Wrong]:
    columns = (values.astype(np.float64).tolist() for values in (x, got, expected))
    return [Wrong(a, b, target, c, source) for a, b, c in zip(*columns, strict=True)]


def _bfloat16() -> np.dtype:
    import ml_dtypes

    return np.dtype(ml_dtypes.bfloat16)
