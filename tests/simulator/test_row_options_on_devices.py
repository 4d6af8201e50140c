"""Masks, factors and types of functions of rows, of arrays that a device holds in libraries without a selection of
their own: Numba's, and those with ``__cuda_array_interface__``."""

import numpy as np
import pytest
from helpers import SOFTMAX_LIKE, assert_same_but_nan
from numba import cuda
from on_device import OnDevice

import numbaexp

RNG = np.random.default_rng(18)
X = 3.0 * RNG.standard_normal((4, 6))
B = RNG.uniform(0.5, 2.0, (4, 6))
MASK = RNG.random((4, 6)) < 0.7
MASK[2], MASK[3] = False, True
X[2], X[0, ~MASK[0]] = np.nan, np.inf
B[1] *= -1.0

LIBRARIES = {"Numba": cuda.to_device, "interface": OnDevice}
each_library = pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)


@pytest.mark.sampled(library="to_device", name=("softmax", "logsumexp"))
@each_library
@pytest.mark.parametrize("name", [*SOFTMAX_LIKE, "logsumexp"])
@pytest.mark.parametrize("shapes", [((4, 6), (4, 6)), ((4, 6), (4, 1)), ((6,), (4, 6)), ((4, 1), (1, 6))], ids=str)
def test_where(library, name, shapes):
    function, mask = getattr(numbaexp, name), np.resize(MASK, shapes[1])
    for dtype in (np.float16, np.float32, np.float64):
        x = np.resize(X, shapes[0]).astype(dtype)
        result = function(library(x), axis=-1, where=library(mask))
        assert_same_but_nan(result.copy_to_host(), np.asarray(function(x, axis=-1, where=mask)))


@each_library
@pytest.mark.parametrize("axis", [0, 1, None])
def test_factors(library, axis):
    x, b = X.astype(np.float32), B.astype(np.float32)
    for where in ({}, {"where": MASK}):
        on_device = {name: library(mask) for name, mask in where.items()}
        result = numbaexp.logsumexp(library(x), axis, library(b), **on_device)
        assert_same_but_nan(result.copy_to_host(), np.asarray(numbaexp.logsumexp(x, axis, b, **where)))


@each_library
@pytest.mark.parametrize("name", SOFTMAX_LIKE)
def test_wider_types(library, name):
    function = getattr(numbaexp, name)
    for source, wanted in ((np.float16, np.float32), (np.float16, np.float64), (np.float32, np.float64)):
        x = np.where(MASK, X, 0.5).astype(source)
        result = function(library(x), dtype=wanted)
        assert_same_but_nan(result.copy_to_host(), function(x.astype(wanted)))
    with pytest.raises(
        TypeError, match=r"^`dtype` must be a type that holds all of float64, the type of `x`; got float32$"
    ):
        function(library(X), dtype=np.float32)


@each_library
def test_refused(library):
    x = np.ones((2, 3), np.float32)
    with pytest.raises(TypeError, match=r"^`where` must be of type bool; got float32$"):
        numbaexp.softmax(library(x), where=library(x))
    with pytest.raises(ValueError, match=r"^`where` must be of a shape that broadcasts with \(2, 3\); got \(4,\)$"):
        numbaexp.softmax(library(x), where=library(np.ones(4, bool)))
    with pytest.raises(ValueError, match=r"^`b` must be of the shape of `a`, \(2, 3\); got \(3,\)$"):
        numbaexp.logsumexp(library(x), 1, library(x[0]))
