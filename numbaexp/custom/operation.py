"""Functions that users write, and their derivatives, as operations."""

import functools
from typing import Any

from numbaexp.dual.derivatives import make_backward, make_backward_by, make_tangent, make_tangent_by
from numbaexp.operations import Kind, Operation


class CustomOperation(Operation):
    """Describe an elementwise function of numbers that a user has written, or a derivative of one.

    Attributes
    ----------
    function : compiled function
        Takes a number of :mod:`numbaexp.dual` for each array, and returns one, or a tuple of them.
    digest : str
        A hash of all that the function is made of. The attribute ``kernel`` has it too, and is a name of its own among
        all operations.
    results : int
        The number of results.
    wide : bool
        Whether floats of less than 64 bits are computed in float64, and rounded once.
    """

    is_custom = True

    def __init__(
        self,
        name: str,
        arrays: tuple[str, ...],
        function: Any,
        digest: str,
        *,
        results: int = 1,
        wide: bool = True,
    ) -> None:
        super().__init__(name, Kind.ELEMENTWISE, arrays, arrays[0], kernel=f"{name}_{digest}")
        self.function, self.digest, self.results, self.wide = function, digest, results, wide
        # That of an argument of this name has no meaning here.
        self.is_gradient = False
        self._gradient: Any = None
        self._derivatives: dict[tuple[str, tuple[int, ...]], CustomOperation] = {}

    def differentiate_by(self, gradient: Any, digest: str) -> None:
        """Take a compiled ``gradient(*grads, *results, *inputs)``, of a user's own, for the derivatives."""
        if self._derivatives:
            raise RuntimeError(f"the gradient of `{self.name}` must be given before its derivatives are used")
        self._gradient, self.digest = gradient, f"{self.digest[:16]}{digest[:16]}"
        self.kernel = f"{self.name}_{self.digest}"

    def backward(self, wrt: tuple[int, ...]) -> "CustomOperation":
        """Return the gradients with respect to the inputs at some indices, of the gradients of all results and of all
        inputs."""
        return self._derivative("backward", wrt, _numbered("grad_output", range(self.results)), len(wrt))

    def tangent(self, wrt: tuple[int, ...]) -> "CustomOperation":
        """Return the tangents of all results, of the tangents of the inputs at some indices and of all inputs."""
        return self._derivative("tangent", wrt, [f"tangent_{self.arrays[index]}" for index in wrt], self.results)

    def _derivative(self, which: str, wrt: tuple[int, ...], given: list[str], results: int) -> "CustomOperation":
        if (which, wrt) not in self._derivatives:
            of_numbers, by_users = _MAKERS[which]
            make = of_numbers if self._gradient is None else functools.partial(by_users, self._gradient)
            indices = "_".join(map(str, wrt))
            self._derivatives[which, wrt] = CustomOperation(
                f"{self.name}_{which}",
                (*given, *self.arrays),
                make(self.function, self.results, len(self.arrays), wrt),
                f"{self.digest}_{which}_{indices}",
                results=results,
                wide=self.wide,
            )
        return self._derivatives[which, wrt]


_MAKERS = {"backward": (make_backward, make_backward_by), "tangent": (make_tangent, make_tangent_by)}


def _numbered(name: str, indices: range) -> list[str]:
    """Return names, numbered where there are several."""
    return [name] if len(indices) == 1 else [f"{name}_{index}" for index in indices]
