"""What was computed of what, and the walk back through it."""

import heapq
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from numbaexp.autograd.rule import Formula


class Version:
    """How often an array has been changed in place, and how often such a change was recorded; views share it."""

    __slots__ = ("changes", "recorded")

    def __init__(self) -> None:
        self.changes = 0
        self.recorded = 0


class Saved(NamedTuple):
    """A value as a gradient needs it. ``version`` is None where nothing tells of changes; ``edge`` is where gradients
    of it go, but None of a result, whose node would hold itself."""

    array: Any
    version: Version | None
    changes: int
    edge: Any


class Input(NamedTuple):
    """An argument that gradients go on to: a node, or a leaf."""

    edge: Any
    formula: Formula
    needs: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: Any


_count = itertools.count()


class Node:
    """One operation that was recorded. It holds what it was made of, and nothing that holds it."""

    __slots__ = ("__weakref__", "inputs", "number", "operation", "options", "saved")

    def __init__(self, operation: str, options: Mapping[str, Any]):
        self.operation = operation
        self.options = options
        self.inputs: list[Input] = []
        self.saved: dict[str, Saved] | None = {}
        # In the order in which they were made no node comes before one that it was made of.
        self.number = next(_count)

    @property
    def name(self) -> str:
        return "".join(part.capitalize() for part in self.operation.split("_")) + "Backward"

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def values(self, unpack: Callable[[Saved], Any]) -> dict[str, Any]:
        """What the formulas take, by name."""
        if self.saved is None:
            raise RuntimeError(
                f"{self.name} was gone through before, and what it had saved was released then: give "
                "`retain_graph=True` to go through it again"
            )
        values = {**self.options, "options": self.options}
        for name, saved in self.saved.items():
            if saved.version is not None and saved.version.changes != saved.changes:
                raise RuntimeError(
                    f"{self.name} needs `{name}` as it was, but it has been changed in place since: it is at version "
                    f"{saved.version.changes}, and was saved at version {saved.changes}"
                )
            values[name] = unpack(saved._replace(edge=self) if name == "result" else saved)
        return values

    def release(self) -> None:
        """Let go of the arrays that were saved, and of the way back; a node without any can be gone through again."""
        if self.saved and any(hasattr(saved.array, "shape") for saved in self.saved.values()):
            self.saved, self.inputs = None, []


class Arithmetic(NamedTuple):
    """How the walk handles gradients, which are arrays, or tensors whose history is recorded."""

    unpack: Callable[[Saved], Any]
    # To the shape and type of an argument.
    fit: Callable[[Any, tuple[int, ...], Any], Any]
    # Whether a result shares memory with one of these.
    shares: Callable[[Any, Iterable[Any]], bool]
    copy: Callable[[Any], Any]


class _Sum(NamedTuple):
    grad: Any
    own: bool


def _leading_to(ends: Iterable[Any], starts: Iterable[Any]) -> set[Any]:
    """The nodes from which one of ``ends`` is reached, and these."""
    seen: set[Any] = set()
    stack = list(starts)
    while stack:
        edge = stack.pop()
        if edge not in seen:
            seen.add(edge)
            stack += [each.edge for each in edge.inputs] if type(edge) is Node else ()
    wanted = set(ends)
    for node in sorted((edge for edge in seen if type(edge) is Node), key=lambda node: node.number):
        # What has been released cannot tell, and is asked in the walk.
        if node.saved is None or any(each.edge in wanted for each in node.inputs):
            wanted.add(node)
    return wanted


def walk(
    starts: list[tuple[Any, Any]], arithmetic: Arithmetic, retain_graph: bool, ends: set[Any] | None = None
) -> dict[Any, Any]:
    """The gradients of the leaves, or those of ``ends``, nodes and leaves, that are reached.

    ``starts`` are nodes or leaves with the gradients of what they made. No gradient that is returned shares memory with
    one that was given. A heap, and no recursion, keeps the order: no depth is too great.
    """
    wanted = None if ends is None else _leading_to(ends, [edge for edge, _ in starts])
    sums: dict[Any, _Sum] = {}
    heap: list[tuple[int, Node]] = []
    found: dict[Any, Any] = {}

    def give(edge: Any, grad: Any, own: bool) -> None:
        before = sums.get(edge)
        if before is not None:
            sums[edge] = _Sum(before.grad + grad, True)
            return
        sums[edge] = _Sum(grad, own)
        if type(edge) is Node:
            heapq.heappush(heap, (-edge.number, edge))

    def take(edge: Any) -> Any:
        grad, own = sums[edge]
        return grad if own else arithmetic.copy(grad)

    def go_through(node: Node) -> None:
        if ends is not None and node in ends:
            found[node] = take(node)
        grad = sums.pop(node).grad
        inputs = [each for each in node.inputs if wanted is None or each.edge in wanted]
        if not inputs and node in found:
            return
        values = node.values(arithmetic.unpack)
        for edge, formula, needs, shape, dtype in inputs:
            taken = [grad, *[values[name] for name in needs]]
            result = arithmetic.fit(formula(*taken), shape, dtype)
            give(edge, result, not arithmetic.shares(result, taken))
        if not retain_graph:
            node.release()

    for edge, grad in starts:
        if wanted is None or edge in wanted:
            give(edge, grad, False)
    while heap:
        go_through(heapq.heappop(heap)[1])
    found.update((leaf, take(leaf)) for leaf in sums)
    return found
