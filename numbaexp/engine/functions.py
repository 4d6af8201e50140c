"""Making of the elementwise functions."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from numbaexp.engine import call, ufuncs
from numbaexp.engine.ufunc_like import UfuncLike
from numbaexp.operations import OPERATIONS, Operation

# The function of each operation that has one.
_functions: dict[Operation, Any] = {}


def make_function(document: Callable[..., Any]) -> Any:
    """Return the function that ``document`` names, describes and gives the signature of, computed by the ufunc of its
    name: one of one input, or a gradient, of two."""
    operation = OPERATIONS[document.__name__]
    attributes = {name: getattr(document, name) for name in ("__name__", "__qualname__", "__doc__", "__module__")}
    return new_function(UfuncLike, operation, inspect.signature(document), attributes)


def new_function(
    kind: type[UfuncLike], operation: Operation, signature: inspect.Signature, attributes: Mapping[str, Any]
) -> Any:
    """Return a function of a class, with attributes, that computes an operation.

    Before the first call it calls a function which compiles.
    """
    function: Any = kind(_first_call, operation)
    for name, value in attributes.items():
        setattr(function, name, value)
    function.__signature__, function.operation = signature, operation
    function.nin, function.nout = len(operation.arrays), operation.results
    function._find_ufunc = functools.partial(_ufunc_of_methods, operation)
    _functions[operation] = function
    return function


def function_of(operation: Operation) -> Any:
    """Return the function that computes an operation."""
    return _functions[operation]


def written_by_users() -> list[Operation]:
    """Return the operations of functions that users have written, and of their gradients."""
    # Another thread may decorate meanwhile.
    return [operation for operation in list(_functions) if operation.is_custom]


def _first_call(operation: Operation, *args: Any, **kwargs: Any) -> Any:
    function = _functions[operation]
    make = call.make_custom_slow_path if operation.is_custom else call.make_slow_path
    function.__setstate__((ufuncs.fast_path(operation, make(operation)), (), {}, function.__dict__))
    return function(*args, **kwargs)


def _ufunc_of_methods(operation: Operation) -> Any:
    ufuncs.learn_bfloat16()
    return ufuncs.ufunc(operation, "auto")
