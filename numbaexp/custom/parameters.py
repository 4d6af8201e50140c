"""The parameters of a user's functions."""

import inspect
from types import FunctionType
from typing import Any

from numbaexp.custom.kinds import frozen
from numbaexp.custom.unsupported import refusal

# Of a ufunc of NumPy's. The operands of the gradients are the inputs, a gradient of each result, and the gradients.
_MOST_OPERANDS = 64
_REFUSED = {
    inspect.Parameter.VAR_POSITIONAL: "`*{}`",
    inspect.Parameter.VAR_KEYWORD: "`**{}`",
    inspect.Parameter.KEYWORD_ONLY: "`{}`, which is given by name alone,",
}


def defaults_of(function: FunctionType) -> dict[str, Any]:
    """Return the values that parameters have by default.

    Raises
    ------
    UnsupportedError
        If there are other parameters than of a fixed number, or other defaults than numbers.
    """
    defaults = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in _REFUSED:
            shown = _REFUSED[parameter.kind].format(name)
            raise refusal(function, f"the parameter {shown} cannot be used: the number of inputs is fixed")
        if parameter.default is not parameter.empty:
            defaults[name] = frozen(parameter.default)
            if defaults[name] is None:
                kind = type(parameter.default).__name__
                raise refusal(function, f"the default of `{name}` must be a number; got {kind}")
    return defaults


def inputs_of(function: FunctionType) -> tuple[str, ...]:
    """Return the names of the inputs of an elementwise function.

    Raises
    ------
    UnsupportedError
        If there are none, one has a default, or their number is not fixed.
    """
    for name in defaults_of(function):
        raise refusal(function, f"`{name}` must not have a default: each input is an array; constants may be globals")
    names = tuple(inspect.signature(function).parameters)
    if not names:
        raise refusal(function, "an elementwise function must have an input")
    return names


def check_operands(function: Any, inputs: int, results: int) -> None:
    """Raise if the gradients of a captured function would have more operands than a ufunc."""
    if results + 2 * inputs > _MOST_OPERANDS:
        most = (_MOST_OPERANDS - results) // 2
        raise refusal(function, f"an elementwise function must have {most} inputs at most; got {inputs}")
