"""logaddexp and logaddexp2: accuracy, also where they cancel, NumPy's conventions, gradients, the same bits."""

import inspect
import pickle

import numpy as np
import pytest
from helpers import assert_same_bits, assert_same_but_nan
from numba import njit

import numbaexp

gmpy2 = pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")

NAMES = ("logaddexp", "logaddexp2")
for_each = pytest.mark.parametrize("name", NAMES)
# By type: bits of the significand, the exponent of the least subnormal number, and the claimed error.
CLAIMS = {"float16": (11, -24, 0.501), "float32": (24, -149, 0.501), "float64": (53, -1074, 0.51)}
SPECIAL = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1.0, -1.0, 1e308, -1e308, 5e-324])


def exact(name, x1, x2):
    """Compute the function with so many bits that nothing is lost by cancellation."""
    exponents = [gmpy2.get_exp(gmpy2.mpfr(x)) for x in (x1, x2) if x]
    bits = 400 + 2 * int(min(abs(x1 - x2), 1100)) + 2 * max(0, -min(exponents, default=0))
    with gmpy2.context(precision=bits):
        if name == "logaddexp":
            return gmpy2.log(gmpy2.exp(gmpy2.mpfr(x1)) + gmpy2.exp(gmpy2.mpfr(x2)))
        return gmpy2.log2(gmpy2.exp2(gmpy2.mpfr(x1)) + gmpy2.exp2(gmpy2.mpfr(x2)))


def greatest_error(name, x1, x2):
    """Return the greatest error in ulps of the exact results."""
    results = getattr(numbaexp, name)(x1, x2)
    precision, least, _ = CLAIMS[results.dtype.name]
    errors = []
    for a, b, y in zip(x1.tolist(), x2.tolist(), results.tolist(), strict=True):
        value = exact(name, a, b)
        ulp = gmpy2.exp2(max(gmpy2.get_exp(value) - precision if value else least, least))
        errors.append(float(abs(value - y) / ulp))
    return max(errors)


def on_the_curve(name, x):
    """Return the numbers next to which the functions of x < 0 and these are 0."""
    return np.log(-np.expm1(x)) if name == "logaddexp" else np.log2(-np.expm1(x * np.log(2)))


def arguments(name, count):
    """Return pairs of float64: ordinary ones, far and near ones, those that cancel, and those with small results."""
    generator = np.random.default_rng(0)

    def normal(scale):
        return generator.normal(size=count) * scale

    def power(low, high):
        return 2.0 ** -generator.integers(low, high, count)

    half, negative, tiny = -1.0 if name == "logaddexp2" else -np.log(2), -generator.random(count) * 0.69, -power(1, 300)
    equal, opposite = normal(2), normal(0.1)
    pairs = (
        (normal(1), normal(1)),
        (normal(300), normal(300)),
        (equal, equal * (1 + generator.integers(-3, 4, count) * 2.0**-52)),
        (half + opposite, half - opposite),
        (negative, on_the_curve(name, negative)),
        (negative, on_the_curve(name, negative) * (1 + normal(1) * power(2, 50))),
        (tiny, on_the_curve(name, tiny) * (1 + normal(1) * power(2, 50))),
        (normal(1) * power(1, 1060), -generator.uniform(0, 746, count)),
        (np.zeros(count), -generator.uniform(600, 746, count)),
    )
    x1, x2 = map(np.concatenate, zip(*pairs, strict=True))
    swapped = generator.random(x1.size) < 0.5
    return np.where(swapped, x2, x1), np.where(swapped, x1, x2)


# Accuracy.


@for_each
@pytest.mark.parametrize("dtype", CLAIMS)
def test_within_the_claim(name, dtype):
    x1, x2 = (x.astype(dtype) for x in arguments(name, 300))
    finite = np.isfinite(x1) & np.isfinite(x2)
    assert greatest_error(name, x1[finite], x2[finite]) <= CLAIMS[dtype][2]


@for_each
def test_where_the_result_is_next_to_0(name):
    """Far below the last places of the arguments."""
    x1 = -np.random.default_rng(1).random(2000) * 0.69
    x2 = on_the_curve(name, x1)
    assert np.median(np.abs(getattr(numbaexp, name)(x1, x2))) < 2.0**-53
    assert greatest_error(name, x1, x2) <= 0.51


def test_exact_cancellation():
    assert_same_bits(numbaexp.logaddexp2(-1.0, -1.0), np.float64(0.0))


# Conventions.


@for_each
@pytest.mark.parametrize("dtype", CLAIMS)
def test_special_values(name, dtype):
    with np.errstate(all="ignore"):
        x1, x2 = np.meshgrid(SPECIAL.astype(dtype), SPECIAL.astype(dtype))
        expected = getattr(np, name)(x1, x2)
    with np.errstate(all="raise"):
        result = getattr(numbaexp, name)(x1, x2)
    special = ~(np.isfinite(x1) & np.isfinite(x2))
    assert_same_but_nan(result[special], expected[special])
    np.testing.assert_allclose(result, expected, rtol=1e-3)


