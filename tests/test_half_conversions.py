"""Conversions of 16-bit floats as numbers and in vectors, by the processor's instructions and without them."""

import ctypes

import numpy as np
import pytest
from helpers import assert_same_but_nan
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaexp.jit import callback, compile_callback
from numbaexp.scalar import ieee
from numbaexp.vector.memory import make_load, store
from numbaexp.vector.type import Vector

pytestmark = pytest.mark.sampled(lanes="8")

UNDERFLOW, OVERFLOW = 0x10, 0x08
HALVES = np.arange(1 << 16, dtype=np.uint16)


@intrinsic
def no_instructions(typingctx):
    return types.boolean(), lambda context, builder, signature, args: ir.Constant(ir.IntType(1), 0)


@pytest.fixture(params=["instructions", "none"])
def conversions(request, monkeypatch):
    """The conversions from and to float16, compiled anew."""
    if request.param == "none":
        monkeypatch.setattr(ieee, "converts_halves", no_instructions)
    return tuple(ieee.scalar(function.py_func) for function in (ieee.half_to_float, ieee.float_to_half))


@pytest.fixture(params=[1, 4, 8, 16])
def lanes(request):
    return request.param


def apply(function, source, target, lanes, x):
    """The results, and the flags raised."""
    load = make_load(Vector(source, lanes) if lanes > 1 else source)
    size, result_size = source.bitwidth // 8, target.bitwidth // 8

    def loop(x, y, n):
        for i in range(0, n, lanes):
            store(y + i * result_size, function(load(x + i * size)))

    compiled = callback(loop, types.void(*[types.intp] * 3))
    compile_callback(compiled)
    entry = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 3)(compiled.address)
    y = np.empty(x.size, target.name)
    fenv = ctypes.CDLL(None)
    fenv.feclearexcept(UNDERFLOW | OVERFLOW)
    entry(x.ctypes.data, y.ctypes.data, x.size)
    return y, fenv.fetestexcept(UNDERFLOW | OVERFLOW)


def test_from_float16(conversions, lanes):
    y, _ = apply(conversions[0], types.uint16, types.float32, lanes, HALVES)
    with np.errstate(invalid="ignore"):  # signalling NaN
        expected = HALVES.view(np.float16).astype(np.float32)
    assert_same_but_nan(y, expected)


def test_to_float16(conversions, lanes):
    """Any float32, those around halves and midpoints of halves, and around those of subnormal ones."""
    finite = np.abs(HALVES.view(np.float16)) < np.inf
    halves = HALVES.view(np.float16)[finite].astype(np.float32)
    midpoints = (halves[:-1].astype(np.float64) + halves[1:]) / 2
    near = np.concatenate([halves, midpoints.astype(np.float32)]).view(np.uint32)
    near = np.concatenate([near, near + 1, near - 1, near + 0x70, near - 0x70])
    anything = np.random.default_rng(0).integers(0, 1 << 32, 1 << 18, np.uint32)
    x = np.concatenate([near, anything]).view(np.float32)
    x = x[~np.isnan(x)]
    x = x[: x.size // 16 * 16]
    y, _ = apply(conversions[1], types.float32, types.uint16, lanes, x)
    with np.errstate(over="ignore", under="ignore"):
        np.testing.assert_array_equal(y, x.astype(np.float16).view(np.uint16))
    y, _ = apply(conversions[1], types.float32, types.uint16, lanes, np.full(16, np.nan, np.float32))
    assert np.isnan(y.view(np.float16)).all()


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (1.0, 0),
        (65519.0, 0),
        (65520.0, OVERFLOW),
        (2.0**-24, 0),
        (1.5 * 2.0**-23, 0),
        (1.5 * 2.0**-24, UNDERFLOW),
        (2.0**-24 * (1 + 2.0**-23), UNDERFLOW),
        (2.0**-15 * (1 + 2.0**-23), UNDERFLOW),
        (2.0**-30, UNDERFLOW),
        (0.0, 0),
    ],
)
def test_flags_of_float16(x, expected, conversions):
    for sign in (1, -1):
        _, flags = apply(conversions[1], types.float32, types.uint16, 8, np.full(8, sign * x, np.float32))
        assert flags == expected


def test_bfloat16(lanes):
    y, _ = apply(ieee.bfloat_to_float, types.uint16, types.float32, lanes, HALVES)
    np.testing.assert_array_equal(y.view(np.uint32), HALVES.astype(np.uint32) << 16)
    bits = np.concatenate([(HALVES.astype(np.uint32) << 16) + low for low in (0, 1, 0x7FFF, 0x8000, 0x8001)])
    x = bits.view(np.float32)
    y, _ = apply(ieee.float_to_bfloat, types.float32, types.uint16, lanes, x)
    number = ~np.isnan(x)
    expected = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
    np.testing.assert_array_equal(y[number], expected[number])
    # Of 16 bits, and the quiet positive ones that arithmetic makes.
    made = ~number & (((bits & 0xFFFF) == 0) | ((bits & 0x80400000) == 0x00400000))
    assert np.isnan((y[made].astype(np.uint32) << 16).view(np.float32)).all()
