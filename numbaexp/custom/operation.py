"""Functions that users write, and their derivatives, as operations."""

import functools
import re
import weakref
from typing import Any

from numbaexp.once import LOCK
from numbaexp.operations import Kind, Operation


class CustomOperation(Operation):
    """Describe an elementwise function of numbers that a user has written, or a derivative of one.

    Attributes
    ----------
    function : compiled function
        Takes a number of :mod:`numbaexp.dual` for each array, and returns one, or a tuple of them.
    digest : str
        A hash of all that the function is made of. With that of a user's own gradient the attribute ``kernel`` has it
        too, and no two operations have the same.
    results : int
        The number of results.
    wide : bool
        Whether floats of less than 64 bits are computed in float64, and rounded once.
    """

    is_custom = True
    # What a derivative is of, which of the two, and by which inputs.
    derivative_of: "tuple[CustomOperation, str, tuple[int, ...]] | None" = None

    def __init__(
        self, name: str, arrays: tuple[str, ...], function: Any, digest: str, *, results: int = 1, wide: bool = True
    ) -> None:
        super().__init__(name, Kind.ELEMENTWISE, arrays, arrays[0], kernel=f"{name}_{digest}")
        self.function, self.digest, self.results, self.wide = function, digest, results, wide
        # An argument may have any name.
        self.is_gradient = False
        self._gradient: Any = None
        self._derivatives: dict[tuple[str, tuple[int, ...]], CustomOperation] = {}
        _known.add(self)

    def differentiate_by(self, gradient: Any, digest: str) -> None:
        """Take a compiled ``gradient(*grads, *results, *inputs)``, of a user's own, for the derivatives."""
        if self._derivatives:
            raise RuntimeError(f"the gradient of `{self.name}` must be given before it is differentiated")
        self._gradient, self.kernel = gradient, f"{self.kernel}_{digest}"

    def backward(self, wrt: tuple[int, ...]) -> "CustomOperation":
        """Return the gradients with respect to the inputs at some indices, as a function of the gradients of all
        results and of all inputs."""
        numbered = (f"grad_output_{index}" for index in range(self.results))
        grads = ("grad_output",) if self.results == 1 else tuple(numbered)
        return self._derivative("backward", wrt, grads, len(wrt))

    def tangent(self, wrt: tuple[int, ...]) -> "CustomOperation":
        """Return the tangents of all results, as a function of the tangents of the inputs at some indices and of all
        inputs."""
        return self._derivative("tangent", wrt, tuple(f"tangent_{self.arrays[index]}" for index in wrt), self.results)

    def _derivative(self, which: str, wrt: tuple[int, ...], given: tuple[str, ...], results: int) -> "CustomOperation":
        if (which, wrt) not in self._derivatives:
            # For those who define functions; all others ask of an operation what it is without Numba.
            with LOCK:
                from numbaexp.dual import derivatives

            make = getattr(derivatives, f"make_{which}")
            if self._gradient is not None:
                make = functools.partial(getattr(derivatives, f"make_{which}_by"), self._gradient)
            made = CustomOperation(
                f"{self.name}_{which}",
                (*_apart(given, self.arrays), *self.arrays),
                make(self.function, self.results, len(self.arrays), wrt),
                f"{self.kernel}_{which}_{'_'.join(map(str, wrt))}",
                results=results,
                wide=self.wide,
            )
            made.derivative_of = self, which, wrt
            self._derivatives[which, wrt] = made
        return self._derivatives[which, wrt]


class OwnOperation(CustomOperation):
    """Describe an elementwise function of two numbers of the package's own, as one that a user has written."""

    def __init__(self, name: str) -> None:
        super().__init__(name, ("x1", "x2"), None, "own")
        # Made when it is asked for.
        del self.function

    @functools.cached_property
    def function(self) -> Any:
        # For those who call the function; importing the package is not to wait for Numba.
        with LOCK:
            from numbaexp.dual.functions import FUNCTIONS
            from numbaexp.jit import jit

        of_numbers = FUNCTIONS[self.name]

        @jit
        def function(x1, x2):
            return of_numbers(x1, x2)

        return function


def _apart(names: tuple[str, ...], taken: tuple[str, ...]) -> tuple[str, ...]:
    """Return names that differ from those that are taken: of derivatives of derivatives, or chosen by users."""
    return tuple(name if name not in taken else _apart((f"{name}_",), taken)[0] for name in names)


_known: "weakref.WeakSet[CustomOperation]" = weakref.WeakSet()


def named(kernel: str) -> CustomOperation | None:
    """Return the operation whose kernels have a name: a function that a user has decorated, or a derivative of one, at
    need a new one; or None."""
    found = next((each for each in list(_known) if each.kernel == kernel), None)
    derivative = re.fullmatch(r"(.+)_(backward|tangent)_(\1_.+)_\2((?:_\d+)+)", kernel)
    if found is not None or derivative is None:
        return found
    _, which, of, indices = derivative.groups()
    function = named(of)
    return function and getattr(function, which)(tuple(map(int, indices[1:].split("_"))))
