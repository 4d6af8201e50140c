"""Elementwise functions that users write, on JAX's arrays: the bits of NumPy's, promotion and derivatives of JAX."""

import functools

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="the arrays are JAX's")

import jax.numpy as jnp
from custom_functions import elu, gaussian, waves
from helpers import TESTS, assert_same_bits
from jax.test_util import check_grads

import numbaexp
from numbaexp.cpu import custom_ufunc
from numbaexp.target import SERIAL_BELOW

pytestmark = pytest.mark.sampled(name=("gaussian",), dtype=("float16", "float32"), shape=("float32[a, b]",))

# For processes of their own: a program that was exported finds a function by what that is made of.
FUNCTIONS = (TESTS / "custom_functions.py").read_text()
BY_NAME = {"gaussian": gaussian, "elu": elu, "waves": waves}
TWO_DEVICES = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
RNG = np.random.default_rng(0)
X, MU, SIGMA = (RNG.uniform(0.5, 2.0, shape).astype(np.float32) for shape in ((2, 3), (3,), ()))


@pytest.fixture
def x64():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def assert_all(results, expected):
    results, expected = (each if isinstance(each, tuple) else (each,) for each in (results, expected))
    assert len(results) == len(expected)
    for result, wanted in zip(results, expected, strict=True):
        assert isinstance(result, jax.Array)
        assert (result.shape, result.dtype) == (wanted.shape, wanted.dtype)
        assert_same_bits(np.asarray(result), wanted)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("name", BY_NAME)
def test_bits(name, dtype):
    """Run once and again, compiled, with numbers beside arrays, small and large, and without elements."""
    function = BY_NAME[name]
    for shape in ((2, 3), (3, SERIAL_BELOW), (0, 2)):
        arrays = [RNG.normal(2, 1, size).astype(jnp.dtype(dtype)) for size in (shape, shape[1:], ())]
        for number in (0.75, jnp.asarray(arrays[2])):
            given = [*arrays[: function.nin - 1], number]
            expected = function(*arrays[: function.nin - 1], np.asarray(number, jnp.dtype(dtype)))
            of_jax = [each if type(each) is float else jnp.asarray(each) for each in given]
            for _ in range(3):
                assert_all(function(*of_jax), expected)
            assert_all(jax.jit(function)(*of_jax), expected)


@pytest.mark.parametrize(
    "arguments",
    [
        (np.arange(3), 0, 1),
        (np.arange(3), 0.5, 1),
        (np.ones(2, bool), 1, np.int8(1)),
        (np.ones(2, "float16"), 0.5, 1),
        (np.ones(2, "float16"), 0.5, np.ones(2, "float32")),
        (np.ones(2, "float16"), np.ones(1, jnp.bfloat16), 1.0),
        (0.0, np.ones(2, "float16"), np.arange(1, 3)),
        (0, 1, np.ones(2, jnp.bfloat16)),
        (np.arange(3, dtype="uint64"), 0.5, np.float32(1)),
    ],
    ids=str,
)
@pytest.mark.parametrize("wide", [False, True])
def test_promotion(arguments, wide, request):
    """As ``jax.numpy`` promotes, traced or not, with numbers that are weak."""
    if wide:
        request.getfixturevalue("x64")
    given = [jnp.asarray(each) if isinstance(each, np.ndarray) else each for each in arguments]
    wanted = jnp.exp(functools.reduce(jnp.add, given)).dtype
    results = [gaussian(*given) for _ in range(3)] + [jax.jit(gaussian)(*given)]
    for result in results:
        assert result.dtype == wanted
        assert not result.weak_type
        assert_same_bits(np.asarray(result), np.asarray(results[0]))


def test_arrays_of_numpy_and_of_jax():
    expected = gaussian(X, MU, SIGMA)
    for _ in range(3):
        assert_all(gaussian(X, jnp.asarray(MU), SIGMA), expected)
    assert_all(jax.jit(lambda mu: gaussian(X, mu, SIGMA))(MU), expected)


