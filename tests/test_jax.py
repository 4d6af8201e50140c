"""JAX's arrays on a CPU: numbaexp's bits, in arrays of the types of ``jax.numpy.exp``.

Those that JAX traces are in ``tests/test_jax_autograd.py``.
"""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="the owner is a JAX array")

import jax.numpy as jnp
from helpers import assert_same_bits

import numbaexp
from numbaexp.scalar.family import FAMILY

pytestmark = [pytest.mark.by_form, pytest.mark.sampled(name=("exp", "sigmoid"), dtype=("float32", "int32"))]

FLOATS = ("float16", "bfloat16", "float32")
VALUES = np.linspace(-9, 9, 240).reshape(2, 3, 4, 10)


def address(array):
    return array.unsafe_buffer_pointer()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", FAMILY)
def test_bits(name, dtype):
    x = jnp.asarray(VALUES, dtype)
    result = getattr(numbaexp, name)(x)
    assert isinstance(result, jax.Array)
    assert (result.dtype, result.shape) == (dtype, x.shape)
    with np.errstate(all="ignore"):
        assert_same_bits(result, getattr(numbaexp, name)(np.asarray(x)))


@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0, 2), (3, 5), (1000, 1000)])
@pytest.mark.parametrize("dtype", FLOATS)
def test_shapes(dtype, shape):
    x = jnp.full(shape, 0.75, dtype)
    for given in (x, x.T, x[..., ::2] if shape else x):
        result = numbaexp.exp(given)
        assert (type(result), result.shape, result.dtype) == (type(x), given.shape, dtype)
        assert_same_bits(result, numbaexp.exp(np.asarray(given)))


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int16", "int32", "uint32"])
def test_integers(dtype):
    x = jnp.asarray([0, 1, 5, 11], dtype)
    result = numbaexp.exp(x)
    assert result.dtype == jnp.exp(x).dtype == np.float32
    assert_same_bits(result, numbaexp.exp(np.asarray(x).astype(np.float32)))


def test_64_bits(run_script):
    run_script(
        """
        import jax, jax.numpy as jnp, numpy as np, numbaexp
        for dtype in ("bool", "int8", "int16", "int32", "int64", "uint64", "float16", "bfloat16", "float32", "float64"):
            x = jnp.asarray([0, 1, 2], dtype)
            assert x.dtype == dtype
            result = numbaexp.exp(x)
            assert result.dtype == jnp.exp(x).dtype, dtype
            expected = numbaexp.exp(np.asarray(x).astype(result.dtype))
            assert np.asarray(result).tobytes() == expected.tobytes(), dtype
        """,
        JAX_ENABLE_X64="1",
    )


def test_memory_is_shared(monkeypatch):
    from numbaexp.engine import ufuncs

    seen = []
    compute = ufuncs.run

    def watch(make, name, target, arrays, out, options):
        seen.append(tuple(each.__array_interface__["data"][0] for each in (arrays[0], *out)))
        return compute(make, name, target, arrays, out, options)

    monkeypatch.setattr(ufuncs, "run", watch)
    for dtype in FLOATS:
        for n in (10_000, 1_000_000):
            x = jnp.ones(n, dtype)
            result = numbaexp.exp(x)
            assert seen.pop() == (address(x), address(result))


def test_placement_is_kept(run_script):
    run_script(
        """
        import jax, jax.numpy as jnp, numpy as np, numbaexp
        from jax.sharding import Mesh, NamedSharding, PartitionSpec
        first, second = jax.devices()
        for x in (jnp.ones(3), jax.device_put(np.ones(3), first), jax.device_put(np.ones(3), second)):
            result, expected = numbaexp.exp(x), jnp.exp(x)
            assert result.devices() == expected.devices()
            assert result.committed == expected.committed
        sharded = jax.device_put(np.ones(4), NamedSharding(Mesh(jax.devices(), ("a",)), PartitionSpec("a")))
        try:
            numbaexp.exp(sharded)
        except ValueError as error:
            assert str(error) == f"`x` must be on one device; got an array on {first}, {second}", error
        else:
            raise AssertionError
        """,
        XLA_FLAGS="--xla_force_host_platform_device_count=2",
    )


def test_nothing_is_changed():
    x = jnp.ones(3)
    for call in (
        lambda: numbaexp.exp(x, out=jnp.ones(3)),
        lambda: numbaexp.exp(x, jnp.ones(3)),
        lambda: numbaexp.exp_(x),
    ):
        with pytest.raises(TypeError, match=r"^`out` must not be a JAX array: they cannot be changed$"):
            call()
    assert (x == 1).all()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: jnp.ones(2, "float8_e4m3fn"), r"float8_e4m3fn: convert it, `x.astype\('float32'\)`"),
        (lambda: jax.random.key(0), "key<fry>"),
    ],
)
def test_refused(make, said):
    with pytest.raises(TypeError, match=f"^`x` must be of a float, integer or bool type; got {said}$"):
        numbaexp.exp(make())


@pytest.mark.parametrize("function", [name for name in FAMILY if name != "exp10"])
def test_complex_numbers_are_computed_by_jax(function):
    x, ours = jnp.array([0.5 - 1j, -2 + 3j], "complex64"), getattr(numbaexp, function)
    expected = ours(np.asarray(x, "complex128"))
    for result in (ours(x), jax.jit(ours)(x)):
        assert result.dtype == x.dtype
        np.testing.assert_allclose(result, expected, rtol=1e-5)
    slope = jax.grad(ours, holomorphic=True)(x[0])
    step = 1e-6
    np.testing.assert_allclose(slope, (ours(complex(x[0]) + step) - ours(complex(x[0]))) / step, rtol=1e-4)
    with pytest.raises(TypeError, match=f"`{function}` does not take `where`"):
        ours(x, where=True)


def test_complex_numbers_that_jax_has_no_function_for():
    with pytest.raises(TypeError, match=r"^`x` must be of a float, integer or bool type; got complex64$"):
        numbaexp.exp10(jnp.ones(2, "complex64"))


def test_other_arguments():
    x = jnp.ones(3)
    with pytest.raises(TypeError, match="does not take `where`"):
        numbaexp.exp(x, where=True)
    with pytest.raises(TypeError, match=r"arrays of one library; got a .*ArrayImpl and a numpy.ndarray"):
        numbaexp.exp(x, out=np.ones(3))


def test_targets_and_warnings():
    x = jnp.asarray([-200.0, 200.0] * 500_000)
    expected = np.float32([0, np.inf] * 500_000)
    for target in ("cpu", "auto", "parallel"):
        with numbaexp.use_target(target), np.errstate(all="raise"):
            np.testing.assert_array_equal(numbaexp.exp(x), expected)


def test_results_outlive_their_arguments():
    results = [numbaexp.exp(jnp.full(1000, float(i % 5))) for i in range(200)]
    for i, result in enumerate(results):
        assert (result == numbaexp.exp(np.float32(i % 5))).all()
