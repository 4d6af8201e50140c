"""The forms in which the loops take a scalar."""

from typing import Any, NamedTuple

import numpy as np

# Flags, as integers. Nobody raises "invalid".
UNDERFLOW, OVERFLOW = np.int64(1), np.int64(2)


class Scalar(NamedTuple):
    """One function in one float type.

    ``whole`` takes every argument. ``inner`` gives the same bits faster, and takes the arguments whose magnitude, as
    a bit pattern, is at most ``limit``.

    Where there is an ``accurate`` phase, either of them returns two results, which differ in their bits where the fast
    phase leaves open which is right; ``accurate`` tells, of such arguments. ``whole`` then returns as a third the flags
    that its caller is to raise: an operation that underflows takes the time of thirty others, and one is enough.
    """

    whole: Any
    inner: Any
    limit: int
    accurate: Any = None
