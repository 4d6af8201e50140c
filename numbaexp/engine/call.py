"""A call, from its arguments on: intercepted once, by the libraries that have to know of it, or computed."""

from collections.abc import Callable
from typing import Any

from numbaexp.backends.registry import NUMPY, decided, find
from numbaexp.default_mode import guarded
from numbaexp.engine import masks
from numbaexp.engine.loss_types import in_type, promoted
from numbaexp.engine.tracing import run_traceable, traceable
from numbaexp.once import LOCK
from numbaexp.operations import OPERATIONS, Kind, Operation, named

# Of each operation that has been computed its plan; and of elementwise ones, that of NumPy's arrays.
_plans: dict[Operation, Callable[..., Any]] = {}
_plans_of_numpys: dict[Operation, Callable[..., Any]] = {}
# By the name of an elementwise function and the class of its first array: what an integration calls with arrays alone,
# as this module would take longer than small ones. It may return NotImplemented.
shortcuts: dict[str, dict[type, Callable[..., Any]]] = {name: {} for name in named(Kind.ELEMENTWISE)}
# The same of functions that users have written, once they have been called.
shortcuts_of_custom: dict[Operation, dict[type, Callable[..., Any]]] = {}


def _find_plan(operation: Operation) -> Callable[..., Any]:
    # Plans are for those who call; importing the package is not to wait for them.
    with LOCK:
        from numbaexp.engine import elementwise, losses, rows, selection

        if operation.is_custom:
            from numbaexp.engine import custom
    if operation.kind is Kind.ELEMENTWISE:
        plan = custom.compute if operation.is_custom else elementwise.compute
        _plans_of_numpys[operation] = elementwise.compute_numpys
    else:
        plan = {Kind.LOSS: losses.compute, Kind.SELECTION: selection.compute}.get(operation.kind, rows.compute)
    _plans[operation] = plan
    return plan


def run(name: str, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Run a function in the default floating-point mode, in which its caller is.

    Parameters
    ----------
    name : str
        The name of the function.
    arrays : tuple
        Its arrays, as ``numbaexp.operations`` lists them.
    out : array, None or 1-tuple of them
        Where the result is stored.
    options : dict
        What else is given, by name.
    """
    operation = OPERATIONS[name]
    if operation.kind is Kind.LOSS:
        *before, logits, targets, weight = arrays
        logits, targets, dtype = promoted(logits, targets)
        result = run_operation(operation, (*before, logits, targets, weight), out, options)
        return in_type(result, dtype) if before else result
    is_masked = "where" in options and operation.masked is not None
    if is_masked or (operation.optional and arrays[-1] is not None):
        library = masks.library_of(arrays)
        if library is not None:
            return masks.compute(run_unmasked, library, operation, arrays, out, options)
    return run_operation(operation, arrays, out, options)


def run_unmasked(name: str, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Run a function of rows without a mask, whose arrays are of one shape and type."""
    return run_operation(OPERATIONS[name], arrays, out, options)


def run_operation(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Run a function, of users too; see ``run``, which does more for functions of rows and losses."""
    if type(out) is tuple and len(out) == 1:
        (out,) = out
    are_numpys, asked = True, None
    for array in (*arrays, *out) if type(out) is tuple else (*arrays, out):
        found = decided.get(type(array)) or find(array)
        if found is not NUMPY:
            are_numpys = False
            if found.intercept is not None and found.intercept is not asked:
                result, asked = found.intercept(operation, arrays, out, options), found.intercept
                if result is not NotImplemented:
                    return result
    plan = _plans_of_numpys.get(operation) if are_numpys else None
    return (plan or compute)(operation, arrays, out, options)


def compute(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Compute a function, of which no library has to know."""
    like = arrays[operation.like_index]
    found = decided.get(type(like)) or find(like)
    if found.compute_small is not None and operation.kind is not Kind.LOSS:
        result = found.compute_small(operation, arrays, out, options)
        if result is not NotImplemented:
            return result
    plan = _plans.get(operation) or _find_plan(operation)
    return plan(operation, arrays, out, options)


def make_slow_path(operation: Operation) -> Callable[..., Any]:
    """Return the function that an elementwise function's fast path calls, in the default floating-point mode, for all
    that this does not do itself."""

    shortcut_of = shortcuts[operation.name].get

    def slow_path(x: Any, /, out: Any = None, **options: Any) -> Any:
        shortcut = shortcut_of(type(x))
        if shortcut is not None and out is None and not options:
            result = shortcut(x)
            if result is not NotImplemented:
                return result
        return run_operation(operation, (x,), out, options)

    def slow_path_of_gradient(grad_output: Any, saved: Any, /, out: Any = None, **options: Any) -> Any:
        shortcut = shortcut_of(type(grad_output))
        if shortcut is not None and out is None and not options:
            result = shortcut(grad_output, saved)
            if result is not NotImplemented:
                return result
        return run_operation(operation, (grad_output, saved), out, options)

    return slow_path_of_gradient if operation.is_gradient else slow_path


def make_custom_slow_path(operation: Operation) -> Callable[..., Any]:
    """Return the same for a function that a user has written."""
    inputs, label = len(operation.arrays), operation.name
    shortcut_of = shortcuts_of_custom.setdefault(operation, {}).get

    def slow_path(*arrays: Any, out: Any = None, **options: Any) -> Any:
        shortcut = shortcut_of(type(arrays[0])) if arrays else None
        if shortcut is not None and out is None and not options:
            result = shortcut(*arrays)
            if result is not NotImplemented:
                return result
        given, positional = arrays[:inputs], arrays[inputs:]
        if len(given) < inputs or len(positional) > operation.results:
            raise TypeError(f"{label}() takes {inputs} arrays, and {operation.results} for results; got {len(arrays)}")
        if positional:
            if out is not None:
                raise TypeError(f"{label}() was given `out` twice")
            out = (*positional, *[None] * (operation.results - len(positional)))
        return run_operation(operation, given, out, options)

    return slow_path


def dispatch(name: str, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Run a function; see ``run``."""
    return guarded(run)(name, arrays, out, options)


def call(operation: Operation, *arrays: Any) -> Any:
    """Call a function as users do, from another library's machinery, in whatever mode the thread is."""
    return guarded(run_operation)(operation, arrays, None, {})


def compute_from_outside(operation: Operation, arrays: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Compute a function, called by another library's machinery, in whatever mode the thread is."""
    return guarded(compute)(operation, arrays, None, options)


traceable(dispatch, run_traceable)
