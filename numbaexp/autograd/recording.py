"""How an operation is computed and, where an argument requires grad, recorded."""

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

from numbaexp.autograd.graph import Input, Node, Saved, Version
from numbaexp.autograd.rule import Formula, Rule, needs

_enabled: ContextVar[bool] = ContextVar("numbaexp recording", default=True)
is_recording = _enabled.get


@contextlib.contextmanager
def recording(enabled: bool) -> Iterator[None]:
    """Whether operations are recorded inside."""
    token = _enabled.set(enabled)
    try:
        yield
    finally:
        _enabled.reset(token)


def no_grad() -> contextlib.AbstractContextManager[None]:
    """Record nothing inside a ``with`` statement, or inside a function that it decorates.

    Returns
    -------
    context manager
        It holds in the current context (:mod:`contextvars`): in this thread or asynchronous task alone.

    See Also
    --------
    Tensor.detach : of one tensor.

    Notes
    -----
    Accuracy: the results are the same.

    Special values: the same.

    Examples
    --------
    >>> import numbaexp
    >>> from numbaexp import autograd
    >>> x = autograd.tensor([0.0], requires_grad=True)
    >>> with autograd.no_grad():
    ...     numbaexp.exp(x).requires_grad
    False
    """
    return recording(False)


def module_of(array: Any) -> Any:
    """NumPy, or CuPy where it is one of its arrays."""
    cupy = sys.modules.get("cupy")
    return cupy if cupy is not None and isinstance(array, cupy.ndarray) else np


class Variable:
    """An array with its history: the state of a tensor."""

    __slots__ = ("__weakref__", "_elements", "_grad", "_is_view", "_node", "_recorded", "_requires_grad", "_version")

    def __init__(self, data: Any, node: Node | None = None, version: Version | None = None):
        # What NumPy computes of arrays without axes are scalars. (NumPy's masked arrays would take a ``_data``.)
        self._elements = np.asarray(data) if isinstance(data, np.generic) else data
        self._node = node
        self._requires_grad = node is not None
        self._grad: Any = None
        self._is_view = version is not None
        self._version = version or Version()
        # Which of the recorded changes its history has; None where it has none to keep up.
        self._recorded: int | None = self._version.recorded

    @property
    def edge(self) -> Any:
        """Where gradients of it go, or None."""
        return self._node or self if self._requires_grad else None

    def check_history(self) -> None:
        if self._recorded not in (None, self._version.recorded):
            raise RuntimeError(
                "a view of a tensor does not know of the operation that has changed the tensor in place since: take "
                "the view after it"
            )

    def change(self, node: Node | None) -> None:
        """Its array has been changed in place, by what ``node`` records."""
        self._version.changes += 1
        if node is not None:
            self._version.recorded += 1
            self._recorded = self._version.recorded
            self._node, self._requires_grad = node, True


class _Plan(NamedTuple):
    """What is to be kept of a call: of which arguments the gradients are wanted, and what that needs."""

    inputs: tuple[tuple[int, Formula, tuple[str, ...]], ...]
    arguments: tuple[tuple[int, str], ...]
    result: bool


@functools.cache
def _plan(rule: Rule, wanted: tuple[bool, ...]) -> _Plan:
    inputs = []
    for place, argument in enumerate(rule.arguments[: len(wanted)]):
        if wanted[place]:
            if argument not in rule.gradients:
                raise NotImplementedError(f"`{rule.name}` has no rule for its gradient with respect to `{argument}`")
            formula = rule.gradients[argument]
            inputs.append((place, formula, needs(formula)))
    needed = {name for _, _, names in inputs for name in names}
    arguments = tuple((place, name) for place, name in enumerate(rule.arguments) if name in needed)
    return _Plan(tuple(inputs), arguments, "result" in needed)


def _shared(result: Any, of: Variable) -> Version | None:
    """The version of a tensor whose memory the result shares."""
    return of._version if module_of(result).may_share_memory(result, of._elements) else None


def _check_in_place(rule: Rule, into: Variable) -> None:
    if into._requires_grad and into._node is None:
        raise RuntimeError(
            f"`{rule.name}` in place would change a leaf that requires grad: do so under `no_grad()`, or not in place"
        )
    if into._is_view:
        raise RuntimeError(
            f"`{rule.name}` in place would change a tensor through a view of it, which is not recorded: change the "
            "tensor itself, or do so under `no_grad()`, or not in place"
        )


_NO_OPTIONS: Mapping[str, Any] = {}


def _saved(plan: _Plan, arguments: Sequence[Any], into: Variable | None) -> dict[str, Saved]:
    """The arguments that are needed, as they are before the operation."""
    saved = {}
    for place, name in plan.arguments:
        argument = arguments[place]
        if not isinstance(argument, Variable):
            saved[name] = Saved(argument, None, 0, None)
        elif argument is into:
            saved[name] = Saved(argument._elements.copy(), None, 0, argument.edge)
        else:
            saved[name] = Saved(argument._elements, argument._version, argument._version.changes, argument.edge)
    return saved


def apply(
    rule: Rule,
    arguments: Sequence[Any],
    compute: Callable[..., Any],
    options: Mapping[str, Any] = _NO_OPTIONS,
    *,
    into: Variable | None = None,
    view: bool = False,
) -> Any:
    """What ``compute`` makes of the arrays of ``arguments``, as a tensor.

    With ``into``, which is the first argument, it changes the array of that in place. With ``view`` the result may
    share memory with the first argument.
    """
    enabled, kind = is_recording(), Variable
    arrays, wanted = [], []
    for argument in arguments:
        if isinstance(argument, Variable):
            kind = type(argument)
            arrays.append(argument._elements)
            wanted.append(enabled and argument._requires_grad)
            if enabled:
                argument.check_history()
        else:
            arrays.append(argument)
            wanted.append(False)
    node, saved = None, {}
    if True in wanted:
        if into is not None:
            _check_in_place(rule, into)
        plan = _plan(rule, tuple(wanted))
        node = Node(rule.name, options)
        node.inputs = [
            Input(arguments[place].edge, formula, names, arrays[place].shape, arrays[place].dtype)
            for place, formula, names in plan.inputs
        ]
        saved = _saved(plan, arguments, into)
    result = compute(*arrays)
    if into is None:
        made = kind(result, node, _shared(result, arguments[0]) if view else None)
    else:
        made = into
        made.change(node)
    if node is not None:
        if plan.result:
            saved["result"] = Saved(made._elements, made._version, made._version.changes, None)
        node.saved = saved
    return made
