"""The table of the family: for each function, its scalar in each float type."""

from typing import Any, NamedTuple

from numbaexp.scalar import exp


class Scalar(NamedTuple):
    """One function in one float type.

    ``whole`` takes every argument. ``inner`` gives the same bits faster, and takes the arguments whose magnitude, as
    a bit pattern, is at most ``limit``.
    """

    whole: Any
    inner: Any
    limit: int


FAMILY = {
    "exp": {
        "float16": Scalar(exp.exp_f16, exp.exp_f16_inner, int(exp.INNER_F16)),
        "bfloat16": Scalar(exp.exp_bf16, exp.exp_bf16_inner, int(exp.INNER_BF16)),
        "float32": Scalar(exp.exp_f32, exp.exp_f32_inner, int(exp.INNER_F32)),
        "float64": Scalar(exp.exp_f64, exp.exp_f64_inner, int(exp.INNER_F64)),
    },
}
