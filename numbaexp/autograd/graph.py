"""The graph of recorded operations, and the walk back through it."""

import functools
import heapq
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from numbaexp.derivatives.arrays import module_of
from numbaexp.derivatives.rule import Rule


class Version:
    """Count the changes in place of an array, and those that were recorded; views share one."""

    __slots__ = ("changes", "recorded")

    def __init__(self) -> None:
        self.changes = 0
        self.recorded = 0


class Saved(NamedTuple):
    """Keep a value for a gradient.

    ``version`` is None where changes are not counted. ``edge`` is where gradients of the value go; None of a result,
    whose node would hold itself.
    """

    array: Any
    version: Version | None
    changes: int
    edge: Any


class Input(NamedTuple):
    """Describe an argument that gradients go on to, by a node or a leaf."""

    edge: Any
    argument: str
    shape: tuple[int, ...]
    dtype: Any


@functools.cache
def needed(rule: Rule, wanted: tuple[bool, ...]) -> frozenset[str]:
    """Collect the names of the values that the gradients of the wanted arguments need."""
    names: set[str] = set()
    for argument in itertools.compress(rule.arguments, wanted):
        names.update(rule.needed_by(argument))
    return frozenset(names)


_count = itertools.count()


class Node:
    """Hold a recorded operation: its inputs and saved values, and nothing that holds the node itself."""

    __slots__ = ("__weakref__", "inputs", "number", "options", "rule", "saved")

    def __init__(self, rule: Rule, options: Mapping[str, Any], inputs: list[Input], saved: dict[str, Saved]):
        self.rule = rule
        self.options = options
        self.inputs = inputs
        self.saved: dict[str, Saved] | None = saved
        # Nodes are numbered in the order in which they are made, so after all their inputs.
        self.number = next(_count)

    @property
    def name(self) -> str:
        return "".join(part.capitalize() for part in self.rule.name.split("_")) + "Backward"

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def values(self, unpack: Callable[[Saved], Any]) -> dict[str, Any]:
        """Unpack the saved values and the options, by the names that formulas have for them."""
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
        """Let go of saved arrays and of the inputs; a node without saved arrays can be gone through again."""
        if self.saved and any(hasattr(saved.array, "shape") for saved in self.saved.values()):
            self.saved, self.inputs = None, []


def _leading_to(ends: Iterable[Any], starts: Iterable[Any]) -> set[Any]:
    """Find the nodes from which one of ``ends`` is reached, and include these."""
    seen: set[Any] = set()
    stack = list(starts)
    while stack:
        edge = stack.pop()
        if edge not in seen:
            seen.add(edge)
            stack += [each.edge for each in edge.inputs] if type(edge) is Node else ()
    wanted = set(ends)
    for node in sorted((edge for edge in seen if type(edge) is Node), key=lambda node: node.number):
        # A released node has no inputs left; the walk raises its error.
        if node.saved is None or any(each.edge in wanted for each in node.inputs):
            wanted.add(node)
    return wanted


def _fit(grad: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Sum over axes that were broadcast, and convert."""
    if grad.shape != shape:
        added = grad.ndim - len(shape)
        spread = [added + axis for axis, n in enumerate(shape) if n != grad.shape[added + axis]]
        grad = grad.sum(axis=(*range(added), *spread), keepdims=True).reshape(shape)
    return grad if grad.dtype == dtype else grad.astype(dtype)


def _is_new(grad: Any, given: Iterable[Any]) -> bool:
    """Tell whether a gradient shares no memory with the arguments of its formula."""
    array, *others = [getattr(each, "_elements", each) for each in (grad, *given)]
    if isinstance(array, tuple):  # of several gradients, which go on to the formula of all
        return False
    may_share_memory = module_of(array).may_share_memory
    return not any(hasattr(other, "shape") and may_share_memory(array, other) for other in others)


def walk(
    starts: list[tuple[Any, Any]], retain_graph: bool, ends: set[Any] | None = None, kind: type | None = None
) -> dict[Any, Any]:
    """Compute the gradients of the leaves, or of those of ``ends``, nodes and leaves, that are reached.

    ``starts`` are nodes or leaves with the gradients of their results: arrays, or tensors of the class
    ``kind``. Returned gradients share no memory with given ones. A heap keeps the order without recursion, for graphs
    of any depth.
    """
    wanted = None if ends is None else _leading_to(ends, [edge for edge, _ in starts])
    # Each gradient, and whether nothing else shares its memory.
    sums: dict[Any, tuple[Any, bool]] = {}
    heap: list[tuple[int, Node]] = []
    found: dict[Any, Any] = {}

    def add(edge: Any, grad: Any, is_new: bool) -> None:
        if edge in sums:
            sums[edge] = sums[edge][0] + grad, True
            return
        sums[edge] = grad, is_new
        if type(edge) is Node:
            heapq.heappush(heap, (-edge.number, edge))

    def unpack(saved: Saved) -> Any:
        if kind is None or saved.edge is None:
            return saved.array
        return kind(saved.array, saved.edge, saved.version) if type(saved.edge) is Node else saved.edge

    def result(grad: Any, is_new: bool) -> Any:
        return grad if is_new else grad.copy() if kind is None else grad.clone()

    def go_through(node: Node) -> None:
        if ends is not None and node in ends:
            found[node] = result(*sums[node])
        grad, _ = sums.pop(node)
        inputs = [each for each in node.inputs if wanted is None or each.edge in wanted]
        if not inputs and node in found:
            return
        values = node.values(unpack)
        derived = node.rule.derive([(each.argument, each.shape) for each in inputs], grad, values)
        for (edge, _, shape, dtype), (made, given) in zip(inputs, derived, strict=True):
            fitted = _fit(made, shape, dtype)
            add(edge, fitted, _is_new(fitted, given))
        if not retain_graph:
            node.release()

    for edge, grad in starts:
        if wanted is None or edge in wanted:
            add(edge, grad, False)
    while heap:
        go_through(heapq.heappop(heap)[1])
    return found | {leaf: result(*total) for leaf, total in sums.items()}
