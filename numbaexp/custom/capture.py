"""The capture of a user's function as it is now: checked, with the values that its names have, and hashed."""

import builtins
from types import CellType, FunctionType, ModuleType
from typing import Any, NamedTuple

from numba.core.dispatcher import Dispatcher

from numbaexp.custom import vocabulary
from numbaexp.custom.check import Checker
from numbaexp.custom.digest import digest_of, of_code
from numbaexp.custom.kinds import Kind, described, frozen, is_numeric
from numbaexp.custom.parameters import defaults_of, inputs_of
from numbaexp.custom.unsupported import UnsupportedError, refusal
from numbaexp.jit import jit


class Captured(NamedTuple):
    """Hold a function that nothing changes any more.

    Attributes
    ----------
    function : compiled function
        Of numbers of :mod:`numbaexp.dual`, compiled with its first call.
    digest : str
        A hash of all that takes part.
    arguments : tuple of str
        The names of the parameters.
    results : int
        The number of results: 1, or the length of the tuple that is returned.
    """

    function: Any
    digest: str
    arguments: tuple[str, ...]
    results: int


def capture(function: Any) -> Captured:
    """Capture a function and its helpers, with the values that globals and closures have now.

    Raises
    ------
    UnsupportedError
        If it has anything whose bits are not the same on every target; the message names function, file and line.
    """
    plain = function.py_func if isinstance(function, Dispatcher) else function
    if not isinstance(plain, FunctionType):
        got = f"the class {plain.__name__}" if isinstance(plain, type) else type(plain).__name__
        raise UnsupportedError(f"`function` must be a Python function of numbers; got {got}")
    arguments, checker = inputs_of(plain), Checker()
    results = _results(plain, checker.result(plain, (Kind.NUMBER,) * len(arguments)))
    made, content = _Freezer(checker.names).function(plain)
    return Captured(made, digest_of(content), arguments, results)


def _results(function: FunctionType, kind: Any) -> int:
    """Return the number of results of a kind."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not all(map(is_numeric, kinds)) or (isinstance(kind, tuple) and len(kind) < 2):
        shown = f"{described(kind)}: {', '.join(map(described, kinds))}" if isinstance(kind, tuple) else described(kind)
        raise refusal(function, f"what is returned must be a number, or a tuple of two or more; got {shown}")
    return len(kinds)


class _Freezer:
    """Copies of functions, each with the values that its names have, and the content that tells it from others."""

    def __init__(self, names: dict[FunctionType, dict[tuple[str, ...], Any]]) -> None:
        self._names = names
        self._made: dict[FunctionType, tuple[Any, Any]] = {}

    def function(self, function: FunctionType) -> tuple[Any, Any]:
        """Return a compiled copy of a function, and its content."""
        if function not in self._made:
            values = {path: self._value(value) for path, value in self._names.get(function, {}).items()}
            copy = _copy(function, {path: made for path, (made, _) in values.items()})
            content = sorted((path, each) for path, (_, each) in values.items())
            self._made[function] = jit(copy), (of_code(function.__code__), copy.__defaults__, content)
        return self._made[function]

    def _value(self, value: Any) -> tuple[Any, Any]:
        """Return what stands for a value in compiled code, and its content."""
        if frozen(value) is not None:
            return value, ("number", value)
        operation, helper = vocabulary.operation_of(value), vocabulary.helper(value)
        if operation is not None:
            return operation.function, ("operation", operation.digest)
        if helper is not None:
            return self.function(helper)
        name = vocabulary.name_of(value) or ""
        return vocabulary.COMPILED.get(name), ("vocabulary", name)


def _copy(function: FunctionType, values: dict[tuple[str, ...], Any]) -> FunctionType:
    """Return a copy of a function whose names have these values, in place of modules such with these alone."""
    roots: dict[str, Any] = {}
    for (root, *names), value in values.items():
        if not names:
            roots[root] = value
            continue
        *middle, last = names
        module = roots.setdefault(root, ModuleType(root))
        for name in middle:
            if not hasattr(module, name):
                setattr(module, name, ModuleType(name))
            module = getattr(module, name)
        setattr(module, last, value)
    code, closure = function.__code__, function.__closure__ or ()
    cells = [
        CellType(roots[name]) if name in roots else cell for name, cell in zip(code.co_freevars, closure, strict=True)
    ]
    space = {"__builtins__": builtins, "__name__": function.__module__}
    space.update({name: value for name, value in roots.items() if name not in code.co_freevars})
    return FunctionType(code, space, function.__name__, tuple(defaults_of(function).values()) or None, tuple(cells))
