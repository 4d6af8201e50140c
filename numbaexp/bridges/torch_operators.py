"""The operators of PyTorch: what each is called, what computes it, and what its result looks like."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch

import numbaexp
from numbaexp.autograd.rule import Rule, needs
from numbaexp.bridges.torch_record import unrecorded
from numbaexp.rows_layout import axes_of, final_shape

# How the parameters of the public functions are written in a schema: an axis may be several.
_TYPES = {Any: "int[1]?", int | None: "int?", int: "int", bool: "bool", float: "float", str: "str"}
# What the result is like, where that is not the first argument.
_LIKE = {"logsumexp_backward": "x", "cross_entropy_backward": "logits"}


class Operator:
    """A public function as an operator, with the arguments of its rule and then its options.

    ``parameters`` are their names, and ``defaults`` what some are if not given; ``positional`` are the parameters that
    the public function takes by position, and ``flags`` those that are down by default. ``saves_argument`` says whether
    a gradient needs the first one.
    """

    def __init__(self, rule: Rule):
        self.rule = rule
        self.function = getattr(numbaexp, rule.name)
        self.parameters = (*rule.arguments, *rule.options)
        signature = inspect.signature(self.function).parameters
        self.positional = tuple(name for name, each in signature.items() if each.kind is not each.KEYWORD_ONLY)
        self.defaults = {
            name: signature[name].default
            for name in self.parameters
            if signature[name].default is not inspect.Parameter.empty
        }
        self.flags = tuple(name for name, each in signature.items() if each.default is False)
        self.saves_argument = any(rule.arguments[0] in needs(formula) for formula in rule.gradients.values())
        # Options are given by name: the public function may have others before them.
        self._by_position = sum(name in self.positional for name in rule.arguments)
        self._annotations = {name: signature[name].annotation for name in rule.options}

    @property
    def schema(self) -> str:
        return f"{self.rule.name}({', '.join(map(self._parameter, self.parameters))}) -> Tensor"

    def _parameter(self, name: str) -> str:
        """Without a default: what has it PyTorch would leave away on the way to those who ask for all."""
        if name in self.rule.arguments:
            return f"Tensor{'?' if name in self.defaults else ''} {name}"
        return f"{_TYPES[self._annotations[name]]} {name}"

    def compute(self, *arguments: Any, **into: Any) -> torch.Tensor:
        """By the kernels of plain tensors."""
        options = dict(zip(self.parameters[self._by_position :], arguments[self._by_position :], strict=True))
        return unrecorded(self.function, *arguments[: self._by_position], **options, **into)

    def fake(self, *arguments: Any) -> torch.Tensor:
        """A tensor like the result, of which only the type, the shape and the strides are looked at."""
        given = dict(zip(self.parameters, arguments, strict=True))
        x = given[_LIKE.get(self.rule.name, self.rule.arguments[0])]
        if self.rule.name == "logsumexp":
            axes = axes_of(given["axis"], x.ndim)
            return _reduced(x, axes, given["keepdims"])
        if self.rule.name == "cross_entropy":
            axis = (0 if x.ndim == 1 else 1) if given["axis"] is None else given["axis"]
            return _reduced(x, axes_of(axis if given["reduction"] == "none" else None, x.ndim), False)
        return torch.exp(x)


def _reduced(x: torch.Tensor, axes: Sequence[int], keepdims: bool) -> torch.Tensor:
    """A tensor like one of a result for each row."""
    first = tuple(slice(0, 1) if axis in axes else slice(None) for axis in range(x.ndim))
    return torch.exp(x[first]).reshape(final_shape(tuple(x.shape), tuple(axes), keepdims) if x.ndim else ())