@pytest.mark.checked(name="gaussian")
@pytest.mark.parametrize("name", BY_NAME)
def test_derivatives(x64, name):
    """First and second ones, forwards and backwards, of arrays that are broadcast and of numbers."""
    function = BY_NAME[name]
    given = [jnp.asarray(each, "float64") for each in (X, MU, SIGMA)[: function.nin]]
    check_grads(function, given, 2, modes=("fwd", "rev"))
    check_grads(lambda x: function(x, *[1.5] * (function.nin - 1)), given[:1], 2, modes=("fwd", "rev"))


def test_all_gradients_come_from_one_call():
    def total(x, mu, sigma):
        return gaussian(x, mu, sigma).sum()

    expected = gaussian.backward(np.ones_like(X), X, MU, SIGMA)
    for compiled in (jax.grad, lambda *args: jax.jit(jax.grad(*args))):
        made = compiled(total, (0, 1, 2))(X, MU, SIGMA)
        assert_all(made[0], expected[0])
        np.testing.assert_allclose(made[1], expected[1].sum(0), rtol=1e-6)
        np.testing.assert_allclose(made[2], expected[2].sum(), rtol=1e-6)
        assert [each.shape for each in made] == [(2, 3), (3,), ()]
    traced = str(jax.make_jaxpr(jax.grad(total, (0, 1, 2)))(X, MU, SIGMA))
    assert traced.count("numbaexp_custom") == 2
    both = str(jax.make_jaxpr(jax.grad(lambda x: sum(each.sum() for each in waves(x, 0.5))))(X))
    assert both.count("numbaexp_custom") == 2
    # No broadcast copy is made of a number.
    assert "f32[2,3] = broadcast" not in str(jax.make_jaxpr(lambda x: gaussian(x, 0.0, SIGMA))(X))


def test_batches():
    numbers = np.linspace(1, 2, 4, dtype=np.float32)
    batch = RNG.normal(size=(4, 2, 3)).astype(np.float32)
    one = gaussian(X, MU, SIGMA)
    assert_all(jax.vmap(gaussian, (0, None, None))(batch, MU, SIGMA), gaussian(batch, MU, SIGMA))
    assert_all(jax.vmap(gaussian, (None, None, 0))(X, MU, numbers), gaussian(X, MU, numbers[:, None, None]))
    assert_all(
        jax.vmap(gaussian, (0, 0, None), 1)(batch[:, 0], batch[:, 1], 2.0),
        gaussian(*batch[:, :2].swapaxes(0, 1), SIGMA * 0 + 2).T,
    )
    assert_all(jax.vmap(gaussian, (0, None, None))(numbers, 0.5, 1.5), gaussian(numbers, 0.5, 1.5))
    assert_all(jax.vmap(waves, (2, None))(np.moveaxis(batch, 0, 2), MU), waves(batch, MU))
    assert_all(
        jax.vmap(jax.vmap(gaussian, (0, None, 0)), (None, 0, None))(X[0], MU, X[1]), gaussian(X[0], MU[:, None], X[1])
    )
    per_example = jax.vmap(jax.grad(gaussian, (0, 1, 2)), (0, None, None))(MU, 0.5, 1.5)
    assert_all(per_example, gaussian.backward(np.ones_like(MU), MU, 0.5, 1.5))
    assert_all(gaussian(jnp.asarray(X), MU, SIGMA), one)


def test_hessian(x64):
    def cost(p):
        return gaussian(p[0], p[1], p[2])

    given = jnp.array([0.3, 0.1, 1.2])
    step, steps = 1e-5, np.eye(3) * 1e-5
    expected = [(jax.grad(cost)(given + each) - jax.grad(cost)(given - each)) / (2 * step) for each in steps]
    for hessian in (jax.hessian(cost), jax.jit(jax.hessian(cost))):
        np.testing.assert_allclose(hessian(given), expected, rtol=1e-7, atol=1e-9)


def test_a_users_own_gradient():
    @numbaexp.elementwise
    def square(x):
        return x * x

    @square.gradient
    def _(grad_output, result, x):
        return grad_output * (2.0 * x + 1.0)

    assert jax.grad(square)(1.5) == 4.0
    assert jax.jvp(square, (1.5,), (2.0,)) == (2.25, 8.0)
    assert jax.grad(jax.grad(square))(1.5) == 2.0


