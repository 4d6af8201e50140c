"""Compiled functions of numbers, called with arrays of floats."""

import numpy as np
from numba import njit

import numbaexp.cpu.custom_numbers  # noqa: F401  registers the scalars of the CPU
from numbaexp.dual.conversions import make_float, make_number

_FLOATS = {"float32": np.float32, "float64": np.float64, "wide": np.float64}


def over_arrays(function, inputs, results=1, kind="float64", **flags):
    """Return ``call(*x)``, a list of arrays, one of each result, for arrays or numbers x of the inputs."""
    arrays = [f"x{i}" for i in range(inputs)]
    numbers = ", ".join(f"number({x}[i])" for x in arrays)
    stores = "".join(
        f"        y{k}[i] = plain({'result' if results == 1 else f'result[{k}]'})\n" for k in range(results)
    )
    source = (
        f"def loop({', '.join([*arrays, *(f'y{k}' for k in range(results))])}):\n"
        f"    for i in range(x0.size):\n        result = function({numbers})\n{stores}"
    )
    names = {"function": function, "number": make_number(kind), "plain": make_float(kind)}
    exec(source, names)
    loop = njit(names["loop"], **flags)

    def call(*x):
        shape = np.broadcast_shapes(*map(np.shape, x))
        x = [np.ascontiguousarray(np.broadcast_to(each, shape), _FLOATS[kind]).ravel() for each in x]
        y = [np.empty_like(x[0]) for _ in range(results)]
        loop(*x, *y)
        return [each.reshape(shape) for each in y]

    call.loop = loop
    return call
