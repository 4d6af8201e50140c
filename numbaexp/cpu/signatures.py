"""The types that the ufunc of each function takes, in the order in which NumPy tries them."""

import numpy as np

# Of a function that NumPy does not have: no complex, longdouble and object arrays, for nobody's loops could take them.
_FLOATS = "efd"


def signatures(name, inputs=1):
    """Return the signatures as ``numpy.ufunc.types`` has them: those of NumPy's ufunc of the same name, so that types
    are promoted as there."""
    return list(getattr(np, name).types) if hasattr(np, name) else [f"{code * inputs}->{code}" for code in _FLOATS]
