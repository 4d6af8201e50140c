"""float16 and bfloat16: every one of the 65 536 inputs is rounded correctly, and reported as it should be."""

import numpy as np
import pytest
from helpers import FORMATS, FORMS, HALVES, as_float64, dtype_of, every_half

import numbaexp

gmpy2 = pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")
from numbaexp.verify.oracle import correctly_rounded

# Functions of which smaller arguments are the result themselves, those with poles, and where some are exactly 0.
ITSELF = ("expm1", "log1p", "sinh", "tanh")
POLES = ("log", "log2", "log10", "log1p", "logit")
ZERO_AT = {"log": 1, "log2": 1, "log10": 1, "logit": 0.5}

pytestmark = [pytest.mark.by_form(layout="whole"), pytest.mark.sampled(layout="whole", function=FORMS)]


@pytest.fixture(params=HALVES)
def every(request):
    """(name, all 65 536 values of the type)"""
    return request.param, every_half(dtype_of(request.param))


@pytest.mark.parametrize("layout", ["whole", "in place", "reversed", "one by one"])
def test_correctly_rounded(function, every, layout):
    name, x = every
    compute, compute_in_place = getattr(numbaexp, function), getattr(numbaexp, f"{function}_")
    with np.errstate(all="ignore"):
        if layout == "whole":
            y = compute(x)
        elif layout == "in place":
            y = compute_in_place(x.copy())
        elif layout == "reversed":
            y = compute(x[::-1])[::-1]
        else:
            y = np.empty_like(x)
            for i in range(x.size):
                compute(x[i : i + 1], out=y[i : i + 1])
    assert y.dtype == x.dtype
    arguments, results = as_float64(x), as_float64(y)
    nan = np.isnan(arguments)
    expected = arguments.copy()
    expected[~nan] = correctly_rounded(function, arguments[~nan], name)
    real = ~np.isnan(expected)
    np.testing.assert_array_equal(results, expected)
    np.testing.assert_array_equal(np.signbit(results[real]), np.signbit(expected[real]))


def test_flags(function, every):
    """Each input alone, so that no other's flags hide its own; signalling NaN, which may raise "invalid", left out."""
    name, x = every
    compute = getattr(numbaexp, function)
    mantissa, quiet = (0x3FF, 0x200) if name == "float16" else (0x7F, 0x40)
    patterns = x.view(np.uint16)
    with np.errstate(invalid="ignore"):
        x = x[~(np.isnan(x) & (patterns & mantissa < quiet))]
    arguments = as_float64(x)
    with np.errstate(all="ignore"):
        results = as_float64(compute(x))
    finite = np.isfinite(arguments)
    silent = np.zeros(x.size, bool)
    if function == "exp2":  # exact
        silent = (arguments == np.rint(arguments)) & (results != 0)
    elif function in ITSELF:
        silent = abs(arguments) < 2.0**-25
    elif function in ZERO_AT:
        silent = arguments == ZERO_AT[function]
    expected = np.full(x.size, "", object)
    expected[finite & np.isinf(results)] = "divide by zero" if function in POLES else "overflow"
    expected[~np.isnan(arguments) & np.isnan(results)] = "invalid value"
    expected[finite & (abs(results) < 2.0 ** FORMATS[name].least_normal) & ~silent] = "underflow"
    raised = []
    with np.errstate(all="call", call=lambda flag, _: raised.append(flag)):
        for i in range(x.size):
            raised.clear()
            compute(x[i : i + 1])
            assert "".join(raised) == expected[i], x[i]