def test_redefined():
    """A function of the same name is another, in what is compiled too."""

    def make(factor):
        @numbaexp.elementwise
        def scaled(x):
            return factor * x

        return scaled

    first, second = make(2.0), make(3.0)
    for _ in range(3):
        assert (first(jnp.ones(2)) == 2.0).all()
        assert (second(jnp.ones(2)) == 3.0).all()


def test_refused():
    x = jnp.ones(2)
    with pytest.raises(TypeError, match=r"^`mu` must be of a float, integer or bool type; got complex64$"):
        gaussian(x, x * 1j, 1.0)
    for compiled in (gaussian, jax.jit(gaussian)):
        with pytest.raises(ValueError, match="broadcast"):
            compiled(x, jnp.ones(3), 1.0)
    with pytest.raises(TypeError, match=r"^`out` must not be a JAX array: they cannot be changed"):
        gaussian(x, 0.0, 1.0, out=x)
    with pytest.raises(TypeError, match=r"^`out` must not be given where JAX traces"):
        jax.jit(lambda x: gaussian(x, 0.0, 1.0, out=np.ones(2)))(x)
    with pytest.raises(TypeError, match=r"`gaussian` does not take `where`"):
        gaussian(x, 0.0, 1.0, where=True)
    with pytest.raises(NotImplementedError, match=r"^`gaussian` is not linear"):
        jax.linear_transpose(lambda x: gaussian(x, 0.0, 1.0), x)(x)


@pytest.mark.parametrize(
    ("arrays", "results"),
    [((X, X), 1), ((X, X, X, X), 1), ((X, X, X), 2), ((X, X, X[:1]), 1), ((X, X, X.astype(np.float16)), 1)],
    ids=["few", "many", "results", "shape", "type"],
)
def test_other_calls_are_refused(arrays, results):
    """Of a program that somebody else wrote."""

    def call(*arrays):
        made = [jax.ShapeDtypeStruct(X.shape, X.dtype)] * results
        return jax.ffi.ffi_call("numbaexp", made)(*arrays, function=gaussian.operation.kernel)

    with pytest.raises(jax.errors.JaxRuntimeError, match=r"INVALID_ARGUMENT: .*numbaexp has no such function of such"):
        jax.block_until_ready(jax.jit(call)(*arrays))


def test_donated(recwarn):
    run = jax.jit(lambda x: gaussian(x, MU, SIGMA), donate_argnums=0)
    given = jnp.array(X)
    assert_all(run(given), gaussian(X, MU, SIGMA))
    assert given.is_deleted()


def test_devices(run_script):
    """Each of several computes its part; inside ``shard_map`` gradients of what they share are added up."""
    run_script(
        FUNCTIONS
        + r"""
import re
import jax, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
mesh = Mesh(jax.devices(), ("a",))
x = np.random.default_rng(0).normal(0, 1, (8, 6)).astype(np.float32)
mu, sigma = x[0].copy(), np.float32(2)
def same(a, b):
    return np.asarray(a).tobytes() == np.asarray(b).tobytes()
def bell(x, sigma=2.0):
    return gaussian(x, mu, sigma)
for spec, part in ((P("a"), "4,6,1"), (P(None, "a"), "8,3,1")):
    given = jax.device_put(x, NamedSharding(mesh, spec))
    for function in (bell, lambda x: waves(x, 2.0)[1]):
        compiled = jax.jit(function).lower(given).compile()
        assert same(compiled(given), function(x)), function
        assert f"f32[{part}]" in compiled.as_text() and "all-gather" not in compiled.as_text()
    grad = jax.jit(jax.grad(lambda x, sigma: bell(x, sigma).sum(), (0, 1)))
    assert same(grad(given, 2.0)[0], grad(x, 2.0)[0])
assert same(jax.pmap(bell)(x.reshape(2, 4, 6)), bell(x))
def gradient(function):
    return jax.jit(jax.grad(lambda sigma: (function(x, sigma) ** 2).sum()))
for function in (bell, lambda x, sigma: gaussian(sigma, mu, x + 5.0), lambda x, sigma: numbaexp.exp(x) * sigma):
    mapped = jax.shard_map(function, mesh=mesh, in_specs=(P("a"), P()), out_specs=P("a"))
    assert same(mapped(x, sigma), function(x, sigma))
    made, wanted = gradient(mapped), gradient(function)
    np.testing.assert_allclose(made(2.0), wanted(2.0), rtol=1e-5)
    np.testing.assert_allclose(jax.jacfwd(made)(2.0), jax.jacfwd(wanted)(2.0), rtol=1e-4)
second = jax.devices()[1]
for _ in range(3):
    result = gaussian(0.5, jax.device_put(x, second), 2.0)
    assert result.devices() == {second} and result.committed
try:
    gaussian(jax.device_put(x, NamedSharding(mesh, P("a"))), 0.0, 1.0)
except ValueError as error:
    assert "must be on one device" in str(error)
else:
    raise AssertionError
""",
        **TWO_DEVICES,
    )


