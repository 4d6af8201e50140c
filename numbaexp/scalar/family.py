"""The table of the family: the modules of each function's scalars. A new function is a row here.

Modules are imported on demand, as a kernel depends on those of its own function alone.
"""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from numbaexp.operations import OPERATIONS, Kind, named

_ROOM = __name__.rpartition(".")[0]
# For each function the module of its scalars, which have the function's name in capital letters.
_SCALARS = {
    "exp": "powers",
    "exp2": "powers",
    "exp10": "powers",
    "expm1": "expm1",
    "sigmoid": "sigmoid",
    "softplus": "softplus",
    "log": "log",
    "log2": "log",
    "log10": "log",
    "log1p": "log1p",
    "sinh": "hyperbolic",
    "cosh": "hyperbolic",
    "tanh": "hyperbolic",
    "log_sigmoid": "log_sigmoid",
    "logit": "logit",
}
# For each function whose fast phase computes pairs, the module with ``make_`` and its name: ``make(powers)`` returns
# ``pair(x)``, which returns (high, low, size), with the exact result within ``powers.error`` times size of high + low.
_PAIRS = {
    "expm1": "tabled_expm1",
    "sigmoid": "tabled_sigmoid",
    "softplus": "tabled_softplus",
    "sinh": "tabled_hyperbolic",
    "cosh": "tabled_hyperbolic",
    "tanh": "tabled_hyperbolic",
    "log_sigmoid": "tabled_softplus",
}
# For each function whose fast phase is made of none of the powers, the module with ``make_fast``:
# ``make_fast(name, dtype, entries, scales)`` returns the phase, for tables of so many entries.
_FAST = dict.fromkeys(("log", "log2", "log10", "log1p", "logit"), "tabled_log")
# For each gradient what it saves of a call; ``numbaexp.scalar.gradients`` has them in each type.
SAVED = {name: OPERATIONS[name].arrays[1] for name in named(Kind.ELEMENTWISE) if OPERATIONS[name].is_gradient}


class _Family(Mapping[str, Any]):
    """Map names of functions to their scalars in each float type."""

    def __getitem__(self, name: str) -> Any:
        return getattr(importlib.import_module(f"{_ROOM}.{_SCALARS[name]}"), name.upper())

    def __iter__(self) -> Iterator[str]:
        return iter(_SCALARS)

    def __len__(self) -> int:
        return len(_SCALARS)


FAMILY = _Family()


def input_names(name: str) -> tuple[str, ...]:
    """Return the names of the inputs of a function or a gradient."""
    return ("grad_output", SAVED[name]) if name in SAVED else ("x",)


def arity(name: str) -> int:
    """Return the number of inputs of a function or a gradient."""
    return len(input_names(name))


def has_pair(name: str) -> bool:
    """Tell whether the fast phase of a function computes pairs."""
    return name in _PAIRS


def make_pair(name: str, powers: Any) -> Any:
    """Return ``pair(x)`` of a function, made of some powers."""
    return getattr(importlib.import_module(f"{_ROOM}.{_PAIRS[name]}"), f"make_{name}")(powers)


def has_fast(name: str) -> bool:
    """Tell whether the fast phase of a function, below float64, is made of none of the powers."""
    return name in _FAST


def make_fast(name: str, dtype: str, entries: int, scales: bool) -> Any:
    """Return the fast phase of such a function."""
    return importlib.import_module(f"{_ROOM}.{_FAST[name]}").make_fast(name, dtype, entries, scales)


def modules_of(name: str) -> tuple[str, ...]:
    """Return a function's own modules; none for a gradient."""
    return tuple(f"{_ROOM}.{table[name]}" for table in (_SCALARS, _PAIRS, _FAST) if name in table)