@for_each
def test_what_a_ufunc_of_numpy_has(name):
    ours, numpys = getattr(numbaexp, name), getattr(np, name)
    x1, x2 = np.random.default_rng(2).normal(size=(2, 3, 4))
    assert [*inspect.signature(ours).parameters] == ["x1", "x2", *list(inspect.signature(numbaexp.exp).parameters)[1:]]
    assert (ours.nin, ours.nout, ours.__name__) == (2, 1, name)
    assert pickle.loads(pickle.dumps(ours)) is ours
    for call in (
        lambda f: f(x1, x2),
        lambda f: f(x1[:, ::2], x2[:, 1:2]),
        lambda f: f(x1, 1),
        lambda f: f(np.float16(1), np.float32(2)),
        lambda f: f([1, 2], True),
        lambda f: f(x1, x2, dtype="float32"),
        lambda f: f(x1, x2, np.zeros((3, 4))),
        lambda f: f(x1, x2, out=np.zeros((3, 4)), where=x1 > 0),
        lambda f: f.outer(x1[0], x2[0]),
        lambda f: f.reduce(x1, axis=1),
        lambda f: f.reduce(x1, axis=0),
        lambda f: f.reduce(np.tile(x1, 500), axis=1),
        lambda f: f.accumulate(x1, axis=1),
    ):
        result, expected = call(ours), call(numpys)
        assert (type(result), result.dtype, np.shape(result)) == (type(expected), expected.dtype, np.shape(expected))
        np.testing.assert_allclose(result, expected, rtol=1e-5 if result.dtype == np.float32 else 1e-14)


def exp_of_two(
    x1, x2, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None
):
    """Have the signature of a ufunc of two inputs."""


# The same bits.


@pytest.mark.checked(name="logaddexp")
@for_each
def test_in_compiled_code(name):
    function = getattr(numbaexp, name)

    @njit
    def of_numbers(x1, x2, y):
        for i in range(x1.size):
            y[i] = function(x1[i], x2[i])

    @numbaexp.elementwise
    def of_users(x1, x2):
        return function(x1, x2)

    numpys = getattr(np, name)

    @numbaexp.elementwise
    def of_numpys(x1, x2):
        return numpys(x1, x2)

    for dtype in (np.float32, np.float64):
        x1, x2 = (x.astype(dtype) for x in arguments(name, 50))
        expected, result = function(x1, x2), np.empty_like(x1)
        of_numbers(x1, x2, result)
        one_by_one = np.array([function(*pair) for pair in zip(x1, x2, strict=True)])
        for each in (result, of_users(x1, x2), of_numpys(x1, x2), one_by_one):
            assert_same_bits(each, expected)


OF_A_PROCESS = """
    import hashlib
    import numpy as np, numbaexp

    x1, x2 = np.random.default_rng(0).normal(size=(2, 4001))
    told = hashlib.sha256()
    for dtype in (np.float16, np.float32, np.float64):
        for function in (numbaexp.logaddexp, numbaexp.logaddexp2):
            told.update(function(x1.astype(dtype), x2.astype(dtype)).tobytes())
            told.update(function(x1.astype(dtype), -x1.astype(dtype)).tobytes())
    print(told.hexdigest())
"""


@pytest.mark.whole
def test_on_each_processor(run_script, processor):
    assert run_script(OF_A_PROCESS, **processor) == run_script(OF_A_PROCESS)


# Gradients.


@pytest.mark.thorough
@for_each
def test_backward(name):
    x1, x2 = np.random.default_rng(3).normal(size=(2, 100)) * 5
    by_x1, by_x2 = getattr(numbaexp, name).backward(2.0, x1, x2)
    scale = np.log(2) if name == "logaddexp2" else 1.0
    np.testing.assert_allclose(by_x1, 2 * numbaexp.sigmoid((x1 - x2) * scale), rtol=1e-14)
    np.testing.assert_allclose(by_x2, 2 * numbaexp.sigmoid((x2 - x1) * scale), rtol=1e-14)


@pytest.mark.checked(name="logaddexp")
@for_each
def test_torch(name):
    torch = pytest.importorskip("torch")
    function, torchs = getattr(numbaexp, name), getattr(torch, name)
    x1, x2 = (torch.tensor(x, requires_grad=True) for x in np.random.default_rng(4).normal(size=(2, 3, 1)))
    x2 = x2.detach().reshape(3).requires_grad_()
    torch.testing.assert_close(function(x1, x2), torchs(x1, x2))
    assert torch.autograd.gradcheck(function, (x1, x2))
    assert torch.autograd.gradgradcheck(function, (x1, x2))
    for pair in ((np.inf, np.inf), (-np.inf, -np.inf), (np.inf, 1.0), (-np.inf, 1.0), (np.nan, 1.0)):
        ours, theirs = ([torch.tensor(x, requires_grad=True) for x in pair] for _ in range(2))
        function(*ours).backward()
        torchs(*theirs).backward()
        for each, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(each.grad, other.grad, equal_nan=True)


@pytest.mark.checked(name="logaddexp")
@for_each
def test_jax(name):
    jax = pytest.importorskip("jax")
    function, jaxs = getattr(numbaexp, name), getattr(jax.numpy, name)
    x1, x2 = np.float32(np.random.default_rng(5).normal(size=(2, 5)))
    close = {"rtol": 1e-5, "atol": 1e-6}
    np.testing.assert_allclose(jax.jit(function)(x1, x2), jaxs(x1, x2), **close)
    for transform in (lambda f: jax.grad(f, (0, 1)), lambda f: jax.hessian(f, (0, 1))):
        ours, theirs = (jax.vmap(transform(f))(x1, x2) for f in (function, jaxs))
        jax.tree.map(lambda each, other: np.testing.assert_allclose(each, other, **close), ours, theirs)


def test_on_the_tape():
    x1, x2 = (numbaexp.autograd.tensor(np.array(x), requires_grad=True) for x in ([0.0, 1.0], [0.5, -1.0]))
    numbaexp.logaddexp(x1, x2).sum().backward()
    np.testing.assert_allclose(x1.grad + x2.grad, 1.0, rtol=1e-15)
