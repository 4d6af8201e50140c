"""The targets that this machine can run."""

import numpy as np

import numbaexp
from numbaexp.target import TARGETS


def usable_targets() -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the targets that this machine can run, and the reasons against the others."""
    usable, reasons = [], {}
    for target in TARGETS:
        if target == "auto":
            continue
        try:
            with numbaexp.use_target(target):
                numbaexp.exp(np.zeros(1))
        except (ImportError, RuntimeError) as reason:
            reasons[target] = str(reason)
        else:
            usable.append(target)
    return tuple(usable), reasons
