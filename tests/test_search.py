"""The search for hard cases: complete, where each argument can be looked at."""

import numpy as np
import pytest
from sampling import tried

pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")
from numbaexp.verify import search

# Where the slope in ulps is no simple fraction, as neighbours along a stride count once.
ARGUMENTS = {
    "exp": 1.3141592653,
    "exp2": -1.2718281828,
    "exp10": 0.7141421356,
    "expm1": -0.0577215664,
    "log": 3.8317059702,
    "log2": 1.0018281828,
    "log10": 1.0314159e-5,
    "log1p": -0.4142135623,
    "sinh": 30.1415926535,
    "cosh": 0.7071067811,
    "tanh": 0.3141592653,
}


def test_functions():
    assert ARGUMENTS.keys() == search.FUNCTIONS.keys()


@pytest.mark.by_form
@pytest.mark.parametrize("function", tried(ARGUMENTS, "log"))
def test_run(function):
    x, count, bits = ARGUMENTS[function], 12_000, 12
    finds, searched = search.search_run(function, x, count, 2.0**-bits)
    assert searched == count
    arguments = np.copysign((np.float64(abs(x)).view(np.int64) + np.arange(count)).view(np.float64), x).tolist()
    expected = {each for each in arguments if search.closeness(function, each) >= bits}
    assert len(expected) > 1
    assert {each for _, each in finds} == expected


@pytest.mark.by_form
@pytest.mark.parametrize("function", tried(ARGUMENTS, "log"))
def test_long_run(function):
    """There are about as many finds as chance lets expect, and their distances are right."""
    bits = 26
    finds, searched = search.search_run(function, ARGUMENTS[function], 2**33, 2.0**-bits)
    expected = 2 * searched * 2.0**-bits
    assert expected > 10
    assert abs(len(finds) - expected) < 4 * expected**0.5
    for distance, x in finds[::10]:
        assert distance == pytest.approx(2.0 ** -search.closeness(function, x), abs=2.0**-48)


@pytest.mark.by_form
@pytest.mark.parametrize("function", tried(ARGUMENTS, "log", "tanh"))
def test_intervals(function):
    """They are of no other numbers than those whose results are finite, and known finds lie in them."""
    parts = list(search.intervals(function))
    assert all(part.first < part.stop for part in parts)
    assert all(any(x in part for part in parts) for x in search.read_table(function))
