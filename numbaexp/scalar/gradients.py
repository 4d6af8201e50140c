"""Gradients of the elementwise functions: the gradient of the result times the derivative, which depends on the saved
array.

float32 and narrower: in float64 arithmetic, rounded once. There the derivative errs by less than ``NARROW_ERROR``
relatively, and the product by a rounding of float64, 2**-53, more: together 2**-22 ulp of a float32.

float64: the derivative is a pair of float64 with a separate power of two, so that neither large nor small derivatives
overflow or underflow before the product with the gradient. The product, within ``PAIR_ERROR`` relatively, is rounded to
53 bits, by 0.5 ulp, and once more if subnormal, by at most 0.25 ulp of the result beyond the first rounding: within
0.502 ulp, and 0.752 ulp below 2**-1022. Of the logarithms the inverse of the derivative is such a pair, and the
gradient is divided by that; of the natural one the quotient of two numbers is rounded once.

Flags are those of a product, or of a quotient: "invalid" for infinity times 0, "divide" at a pole, as NumPy's, else
those of the result.
Special values are treated as in ``numbaexp.scalar.narrow``.
"""

from numbaexp.scalar import constants as c
from numbaexp.scalar.ieee import float_to_half, rounded_product, scalar
from numbaexp.scalar.narrow_gradients import (
    from_half,
    itself,
    narrow,
    narrow_cosh,
    narrow_exp,
    narrow_quotient,
    narrow_sigmoid,
    narrow_sigmoid_derivative,
    narrow_sigmoid_of_minus,
    narrow_sinh,
    narrow_tanh_derivative,
    one_more,
    slope_of_sigmoid_at,
    times_ln2,
    times_ln10,
)
from numbaexp.scalar.pair_gradients import (
    cosh,
    exponential,
    limit_of_cosh,
    limit_of_decay,
    limit_of_growth,
    limit_of_product,
    one_plus,
    sigmoid,
    sigmoid_derivative,
    sinh,
    tanh_derivative,
    times_constant,
    times_one_less,
    times_pair,
    wide,
    wide_quotient,
    within_reach,
)


@scalar
def product(g, y):
    return rounded_product(g, y)


@scalar
def product_of_halves(g, y):
    """Multiply exactly in float32, then round."""
    return float_to_half(from_half(g) * from_half(y))


@scalar
def quotient(g, x):
    return g / x


softplus_backward = wide(within_reach(sigmoid), limit_of_growth, True)


@scalar
def log_sigmoid_backward(g, x):
    return softplus_backward(g, -x)


# For each gradient its scalar in each type.
GRADIENTS = {
    "exp_backward": {**narrow(itself), "float16": product_of_halves, "float32": product, "float64": product},
    "exp2_backward": {
        **narrow(times_ln2),
        "float64": wide(times_pair(c.DOUBLE_LN2_HI, c.DOUBLE_LN2_LO), limit_of_product),
    },
    "exp10_backward": {
        **narrow(times_ln10),
        "float64": wide(times_pair(c.DOUBLE_LN10_HI, c.DOUBLE_LN10_LO), limit_of_product),
    },
    "expm1_backward": {**narrow(narrow_exp), "float64": wide(within_reach(exponential), limit_of_growth)},
    "sigmoid_backward": {
        **narrow(narrow_sigmoid_derivative),
        "float64": wide(within_reach(sigmoid_derivative), limit_of_decay),
    },
    "softplus_backward": {**narrow(narrow_sigmoid), "float64": softplus_backward},
    "log_backward": {**narrow_quotient(itself), "float64": quotient},
    "log2_backward": {
        **narrow_quotient(times_ln2),
        "float64": wide_quotient(times_constant(c.DOUBLE_LN2_HI, c.DOUBLE_LN2_LO)),
    },
    "log10_backward": {
        **narrow_quotient(times_ln10),
        "float64": wide_quotient(times_constant(c.DOUBLE_LN10_HI, c.DOUBLE_LN10_LO)),
    },
    "log1p_backward": {**narrow_quotient(one_more), "float64": wide_quotient(one_plus)},
    "sinh_backward": {**narrow(narrow_cosh), "float64": wide(within_reach(cosh), limit_of_cosh)},
    "cosh_backward": {**narrow(narrow_sinh), "float64": wide(within_reach(sinh), limit_of_product)},
    "tanh_backward": {**narrow(narrow_tanh_derivative), "float64": wide(tanh_derivative, limit_of_decay)},
    "log_sigmoid_backward": {**narrow(narrow_sigmoid_of_minus), "float64": log_sigmoid_backward},
    "logit_backward": {**narrow_quotient(slope_of_sigmoid_at), "float64": wide_quotient(times_one_less)},
}
