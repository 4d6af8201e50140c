"""The types that the ufunc of each function takes, in the order in which NumPy tries them."""

import numpy as np

from numbaexp.operations import OPERATIONS

# NumPy's ufuncs of the same names, kept here because users may put ours in their place.
OF_NUMPY = {name: getattr(np, name) for name in OPERATIONS if hasattr(np, name)}
# Of a function that NumPy does not have: the types of its functions, and of gradients all but objects.
_TYPES = "efdgFDG"


def signatures(name, inputs=1):
    """Return the signatures as ``numpy.ufunc.types``: those of NumPy's ufunc of the same name, so that types are
    promoted as there."""
    if name in OF_NUMPY:
        return list(OF_NUMPY[name].types)
    return [f"{code * inputs}->{code}" for code in _TYPES + "O" * (inputs == 1)]