@pytest.mark.checked(shape="float32[a, b]")
@pytest.mark.parametrize("shape", ["float32[2, 3]", "float32[a, b]"])
def test_exported(run_script, tmp_path, shape):
    """A process that has decorated the same function runs the program and its derivatives; another refuses."""
    pytest.importorskip("flatbuffers", reason="JAX serializes by it")
    file = str(tmp_path / "exported")
    run_script(f"""{FUNCTIONS}
import jax
from jax import export
allowed = [export.DisabledSafetyCheck.custom_call("numbaexp")]
dtype, _, dimensions = {shape!r}.strip("]").partition("[")
given = jax.ShapeDtypeStruct(export.symbolic_shape(dimensions), dtype), jax.ShapeDtypeStruct((), dtype)
made = export.export(jax.jit(lambda x, s: gaussian(x, 0.5, s)), disabled_checks=allowed)(*given)
open({file!r}, "wb").write(made.serialize(vjp_order=2))
""")
    reads = f"""
import jax, numpy as np
from jax import export
read = export.deserialize(bytearray(open({file!r}, "rb").read()))
x, s = np.linspace(-3, 3, 6, dtype="float32").reshape(2, 3), np.float32(2)
def same(a, b):
    return np.asarray(a).tobytes() == np.asarray(b).tobytes()
"""
    run_script(f"""{FUNCTIONS}{reads}
assert same(read.call(x, s), gaussian(x, np.float32(0.5), s))
of_x, of_s = read.vjp().call(x, s, np.ones_like(x))
assert same(of_x, gaussian.backward(np.ones_like(x), x, np.float32(0.5), s)[0])
second = read.vjp().vjp().call(x, s, np.ones_like(x), np.ones_like(x), np.float32(0))
wanted = jax.grad(lambda x: jax.grad(lambda x: gaussian(x, 0.5, s).sum())(x).sum())(x)
np.testing.assert_allclose(second[0], wanted, rtol=1e-6)
""")
    run_script(f"""import numbaexp{reads}
try:
    read.call(x, s)
except jax.errors.JaxRuntimeError as error:
    assert "no such function of such arrays: 'gaussian_" in str(error) and "decorated here too" in str(error)
else:
    raise AssertionError
""")


def test_compiled_programs_on_disk(run_script, tmp_path):
    """JAX's own cache hands a program to a process in which nothing lies at the same addresses."""
    source = f"""{FUNCTIONS}
import jax, numpy as np
jax.config.update("jax_compilation_cache_dir", {str(tmp_path)!r})
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
hits = []
jax.monitoring.register_event_listener(lambda event, **_: hits.append(event) if "cache_hits" in event else None)
x = np.linspace(-3, 3, 6, dtype="float32")
made = jax.jit(lambda x: gaussian(x, 0.5, 2.0))(x)
assert np.asarray(made).tobytes() == gaussian(x, np.float32(0.5), np.float32(2)).tobytes()
print(len(hits))
"""
    assert int(run_script(source)) == 0
    assert int(run_script("import numpy\nroom = [numpy.empty(10**6) for _ in range(9)]\n" + source)) > 0


def test_loops_compile_when_they_are_called():
    @numbaexp.elementwise
    def shifted(x):
        return x + 0.8125

    before = custom_ufunc.serial_loop.cache_info().misses
    traced = jax.jit(shifted).lower(X).compile()
    assert custom_ufunc.serial_loop.cache_info().misses == before
    assert_all(traced(X), shifted(X))
