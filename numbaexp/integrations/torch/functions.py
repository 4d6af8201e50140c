"""Classes ``torch.autograd.Function``, made from the table of rules."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch.autograd import forward_ad

from numbaexp.backends.torch import small
from numbaexp.derivatives.rule import Formula, Rule, needs
from numbaexp.engine.call import compute
from numbaexp.operations import Operation


class _Formulas:
    """Hold the formulas of a rule's gradients or tangents, and the names of the values that they need."""

    def __init__(self, rule: Rule, formulas: Mapping[str, Formula]):
        self.name, self.arguments, self.has_options = rule.name, rule.arguments, bool(rule.options)
        self._formulas = {argument: (formula, needs(formula)) for argument, formula in formulas.items()}
        needed = {name for _, names in self._formulas.values() for name in names}
        self._saved = [name for name in (*rule.arguments, "result") if name in needed]
        names = [*rule.arguments, "result"]
        self._indices = [names.index(name) for name in self._saved]
        self.missing = [name for name in rule.arguments if name not in formulas]

    def saved(self, inputs: tuple[Any, ...], result: torch.Tensor) -> Iterable[Any]:
        count = len(self.arguments)
        return [result if index == count else inputs[index] for index in self._indices]

    def values(self, ctx: Any) -> dict[str, Any]:
        """Return the arguments of the formulas, by name."""
        values = dict(zip(self._saved, ctx.saved_tensors, strict=True))
        return {**ctx.options, "options": ctx.options, **values} if self.has_options else values

    def value(self, argument: str, first: torch.Tensor, values: Mapping[str, Any]) -> torch.Tensor:
        formula, names = self._formulas[argument]
        return formula(first, *[values[name] for name in names])

    def refuse(self, needed: Iterable[bool]) -> None:
        """Raise where an argument without a formula is one to differentiate by."""
        for argument, wanted in zip(self.arguments, needed, strict=False):
            if wanted and argument not in self._formulas:
                raise NotImplementedError(f"`{self.name}` has no rule for its gradient with respect to `{argument}`")


class Rules:
    """Implement the methods of a ``torch.autograd.Function`` by a rule; its inputs are the operator's arguments."""

    def __init__(self, rule: Rule):
        self.arguments, self.options = rule.arguments, rule.options
        self._gradients, self._tangents = _Formulas(rule, rule.gradients), _Formulas(rule, rule.tangents)

    def save(self, ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        if self._gradients.missing:
            self._gradients.refuse(ctx.needs_input_grad)
        if self.options:
            ctx.options = dict(zip(self.options, inputs[len(self.arguments) :], strict=True))
        ctx.save_for_backward(*self._gradients.saved(inputs, output))

    def setup_context(self, ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        self.save(ctx, inputs, output)
        ctx.save_for_forward(*self._tangents.saved(inputs, output))
        ctx.dtype = output.dtype
        # A missing tangent must differ from one of zeros.
        ctx.set_materialize_grads(False)

    def backward(self, ctx: Any, grad: torch.Tensor | None) -> Any:
        wanted = ctx.needs_input_grad
        if grad is None:
            return (None,) * len(wanted)
        values = self._gradients.values(ctx)
        gradients = [
            self._gradients.value(argument, grad, values) if needed else None
            for argument, needed in zip(self.arguments, wanted, strict=False)
        ]
        return (*gradients, *[None] * len(self.options))

    def jvp(self, ctx: Any, *tangents: torch.Tensor | None) -> torch.Tensor:
        self._tangents.refuse(tangent is not None for tangent in tangents)
        # PyTorch calls this with forward mode off, which would make second derivatives zero.
        with forward_ad._set_fwd_grad_enabled(True):
            values = {name: _primal(value) for name, value in self._tangents.values(ctx).items()}
            parts = [
                self._tangents.value(argument, tangent, values)
                for argument, tangent in zip(self.arguments, tangents, strict=False)
                if tangent is not None
            ]
            # A factor may be of a wider type.
            return sum(parts[1:], start=parts[0]).to(ctx.dtype)


def _primal(value: Any) -> Any:
    """Return a value without the tangent of this level, but with those of outer levels."""
    return forward_ad.unpack_dual(value).primal if isinstance(value, torch.Tensor) else value


class Functions:
    """Hold the autograd functions of an operator.

    ``direct`` calls the kernels on ordinary tensors, and ``in_place`` likewise where the gradient needs only the
    result; ``of_operators`` and, under transformations of ``torch.func``, ``transformed`` call the operator through
    PyTorch's dispatcher.
    """

    def __init__(self, operation: Operation, rule: Rule, operator: Any, batched: Callable[..., Any]):
        name = "".join(part.capitalize() for part in operation.name.split("_"))
        rules, count = Rules(rule), len(operation.arrays)

        def by_operator(*arguments: Any) -> torch.Tensor:
            with torch._C._AutoDispatchBelowAutograd():
                return operator(*arguments)

        def by_kernels(ctx: Any, *arguments: Any) -> torch.Tensor:
            options = dict(zip(operation.options, arguments[count:], strict=True)) if operation.options else {}
            with torch._C._AutoDispatchBelowAutograd():
                result = compute(operation, arguments[:count], None, options)
            rules.save(ctx, arguments, result)
            return result

        def at_addresses(ctx: Any, *arrays: torch.Tensor) -> torch.Tensor:
            result = small(operation)(*arrays)
            if result is NotImplemented:
                return by_kernels(ctx, *arrays)
            rules.save(ctx, arrays, result)
            return result

        def into_argument(ctx: Any, x: torch.Tensor, *options: Any) -> torch.Tensor:
            with torch._C._AutoDispatchBelowAutograd():
                compute(operation, (x,), x, dict(zip(operation.options, options, strict=True)))
            ctx.mark_dirty(x)
            rules.save(ctx, (x, *options), x)
            return x

        def function(**methods: Callable[..., Any]) -> Any:
            static = {key: staticmethod(method) for key, method in methods.items()}
            return type(name, (torch.autograd.Function,), {**static, "backward": staticmethod(rules.backward)})

        dispatched = function(forward=by_operator, setup_context=rules.setup_context, jvp=rules.jvp, vmap=batched)
        self.transformed = dispatched.apply
        direct = function(forward=by_kernels if operation.options else at_addresses)
        self.of_operators, self.direct, self.in_place = map(
            applied, (dispatched, direct, function(forward=into_argument))
        )


def applied(function: Any) -> Callable[..., Any]:
    """Return the C implementation of ``apply``, without the Python one's slow look at the signature of ``forward``."""
    return super(torch.autograd.Function, function).apply
