"""Hold what the tests share: the float types, comparisons of bits, ulps, tensors of PyTorch, and processes."""

import os
import pathlib
import subprocess
import sys
import textwrap
from typing import NamedTuple

import numpy as np
import pytest

import numbaexp
from numbaexp.operations import OPERATIONS, Kind, named

TESTS = pathlib.Path(__file__).parent
ROOT = TESTS.parent
PACKAGE = pathlib.Path(numbaexp.__file__).parent

# Documentation.


def table_rows(page, *head):
    """Return the rows of the tables of a page of the documentation that have these heads, as lists of their cells."""
    rows, wanted = [], False
    for line in (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split(" | ")] if line.startswith("|") else []
        wanted = bool(cells) and (wanted or tuple(cells[: len(head)]) == head)
        if wanted:
            rows.append(cells)
    return [cells for cells in rows if tuple(cells[: len(head)]) != head and not cells[0].startswith("---")]


# Functions.


def functions_of(kind):
    """Return the names of the functions of a kind that are no gradients of others."""
    return tuple(name for name in named(kind) if not OPERATIONS[name].is_gradient)


ELEMENTWISE = functions_of(Kind.ELEMENTWISE)
SOFTMAX_LIKE = functions_of(Kind.ROWS)
OF_ROWS = (*SOFTMAX_LIKE, *functions_of(Kind.REDUCTION))

# One function of each form: a power with an accurate phase, pairs with one and without, and a domain; and of gradients
# one that saves the result, one that saves the argument, and one with a domain.
FORMS = ("exp", "expm1", "sigmoid", "log")
FORMS_OF_GRADIENTS = ("exp_backward", "sigmoid_backward", "log_backward")
# The other elementwise functions and gradients, which take the paths of these.
OTHERS_OF_A_FORM = {*named(Kind.ELEMENTWISE)} - {*FORMS, *FORMS_OF_GRADIENTS}


def inside(name, x):
    """Return numbers inside the domain of a function, or of one whose gradient this is, one for each given."""
    name = name.removesuffix("_backward")
    if name == "logit":
        return 0.25 + 0.5 / (1 + abs(x))
    return abs(x) + 1 if name in ("log", "log2", "log10", "log1p") else x


def saved_by(name):
    """Return what the gradient of a function needs: "output", or the name of its argument."""
    return OPERATIONS[f"{name}_backward"].arrays[1]


# Types.


class Format(NamedTuple):
    """Describe a float type by the bits of a significand, and by the exponent of the first power of two beyond."""

    precision: int
    overflow: int

    @property
    def least_normal(self):
        """Return the exponent of the least normal number."""
        return 2 - self.overflow

    @property
    def least(self):
        """Return the exponent of the least number, which is subnormal."""
        return 3 - self.overflow - self.precision

    @property
    def greatest(self):
        """Return the greatest finite number."""
        return (2.0 - 2.0 ** (1 - self.precision)) * 2.0 ** (self.overflow - 1)

    @property
    def infinity(self):
        """Return the bit pattern of infinity: greater ones, without the sign, are NaN."""
        return (2 * self.overflow - 1) << (self.precision - 1)


FORMATS = {
    "float16": Format(11, 16),
    "bfloat16": Format(8, 128),
    "float32": Format(24, 128),
    "float64": Format(53, 1024),
}
FLOATS = tuple(FORMATS)
HALVES = ("float16", "bfloat16")
OF_NUMPY = ("float16", "float32", "float64")
INTEGERS = tuple(f"{sign}int{size}" for size in (8, 16, 32, 64) for sign in ("", "u"))


def dtype_of(name):
    """Return the NumPy type of a name; the test is skipped without the package that has bfloat16."""
    if name != "bfloat16":
        return np.dtype(name)
    return np.dtype(pytest.importorskip("ml_dtypes", reason="bfloat16 is a type of ml_dtypes").bfloat16)


def patterns_type(name):
    """Return the NumPy type of arrays in which bfloat16 is stored as bit patterns."""
    return np.dtype(np.uint16 if name == "bfloat16" else name)


def every_half(dtype):
    """Return all values of a 16-bit type, in the order of their bit patterns."""
    return np.arange(1 << 16, dtype=np.uint16).view(dtype)


def as_float64(values):
    """Return the same numbers, whose signalling NaN raise no flag that counts."""
    with np.errstate(invalid="ignore"):
        return values.astype(np.float64)


# Calls.


def computed(name, *arguments, **options):
    """Return what a function of the package gives, whatever flags are raised."""
    with np.errstate(all="ignore"):
        return getattr(numbaexp, name)(*arguments, **options)


# PyTorch's tensors.


