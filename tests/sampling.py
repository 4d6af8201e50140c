"""Choose what an ordinary run tries of many parameters, and what a release leaves: the marks of these."""

import re

import pytest
from helpers import OTHERS_OF_A_FORM


def tried(values, *chosen):
    """The values of one parameter, of which an ordinary run tries those chosen, or else the first."""
    values = list(values)
    chosen = chosen or values[:1]
    return [each if each in chosen else pytest.param(each, marks=pytest.mark.thorough) for each in values]


def sampled(rows, is_tried):
    """The values of several parameters, of which an ordinary run tries those that a function tells, or a mark."""
    return [
        row if hasattr(row, "marks") or is_tried(*row) else pytest.param(*row, marks=pytest.mark.thorough)
        for row in rows
    ]


def checked(rows, is_checked):
    """The values of several parameters, of which those that a function tells are tried before a release."""
    return [row if is_checked(*row) else pytest.param(*row, marks=pytest.mark.whole) for row in rows]


def is_usual(name, dtype):
    """Of functions and types: every function in float32, and one in every type."""
    return dtype == "float32" or name in ("exp", "sigmoid_backward", "softmax")


def named(value):
    """Return the name by which marks give a value of a parameter."""
    return str(getattr(value, "__name__", value)).removeprefix("torch.")


def repeats_a_form(value):
    """Tell whether a value of a parameter names a function that takes the path of another, in place or not."""
    return any(word.removesuffix("_") in OTHERS_OF_A_FORM for word in re.findall(r"\w+", named(value)))


def is_left_out(parameters, kept):
    """Tell whether a parameter has another value than those that are kept, which may be one or several."""
    for name in kept.keys() & parameters.keys():
        values = (kept[name],) if isinstance(kept[name], str) else kept[name]
        if named(parameters[name]) not in values:
            return True
    return False


def values_of(item, mark):
    """Return the values of parameters that the marks of a name give; the nearest one counts."""
    values = {}
    for each in item.iter_markers(mark):
        values = {**each.kwargs, **values}
    return values
