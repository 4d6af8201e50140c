"""Calls from Python of functions that are compiled for compiled code alone."""

from numba import njit


def from_python(function):
    """Make one of the package's compiled functions, or each of a tuple with names, one that Python can call."""
    if isinstance(function, tuple):
        return type(function)(*map(from_python, function))
    if not hasattr(function, "py_func"):
        return function

    @njit
    def call(*args):
        return function(*args)

    return call
