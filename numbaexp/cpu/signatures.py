"""The types that the ufunc of each function takes, in the order in which NumPy tries them."""

import numpy as np

# Of a function that NumPy does not have: the types of its functions, and of gradients all but objects.
_TYPES = "efdgFDG"


def signatures(name, inputs=1):
    """Return the signatures as ``numpy.ufunc.types`` has them: those of NumPy's ufunc of the same name, so that types
    are promoted as there."""
    if hasattr(np, name):
        return list(getattr(np, name).types)
    return [f"{code * inputs}->{code}" for code in _TYPES + "O" * (inputs == 1)]
