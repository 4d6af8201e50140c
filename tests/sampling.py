"""What an ordinary run tries of many parameters: the others are marked ``thorough``."""

import pytest


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
