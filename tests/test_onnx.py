"""ONNX and SONNX ``Exp``: the published node test, the special values, and X_max with its neighbours; the constants
of the documentation's note for this and other operators, by their definitions in MPFR."""

import numpy as np
import pytest
from helpers import FLOATS, FORMATS, computed, dtype_of, table_rows

import numbaexp

# By type: the specification's X_max, and the greatest argument whose exponential does not round to infinity.
X_MAX = {
    np.float16: (11.09375, 11.0859375),
    np.float32: (88.72283935546875, 88.72283172607422),
    np.float64: (709.782712893384, 709.782712893384),
}
TYPES = sorted(X_MAX, key=lambda dtype: dtype().itemsize)


def test_node_example():
    """Node test ``test_exp_example``."""
    x = np.array([-1, 0, 1], np.float32)
    np.testing.assert_array_equal(numbaexp.exp(x), np.array([0.36787945, 1.0, 2.7182817], np.float32))


@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 4, 5), (1, 0, 3)])
@pytest.mark.parametrize("dtype", TYPES)
def test_shape_and_type_are_kept(dtype, shape):
    y = numbaexp.exp(np.ones(shape, dtype))
    assert y.shape == shape
    assert y.dtype == dtype


@pytest.mark.parametrize("dtype", TYPES)
def test_special_values(dtype):
    x = np.array([np.nan, -np.inf, np.inf, 0.0, -0.0], dtype)
    np.testing.assert_array_equal(numbaexp.exp(x), np.array([np.nan, 0, np.inf, 1, 1], dtype))


@pytest.mark.parametrize("dtype", TYPES)
def test_x_max(dtype):
    specified, greatest_finite = (dtype(value) for value in X_MAX[dtype])
    assert specified in (greatest_finite, np.nextafter(greatest_finite, dtype(np.inf)))
    with np.errstate(over="raise"):
        assert np.isfinite(numbaexp.exp(greatest_finite))
    above = np.nextafter(specified, dtype(np.inf))
    for x in (above, np.finfo(dtype).max):
        with pytest.warns(RuntimeWarning, match="overflow encountered in exp"):
            assert numbaexp.exp(x) == np.inf
    below = np.nextafter(greatest_finite, dtype(0))
    assert numbaexp.exp(below) < np.inf


PAGE = "accuracy/onnx.md"
CONSTANTS = {tuple(cells[:3]): cells[3:] for cells in table_rows(PAGE, "operator", "constant", "type", "hexadecimal")}
OPERATORS = {"Exp": "exp", "Log": "log", "Tanh": "tanh", "Sigmoid": "sigmoid", "Softplus": "softplus"}


@pytest.fixture(scope="module")
def oracle():
    return pytest.importorskip("numbaexp.verify.oracle", reason="MPFR (gmpy2) is the oracle", exc_type=ImportError)


def power_of_two(text):
    return 2.0 ** int(text.removeprefix("2**"))


def test_formats_of_the_note():
    rows = {cells[0]: cells[1:] for cells in table_rows(PAGE, "type", "p", "emin")}
    assert tuple(rows) == FLOATS
    for name, (precision, emin, emax, unit, greatest, normal, least) in rows.items():
        form = FORMATS[name]
        assert (int(precision), int(emin), int(emax)) == (form.precision, form.least_normal, form.overflow - 1)
        assert (power_of_two(unit), float.fromhex(greatest)) == (2.0**-form.precision, form.greatest)
        assert (power_of_two(normal), power_of_two(least)) == (2.0**form.least_normal, 2.0**form.least)


def test_the_note_has_every_constant():
    expected = [("Exp", constant) for constant in ("X_MAX", "X_NORMAL", "X_MIN")]
    expected += [("Log", "least"), ("Log", "greatest"), ("Tanh", "X_ONE"), ("Sigmoid", "X_ONE")]
    assert list(CONSTANTS) == [(*each, name) for each in expected for name in FLOATS]
    assert all(float.fromhex(text) == float(decimal) for text, decimal in CONSTANTS.values())


@pytest.fixture(params=FLOATS)
def value_of(request):
    """Return what gives a constant of the note in a type, with the type's name as its attribute."""

    def value(operator, constant):
        return float.fromhex(CONSTANTS[operator, constant, request.param][0])

    value.type = request.param
    return value


def neighbour(x, name, direction):
    """Return the next number of a type, up or down, as a float64."""
    dtype = dtype_of(name)
    return float(np.nextafter(dtype.type(x), dtype.type(direction)))


def results(oracle, operator, name, *arguments):
    """Return the correctly rounded results of MPFR, after a comparison of the function's own."""
    x = np.array(arguments)
    right = oracle.correctly_rounded(OPERATORS[operator], x, name)
    np.testing.assert_array_equal(computed(OPERATORS[operator], x.astype(dtype_of(name))).astype(np.float64), right)
    return right.tolist()


def test_x_max_and_x_min_of_the_note(oracle, value_of):
    name, form = value_of.type, FORMATS[value_of.type]
    x_max, x_min = value_of("Exp", "X_MAX"), value_of("Exp", "X_MIN")
    finite, infinite = results(oracle, "Exp", name, x_max, neighbour(x_max, name, np.inf))
    assert finite <= form.greatest
    assert infinite == np.inf
    for operator in ("Exp", "Sigmoid", "Softplus"):
        assert results(oracle, operator, name, x_min, neighbour(x_min, name, -np.inf)) == [2.0**form.least, 0]


@pytest.mark.parametrize("operator", ["exp", "sigmoid", "softplus"])
def test_x_normal_of_the_note(oracle, value_of, operator):
    """In 53 bits, where the exact values are no longer the least normal number."""
    name, x = value_of.type, value_of("Exp", "X_NORMAL")
    normal = 2.0 ** FORMATS[name].least_normal
    above, below = oracle.correctly_rounded(operator, np.array([x, neighbour(x, name, -np.inf)]), "float64")
    assert above > normal > below


def test_logarithms_of_the_note(oracle, value_of):
    name, form = value_of.type, FORMATS[value_of.type]
    assert results(oracle, "Log", name, 2.0**form.least) == [value_of("Log", "least")]
    assert results(oracle, "Log", name, form.greatest) == [value_of("Log", "greatest")]
    near_1 = results(oracle, "Log", name, neighbour(1.0, name, 0), neighbour(1.0, name, 2))
    assert min(abs(result) for result in near_1) >= 2.0**-form.precision


@pytest.mark.parametrize("operator", ["Tanh", "Sigmoid"])
def test_x_one_of_the_note(oracle, value_of, operator):
    name, x = value_of.type, value_of(operator, "X_ONE")
    assert results(oracle, operator, name, x, neighbour(x, name, 0)) == [1, 1 - 2.0 ** -FORMATS[name].precision]


@pytest.mark.parametrize("dtype", TYPES)
def test_the_range_of_the_draft_ends_beyond_x_max(oracle, dtype):
    """But in float64, the draft's end is infinite, as the note says."""
    end, greatest_finite = X_MAX[dtype]
    assert float.fromhex(CONSTANTS["Exp", "X_MAX", np.dtype(dtype).name][0]) == greatest_finite
    (result,) = results(oracle, "Exp", np.dtype(dtype).name, end)
    assert (result == np.inf) == (end != greatest_finite)
