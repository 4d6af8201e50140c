"""The logarithms and hyperbolic functions."""

from typing import Any

from numbaexp.public.exponentials import _function, _in_place
from numbaexp.public.gradients import _gradient

_made: dict[str, Any] = {}
for _name in ("log", "log2", "log10", "log1p", "sinh", "cosh", "tanh", "log_sigmoid", "logit"):
    exec(
        f"def {_name}(x, /, out=None, *, where=True, casting='same_kind', order='K', dtype=None, subok=True, "
        f"signature=None):\n    'Compute {_name}.'\n"
    )
    _made[_name] = globals()[_name] = _function(globals()[_name])
    _made[f"{_name}_"] = globals()[f"{_name}_"] = _in_place(_made[_name])
    _made[f"{_name}_backward"] = globals()[f"{_name}_backward"] = _gradient(
        f"{_name}_backward", formula="", special="", example=""
    )
