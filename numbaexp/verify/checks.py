"""Checks of the claimed accuracy: of a target against a reference, and of the other targets against that target."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import numbaexp
from numbaexp.verify import arguments
from numbaexp.verify.oracle import correctly_rounded, ulp_errors
from numbaexp.verify.references import make_comparison

# Claimed error bounds in float64, in ulps. 0.5 is correct rounding, which is claimed for all functions in other types.
CORRECTLY_ROUNDED = 0.5
ULPS = {
    "exp": CORRECTLY_ROUNDED,
    "exp2": CORRECTLY_ROUNDED,
    "exp10": CORRECTLY_ROUNDED,
    "expm1": CORRECTLY_ROUNDED,
    "sigmoid": 0.501,
    "softplus": 0.51,
    "log": CORRECTLY_ROUNDED,
    "log2": CORRECTLY_ROUNDED,
    "log10": CORRECTLY_ROUNDED,
    "log1p": CORRECTLY_ROUNDED,
    "sinh": CORRECTLY_ROUNDED,
    "cosh": CORRECTLY_ROUNDED,
    "tanh": CORRECTLY_ROUNDED,
    "log_sigmoid": 0.51,
    "logit": 0.51,
}

# Inputs per step, of some tenths of a second: with MPFR, and with compiled references.
AT_ONCE_MPFR = 1 << 14
AT_ONCE_COMPILED = 1 << 22
# Wrong results to report, of each check.
KEEP = 5


@dataclass(frozen=True)
class Wrong:
    """Report a wrong result of a target, and the expected one with its source: another target or MPFR."""

    x: float
    got: float
    target: str
    expected: float
    source: str


class Check(ABC):
    """Check a function in a type, piece by piece, and count wrong results.

    Parameters
    ----------
    function, dtype_name : str
        The names.
    targets : tuple of str
        The results of the first are compared with the reference, and the bits of the others with those of the first.

    Attributes
    ----------
    total, checked, wrong : int
        The numbers of inputs, of those checked, and of those with a wrong result.
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
        """Yield the inputs."""

    def inputs(self) -> str:
        """Describe the inputs, for the report."""
        return "inputs"

    def reference(self) -> str:
        """Describe the reference, for the report."""
        return "against MPFR"

    def is_wrong(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return a mask of the results that contradict the reference."""
        return unequal(y.astype(np.float64), self._expected(x))

    def run(self) -> Iterator[None]:
        """Check all inputs; yield after each piece."""
        for x in self.pieces():
            self.check(x)
            yield

    def check(self, x: np.ndarray) -> None:
        """Check some inputs."""
        # Looked up by name at each call, so that the user's function is the one checked.
        evaluate = getattr(numbaexp, self.function)
        first, *others = self.targets
        examples: list[Wrong] = []
        with np.errstate(all="ignore"):
            with numbaexp.use_target(first):
                y = evaluate(x)
            wrong = self.is_wrong(x, y)
            if wrong.any():
                indices = np.flatnonzero(wrong)[:KEEP]
                examples += _examples(x[indices], y[indices], first, self._expected(x[indices]), "MPFR")
            for target in others:
                with numbaexp.use_target(target):
                    other = evaluate(x)
                differ = unequal(other, y)
                if differ.any():
                    indices = np.flatnonzero(differ)[:KEEP]
                    examples += _examples(x[indices], other[indices], target, y[indices], first)
                    wrong |= differ
        # Updated together, so that an interrupt leaves them consistent.
        self.examples = (self.examples + examples)[:KEEP]
        self.wrong += int(np.count_nonzero(wrong))
        self.checked += x.size

    def _expected(self, x: np.ndarray) -> np.ndarray:
        return correctly_rounded(self.function, x.astype(np.float64), self.dtype_name)


class EveryHalf(Check):
    """Check all inputs of a type of 16 bits."""

    def __init__(self, function: str, dtype_name: str, targets: tuple[str, ...]) -> None:
        super().__init__(function, dtype_name, targets)
        self._dtype = arguments.dtype_of(dtype_name)
        self.total = arguments.count(self._dtype)

    def pieces(self) -> Iterator[np.ndarray]:
        return arguments.every(self._dtype, AT_ONCE_MPFR)


class EveryFloat32(Check):
    """Check all inputs of float32 against the C library, and only undecided ones against MPFR, which is slow."""

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
    """Check hard cases, inputs at borders and random inputs of float64."""

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
        # Infinite results, and those at infinity, must be exact.
        finite = np.isfinite(x) & np.isfinite(y)
        wrong = np.empty(x.size, bool)
        wrong[~finite] = super().is_wrong(x[~finite], y[~finite])
        wrong[finite] = ulp_errors(self.function, x[finite], y[finite]) > self._ulps
        # An error in ulps does not tell 0.0 from -0.0.
        zero = np.flatnonzero(finite & (y == 0))
        wrong[zero] |= np.signbit(y[zero]) != np.signbit(self._expected(x[zero]))
        return wrong


def make_check(function: str, dtype_name: str, targets: tuple[str, ...], number: int) -> Check:
    """Make the check of a function in a type.

    Parameters
    ----------
    function, dtype_name : str
        The names.
    targets : tuple of str
        The targets to check.
    number : int
        The number of random arguments in float64.

    Returns
    -------
    Check
        The check, not run yet.

    Raises
    ------
    ModuleNotFoundError
        If the package that defines the type is missing.
    """
    if dtype_name == "float32":
        return EveryFloat32(function, targets)
    if dtype_name == "float64":
        return SomeFloat64(function, targets, number)
    return EveryHalf(function, dtype_name, targets)


def unequal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a mask of where the bits of two arrays differ; NaN equals NaN."""
    patterns = f"u{a.itemsize}"
    differ = a.view(patterns) != b.view(patterns)
    if differ.any():
        differ &= ~(np.isnan(a) & np.isnan(b))
    return differ


def _examples(x: np.ndarray, got: np.ndarray, target: str, expected: np.ndarray, source: str) -> list[Wrong]:
    columns = (values.astype(np.float64).tolist() for values in (x, got, expected))
    return [Wrong(a, b, target, c, source) for a, b, c in zip(*columns, strict=True)]
