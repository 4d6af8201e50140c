"""Functions that users write, as objects that pass for ufuncs of NumPy's, with their gradients."""

import functools
import hashlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from numbaexp.custom.operation import CustomOperation, OwnOperation
from numbaexp.custom.unsupported import UnsupportedError
from numbaexp.engine.functions import new_function
from numbaexp.engine.tracing import in_python, prepare
from numbaexp.engine.ufunc_like import UfuncLike, called_as_its_base
from numbaexp.once import LOCK

_OUT = inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None)
_KWARGS = inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD)


@called_as_its_base
class CustomFunction(UfuncLike):
    """A function that a user has written."""

    __slots__ = ()
    operation: CustomOperation

    @property
    def types(self) -> list[str]:
        return [f"{code * self.nin}->{code * self.nout}" for code in "efd"]

    @property
    def func(self) -> Any:
        prepare(self.operation)
        return in_python(self)

    @property
    def backward(self) -> "CustomFunction":
        """The gradients with respect to all inputs.

        ``backward(grad_output, *inputs)`` takes a gradient of each result, and returns one of each input, of the shape
        that all broadcast to, in one pass.
        """
        return _backward(self.operation, self.__qualname__, self.__module__)

    def gradient(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Take a function of the user's own for the gradients, as a decorator.

        Parameters
        ----------
        function : callable
            ``function(grad_output, result, *inputs)``, by the rules of a function that is decorated itself. It returns
            the gradient with respect to each input, as a tuple if there are several. Of a function of several results
            it takes all gradients, then all results.

        Returns
        -------
        callable
            The same function.

        Raises
        ------
        UnsupportedError
            If the function cannot be compiled, or has other arguments or results than these.
        RuntimeError
            If derivatives have been used.
        """
        with LOCK:
            from numbaexp.custom.capture import capture
        captured, wanted = capture(function), 2 * self.nout + self.nin
        if (len(captured.arguments), captured.results) != (wanted, self.nin):
            raise UnsupportedError(
                f"a gradient of `{self.__name__}` must take {wanted} numbers and return {self.nin}; got a function of "
                f"{len(captured.arguments)} that returns {captured.results}"
            )
        self.operation.differentiate_by(captured.function, captured.digest)
        return function


def make(function: Callable[..., Any], name: str | None, wide: bool) -> CustomFunction:
    """Return a function of numbers that a user has written as one of arrays."""
    # What compiles is for those who define functions; importing the package is not to wait for it.
    with LOCK:
        from numbaexp.custom.capture import capture
        from numbaexp.custom.parameters import check_operands
    captured = capture(function)
    check_operands(function, len(captured.arguments), captured.results)
    name = name or (function.__name__ if function.__name__.isidentifier() else "lambda_")
    digest = hashlib.sha256(f"{captured.digest} {wide}".encode()).hexdigest()[:32]
    operation = CustomOperation(
        name, captured.arguments, captured.function, digest, results=captured.results, wide=wide
    )
    attributes = {each: getattr(function, each) for each in ("__qualname__", "__module__", "__doc__")}
    return _of_operation(operation, {"__name__": name, **attributes})


def make_own(document: Callable[..., Any]) -> Any:
    """Return the package's function of two numbers that ``document`` names, describes and gives the signature of."""
    attributes = {each: getattr(document, each) for each in ("__name__", "__qualname__", "__module__", "__doc__")}
    operation = OwnOperation(document.__name__)
    return new_function(CustomFunction, operation, inspect.signature(document), attributes)


def _of_operation(operation: CustomOperation, attributes: Mapping[str, Any]) -> CustomFunction:
    arrays = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in operation.arrays]
    return new_function(CustomFunction, operation, inspect.Signature([*arrays, _OUT, _KWARGS]), attributes)


@functools.cache
def _backward(operation: CustomOperation, qualname: str, module: str) -> CustomFunction:
    attributes = {
        "__name__": "backward",
        "__qualname__": f"{qualname}.backward",
        "__module__": module,
        "__doc__": f"Compute the gradients of `{operation.name}`; see there.",
    }
    return _of_operation(operation.backward(tuple(range(len(operation.arrays)))), attributes)
