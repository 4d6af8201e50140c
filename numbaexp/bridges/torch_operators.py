"""The operators of PyTorch: what each is called, what computes it, and what its result looks like."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch

import numbaexp
from numbaexp.autograd.rule import Rule, needs
from numbaexp.bridges.torch_record import unrecorded
from numbaexp.layout import axes_of, final_shape
from numbaexp.losses_layout import Problem, problem
from numbaexp.owners.torch import float_type

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
        self._check(given)
        x = given[_LIKE.get(self.rule.name, self.rule.arguments[0])]
        if self.rule.name == "logsumexp":
            return _reduced(x, axes_of(given["axis"], x.ndim), given["keepdims"])
        if self.rule.name == "cross_entropy":
            return x.new_empty(_problem(given).loss_shape)
        return torch.exp(x)

    def _check(self, given: dict[str, Any]) -> None:
        """Raise what the kernels would raise, as far as the tensors' elements do not tell."""
        tensors = {argument: given[argument] for argument in self.rule.arguments if given[argument] is not None}
        first, *others = tensors
        for argument, tensor in tensors.items():
            float_type(tensor, argument)
            if tensor.device != tensors[first].device:
                devices = f"{tensors[first].device}; got {tensor.device}"
                raise ValueError(f"`{argument}` must be on the device of `{first}`, {devices}")
        if "reduction" in given:
            _problem(given)
            return
        last = tensors[others[-1] if others else first]
        if "axis" in given:
            axes_of(given["axis"], last.ndim)
        if self.rule.name != "logsumexp_backward" and tensors[first].shape != last.shape:
            shapes = f"{tuple(last.shape)}; got {tuple(tensors[first].shape)}"
            raise ValueError(f"`{first}` must be of the shape of `{others[-1]}`, {shapes}")


def _problem(given: dict[str, Any]) -> Problem:
    """A cross entropy, which needs no elements to be checked."""
    options = {name: value for name, value in given.items() if name not in ("grad_output", "logits", "targets")}
    logits, targets = ((given[name], str(given[name].dtype).removeprefix("torch.")) for name in ("logits", "targets"))
    return problem(logits, targets, **options)


def _reduced(x: torch.Tensor, axes: Sequence[int], keepdims: bool) -> torch.Tensor:
    """A tensor like one of a result for each row."""
    dtype = x.dtype if x.is_floating_point() else torch.get_default_dtype()
    return x.new_empty(final_shape(tuple(x.shape), tuple(axes), keepdims) if x.ndim else (), dtype=dtype)
