"""Interception of calls of the public functions on tensors of the tape."""

from typing import Any

import numpy as np

from numbaexp.autograd import selection
from numbaexp.autograd.recording import is_recording
from numbaexp.autograd.several import apart
from numbaexp.autograd.tensor import Tensor, apply
from numbaexp.backends.promotion import float_named
from numbaexp.custom.operation import CustomOperation
from numbaexp.derivatives.custom import rule_of as custom_rule_of
from numbaexp.derivatives.rule import Rule
from numbaexp.derivatives.rules import rule_of
from numbaexp.engine import masks
from numbaexp.engine.call import compute
from numbaexp.operations import OPERATIONS, Operation


def intercept(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Run the function, and record the call where one of its arrays requires grad."""
    if isinstance(operation, CustomOperation):
        return _record_of(operation, custom_rule_of(operation), arrays, out, options)
    if operation.masked is not None:
        return masks.compute(_record, selection, operation, arrays, out, options)
    return _record(operation.name, arrays, out, options)


def _record(name: str, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Run a function without a mask."""
    operation = OPERATIONS[name]
    if operation.masked is not None and "dtype" in options:
        arrays = (selection.convert(arrays[0], float_named(options["dtype"])),)
        options = {option: value for option, value in options.items() if option != "dtype"}
    return _record_of(operation, rule_of(name), arrays, out, options)


def _record_of(operation: Operation, rule: Rule, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    for option in options:
        if option not in operation.options:
            raise TypeError(f"of a tensor of `numbaexp.autograd` `{operation.name}` does not take `{option}`")
    # Formulas take arrays, and no sequences.
    given: list[Any] = [np.asarray(array) if isinstance(array, (list, tuple)) else array for array in arrays]

    def on_arrays(*elements: Any, into: Any = None) -> Any:
        return compute(operation, elements, into, options)

    if out is None:
        return (
            apply(rule, given, on_arrays, options)
            if operation.results == 1
            else apart(rule, given, on_arrays, operation.results)
        )
    outs = out if type(out) is tuple else (out,)
    for each in outs:
        if not isinstance(each, Tensor):
            raise TypeError(
                f"`out` must be a tensor of `numbaexp.autograd`, as an argument is; got {type(each).__name__}"
            )
    if given[0] is out:
        return apply(rule, given, lambda *elements: on_arrays(*elements, into=elements[0]), options, into=out)
    tensors = [array for array in (*given, *outs) if isinstance(array, Tensor)]
    if is_recording() and any(tensor._requires_grad for tensor in tensors):
        raise RuntimeError(
            f"`out` must be `{operation.arrays[0]}` itself where `{operation.name}` is recorded: another tensor has a "
            "history of its own. Leave `out` away, or call it under `no_grad()`"
        )
    elements = (array._elements if isinstance(array, Tensor) else array for array in given)
    into = tuple(each._elements for each in outs)
    on_arrays(*elements, into=into if operation.results > 1 else into[0])
    for each in outs:
        each._change(None)
    return out