def is_tensor(given):
    """Tell whether this is a tensor of PyTorch's."""
    return type(given).__module__.partition(".")[0] == "torch"


def to_torch(array):
    """Return a tensor of the same type and values, in memory of its own."""
    torch = pytest.importorskip("torch", reason="the tensors are PyTorch's")
    array = np.array(array)
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.uint16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def to_numpy(tensor):
    """Return a contiguous array of the same type and values, on the host."""
    tensor = tensor.detach().cpu().contiguous()
    if str(tensor.dtype) != "torch.bfloat16":
        return tensor.numpy()
    return bits(tensor).reshape(tensor.shape).view(dtype_of("bfloat16"))


# Comparisons.


def bits(given):
    """Return the bit patterns of an array or a tensor, as unsigned integers."""
    if is_tensor(given):
        torch = sys.modules["torch"]
        given = given.detach().cpu().contiguous()
        given = (given.view(torch.uint16) if given.dtype is torch.bfloat16 else given).numpy()
    array = np.asarray(given)
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(array.shape)
    return array.view(f"u{array.itemsize}")


def are_nan(given, of=None):
    """Tell which numbers are NaN, by their bits: to ask the processor raises a flag. ``of`` is the type of patterns."""
    name, patterns = of or given.dtype.name, bits(given)
    if name not in FORMATS:
        return np.zeros(patterns.shape, bool)
    return patterns & patterns.dtype.type(np.iinfo(patterns.dtype).max >> 1) > FORMATS[name].infinity


def kind_and_shape(given):
    """Return the name of the type, and the shape."""
    return str(given.dtype).removeprefix("torch."), tuple(given.shape)


def differing(result, expected, of=None):
    """Tell which bit patterns differ, but for those that are NaN in both; type and shape must not."""
    expected = np.asarray(expected)
    assert kind_and_shape(result) == kind_and_shape(expected)
    return (bits(result) != bits(expected)) & ~(are_nan(result, of) & are_nan(expected, of))


def assert_same_bits(result, expected, *told):
    """Assert equal types, shapes and bits, those of NaN too."""
    expected = expected if is_tensor(expected) else np.asarray(expected)
    assert kind_and_shape(result) == kind_and_shape(expected), told
    np.testing.assert_array_equal(bits(result), bits(expected), str(told) if told else "")


def assert_same_but_nan(result, expected, *told, of=None):
    """Assert equal types, shapes and bits, but for those of NaN."""
    wrong = differing(result, expected, of)
    those = [np.asarray(each)[wrong][:5] for each in (result, expected)]
    assert not wrong.any(), (*told, np.count_nonzero(wrong), *those)


def assert_same_stored(result, expected):
    """Assert equal types, shapes and bits, but for those of NaN; ``uint16`` are patterns of bfloat16."""
    assert_same_but_nan(result, expected, of="bfloat16" if result.dtype == np.uint16 else None)


def ulp(exact, dtype):
    """Return the unit in the last place of a type at an exact number, both of MPFR."""
    import gmpy2

    precision, least = FORMATS[dtype].precision, FORMATS[dtype].least
    return gmpy2.exp2(max(gmpy2.get_exp(exact) - precision, least) if exact else least)


def ulps(result, exact, dtype):
    """Return the distance of a result from the exact number of MPFR, in ulps of that."""
    import gmpy2

    if not gmpy2.is_finite(exact):
        return 0.0 if result == exact else np.inf
    return float(abs(gmpy2.mpfr(float(result)) - exact) / ulp(exact, dtype))


# Processes.


def environment(**changes):
    """Return the environment of this process, changed, without the options of this run of pytest."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}, **changes}


def run_python(*arguments, timeout=600, cwd=None, of=sys.executable, **changes):
    """Run Python in a new process, with changes of the environment; return its exit code and output."""
    return subprocess.run(
        [of, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=cwd,
        env=environment(**changes),
        check=False,
    )


def run_tests(*arguments, **environment):
    """Run pytest in a new process, of one core, without the options of this project but for its marks."""
    options = ("-o", "addopts=", "-m", "not whole and not large and not gpu", "-q")
    return run_python("-m", "pytest", *options, *arguments, timeout=None, **environment)


def printed(done):
    """Return what a process has printed, which must not have failed."""
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


# Numba's recorder ends with its context manager, which must keep a name.
_RECORDER = """\
import numba.core.event
_recording = numba.core.event.install_recorder("numba:compile")
_recorded = _recording.__enter__()

def compiled():
    return [str(event.data["dispatcher"]) for _, event in _recorded.buffer if event.is_start]

"""


def counting(source):
    """Return a script in which ``compiled()`` gives the names of the functions that Numba has compiled in it."""
    return _RECORDER + textwrap.dedent(source)
