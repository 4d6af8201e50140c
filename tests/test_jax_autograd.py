"""The functions where JAX traces them: compiled, differentiated and mapped over, with the bits of NumPy's arrays."""

import functools

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="what traces is JAX")

import jax.numpy as jnp
from helpers import ELEMENTWISE, FLOATS, OF_ROWS, SOFTMAX_LIKE, assert_same_bits, inside, saved_by
from jax.test_util import check_grads

import numbaexp

pytestmark = [
    pytest.mark.by_form,
    pytest.mark.checked(dtype=("float32", "float64", "int32")),
    pytest.mark.sampled(
        name=("exp", "exp_backward", "sigmoid", "softmax", "logsumexp"),
        dtype=("float32", "int32"),
        of_logits="float32",
        of_weight="None",
    ),
]

ml_dtypes = pytest.importorskip("ml_dtypes", reason="JAX's bfloat16 is that of ml_dtypes")

UNARY = (*ELEMENTWISE, *OF_ROWS)
ROWS = np.random.default_rng(5).normal(0, 2, (3, 4))
GRADS = np.random.default_rng(6).normal(0, 2, (3, 4))
CLASSES = np.array([2, 0, 3])
SHARES = np.random.default_rng(7).dirichlet(np.ones(4), 3)
WEIGHT = np.array([0.5, 2.0, 1.0, 0.25])
LOSSES = {
    "mean": {},
    "sum": {"reduction": "sum"},
    "none": {"reduction": "none"},
    "weighted": {"weight": WEIGHT},
    "smoothed": {"label_smoothing": 0.25, "reduction": "none"},
    "ignored": {"ignore_index": 0},
    "all": {"weight": WEIGHT, "label_smoothing": 0.25, "ignore_index": 0},
}


@pytest.fixture
def x64():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def in_type(array, dtype):
    return np.asarray(array).astype(jnp.dtype(dtype))


def backward(name, grad, x, **options):
    """The gradient, of arrays of NumPy's."""
    saved = getattr(numbaexp, name)(x, **options) if saved_by(name) == "output" else x
    return getattr(numbaexp, f"{name}_backward")(grad, saved, **options)


def pulled_back(function, x, grad):
    return jax.vjp(function, x)[1](grad)[0]


FUNCTIONS = {
    **{name: (getattr(numbaexp, name), (inside(name, ROWS),)) for name in UNARY},
    **{
        f"{name}_backward": (getattr(numbaexp, f"{name}_backward"), (GRADS, inside(name, ROWS)))
        for name in (*ELEMENTWISE, *SOFTMAX_LIKE)
    },
    "logsumexp_backward": (functools.partial(numbaexp.logsumexp_backward, axis=1), (GRADS[:, 0], ROWS)),
    "cross_entropy": (lambda x: numbaexp.cross_entropy(x, CLASSES), (ROWS,)),
    "cross_entropy all": (lambda x: numbaexp.cross_entropy(x, CLASSES, **LOSSES["all"]), (ROWS,)),
    "cross_entropy shares": (lambda x, t: numbaexp.cross_entropy(x, t, weight=WEIGHT), (ROWS, SHARES)),
    "cross_entropy_backward": (
        lambda g, x: numbaexp.cross_entropy_backward(g, x, CLASSES, weight=WEIGHT),
        (np.array(1.5), ROWS),
    ),
    "cross_entropy_backward shares": (
        lambda g, x, t: numbaexp.cross_entropy_backward(g, x, t, reduction="none"),
        (GRADS[:, 0], ROWS, SHARES),
    ),
}


OTHERS = {
    "softmax axis 0": (functools.partial(numbaexp.softmax, axis=0), (ROWS,)),
    "log_softmax axes": (functools.partial(numbaexp.log_softmax, axis=None), (ROWS,)),
    "logsumexp kept": (functools.partial(numbaexp.logsumexp, axis=-1, keepdims=True), (ROWS,)),
    "log_softmax of a scalar": (numbaexp.log_softmax, (np.array(0.5),)),
    "logsumexp of a scalar": (functools.partial(numbaexp.logsumexp, keepdims=True), (np.array(0.5),)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives(x64, name):
    """The first two, forward and in reverse, beside finite differences."""
    function, arrays = FUNCTIONS[name]
    check_grads(function, [jnp.asarray(array) for array in arrays], 2, modes=("fwd", "rev"))


@pytest.mark.parametrize("name", [*FUNCTIONS, *OTHERS])
@pytest.mark.parametrize("dtype", FLOATS)
def test_bits(x64, name, dtype):
    function, arrays = {**FUNCTIONS, **OTHERS}[name]
    if name in ("cross_entropy all", "cross_entropy shares", "cross_entropy_backward"):
        dtype = "float64"  # of their weights
    given = [in_type(array, dtype) for array in arrays]
    with np.errstate(all="ignore"):
        expected = function(*given)
    assert_same_bits(jax.jit(function)(*map(jnp.asarray, given)), expected)
    if not name.startswith("cross_entropy"):
        assert_same_bits(function(*map(jnp.asarray, given)), expected)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", UNARY)
def test_gradient_bits(x64, name, dtype):
    rng = np.random.default_rng(10)
    x, function = in_type(rng.uniform(-4, 4, (5, 40)), dtype), getattr(numbaexp, name)
    shape = {"logsumexp": (), "entropy": (5,)}.get(name, (5, 40))
    grad = in_type(rng.normal(0, 2, shape), dtype)
    expected = backward(name, grad, x)
    for pull in (pulled_back, jax.jit(pulled_back, static_argnums=0)):
        assert_same_bits(pull(function, jnp.asarray(x), jnp.asarray(grad)), expected)


def test_gradient_of_a_sum():
    x = jnp.asarray(ROWS, "float32")
    expected = numbaexp.exp_backward(np.ones((3, 4), np.float32), numbaexp.exp(np.asarray(x)))
    assert_same_bits(jax.grad(lambda x: numbaexp.exp(x).sum())(x), expected)
    value, grad = jax.value_and_grad(jax.jit(lambda x: numbaexp.exp(x).sum()))(x)
    assert value == numbaexp.exp(x).sum()
    assert_same_bits(grad, expected)


@pytest.mark.parametrize("options", LOSSES.values(), ids=LOSSES)
def test_gradient_bits_of_losses(x64, options):
    shape = numbaexp.cross_entropy(ROWS, CLASSES, **options).shape
    grad = GRADS[:, 0][: len(shape) * 3].reshape(shape) if shape else np.array(1.5)
    function = functools.partial(numbaexp.cross_entropy, targets=CLASSES, **options)
    expected = numbaexp.cross_entropy_backward(grad, ROWS, CLASSES, **options)
    for pull in (pulled_back, jax.jit(pulled_back, static_argnums=0)):
        assert_same_bits(pull(function, jnp.asarray(ROWS), jnp.asarray(grad)), expected)
    assert_same_bits(jax.jit(lambda x, t: numbaexp.cross_entropy(x, t, **options))(ROWS, CLASSES), function(ROWS))


PEERS = {
    "exp": jnp.exp,
    "exp2": jnp.exp2,
    "exp10": lambda x: jnp.power(10.0, x),
    "expm1": jnp.expm1,
    "sigmoid": jax.nn.sigmoid,
    "softplus": jax.nn.softplus,
    **{name: getattr(jnp, name) for name in ("log", "log2", "log10", "log1p", "sinh", "cosh", "tanh")},
    "log_sigmoid": jax.nn.log_sigmoid,
    "logit": jax.scipy.special.logit,
    "softmax": jax.nn.softmax,
    "log_softmax": jax.nn.log_softmax,
    "logsumexp": jax.nn.logsumexp,
}


@pytest.mark.parametrize("name", PEERS)
def test_beside_jax(x64, name):
    """The value, the Jacobian both ways and the Hessian of JAX's own functions."""
    x, ours, theirs = jnp.asarray(inside(name, ROWS[0])), getattr(numbaexp, name), PEERS[name]
    for transform in (jax.jit, jax.jacfwd, jax.jacrev, jax.hessian):
        np.testing.assert_allclose(transform(ours)(x), transform(theirs)(x), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", UNARY)
def test_mapped(x64, name):
    """A row in a batch is the row alone, whichever axis is mapped and whatever is done around or inside."""
    function, rows = getattr(numbaexp, name), inside(name, ROWS)
    x = jnp.asarray(rows)

    def gradient(row):
        return jax.grad(lambda row: (function(row) * 1.5).sum())(row)

    values = np.stack([function(row) for row in rows])
    gradients = np.stack([backward(name, np.full_like(values[0], 1.5), row) for row in rows])
    assert_same_bits(jax.vmap(function)(x), values)
    assert_same_bits(jax.jit(jax.vmap(function, 1))(x.T), values)
    assert_same_bits(jax.vmap(jax.vmap(function))(x.reshape(3, 1, 4))[:, 0], values)
    assert_same_bits(jax.vmap(gradient)(x), gradients)
    assert_same_bits(jax.jit(jax.vmap(jax.jit(gradient)))(x), gradients)
    assert_same_bits(jax.jit(jax.grad(lambda x: (jax.vmap(function)(x) * 1.5).sum()))(x), gradients)
    assert_same_bits(jax.jit(jax.grad(jax.checkpoint(lambda x: (jax.vmap(function)(x) * 1.5).sum())))(x), gradients)
    _, tangents = jax.jvp(jax.vmap(function), (x,), (jnp.asarray(GRADS),))
    alone = [jax.jvp(function, (row,), (jnp.asarray(grad),))[1] for row, grad in zip(x, GRADS, strict=True)]
    assert_same_bits(tangents, np.stack(alone))


@pytest.mark.parametrize("options", LOSSES.values(), ids=LOSSES)
def test_mapped_losses(x64, options):
    rng = np.random.default_rng(8)
    logits, targets = rng.normal(0, 3, (5, 3, 4)), rng.integers(0, 4, (5, 3))

    def loss(x, t):
        return numbaexp.cross_entropy(x, t, **options)

    def gradient(x, t):
        return jax.grad(lambda x: loss(x, t).sum())(x)

    values = np.stack([loss(x, t) for x, t in zip(logits, targets, strict=True)])
    ones = np.ones(values.shape[1:])
    pairs = list(zip(logits, targets, strict=True))
    gradients = np.stack([numbaexp.cross_entropy_backward(ones, x, t, **options) for x, t in pairs])
    assert_same_bits(jax.vmap(loss)(logits, targets), values)
    assert_same_bits(jax.vmap(gradient)(logits, targets), gradients)
    assert_same_bits(jax.jit(jax.grad(lambda x: jax.vmap(loss)(x, targets).sum()))(logits), gradients)
    nested = jax.vmap(jax.vmap(loss))(logits[:, None], targets[:, None])
    assert_same_bits(nested[:, 0], values)
    assert jax.vmap(loss)(logits[:0], targets[:0]).shape == (0, *values.shape[1:])


def test_mapped_weights(x64):
    weights = np.random.default_rng(9).uniform(0.5, 2, (5, 4))
    loss = functools.partial(numbaexp.cross_entropy, ROWS, CLASSES, reduction="none")
    assert_same_bits(jax.vmap(lambda w: loss(weight=w))(weights), np.stack([loss(weight=w) for w in weights]))
    with pytest.raises(
        NotImplementedError, match="`cross_entropy` has no rule for its gradient with respect to `weight`"
    ):
        jax.grad(lambda w: loss(weight=w).sum())(jnp.asarray(WEIGHT))


def test_mapped_in_part(x64):
    """The arguments that are not mapped are the same for all."""
    ys = numbaexp.softmax(ROWS)
    assert_same_bits(
        jax.vmap(numbaexp.softmax_backward, (None, 0))(GRADS[0], ys),
        np.stack([numbaexp.softmax_backward(GRADS[0], y) for y in ys]),
    )
    assert_same_bits(
        jax.vmap(numbaexp.exp_backward, (1, None), 1)(GRADS.T, ys[0]),
        np.stack([numbaexp.exp_backward(grad, ys[0]) for grad in GRADS], 1),
    )
    _, pull = jax.vjp(numbaexp.log_softmax, jnp.asarray(ROWS[0]))
    assert_same_bits(jax.vmap(pull)(GRADS)[0], np.stack([backward("log_softmax", grad, ROWS[0]) for grad in GRADS]))
    _, push = jax.linearize(numbaexp.logsumexp, jnp.asarray(ROWS[0]))
    (pulled,) = jax.linear_transpose(jax.vmap(push), GRADS)(np.ones(3))
    assert_same_bits(pulled, np.stack([backward("logsumexp", np.array(1.0), ROWS[0])] * 3))


def test_scan():
    x = jnp.asarray(ROWS[0], "float32")

    def step(carry, scale):
        carry = numbaexp.softmax(carry * scale)
        return carry, numbaexp.logsumexp(carry)

    def total(x):
        return jax.lax.scan(step, x, jnp.arange(1, 4, dtype="float32"))[1].sum()

    def unrolled(x):
        sums = []
        for scale in (1, 2, 3):
            x, last = step(x, np.float32(scale))
            sums.append(last)
        return jnp.stack(sums).sum()

    assert_same_bits(jax.jit(total)(x), unrolled(x))
    np.testing.assert_allclose(jax.grad(total)(x), jax.grad(unrolled)(x), rtol=1e-6)
    np.testing.assert_allclose(jax.jacfwd(total)(x), jax.grad(total)(x), rtol=1e-5)


@pytest.mark.parametrize("name", [f"{name}_backward" for name in (*ELEMENTWISE, *SOFTMAX_LIKE)])
def test_transposed(x64, name):
    """A gradient is linear in ``grad_output``."""
    function, (grad, saved) = getattr(numbaexp, name), (GRADS, numbaexp.log_softmax(ROWS))
    (transposed,) = jax.linear_transpose(lambda grad: function(grad, saved), grad)(jnp.asarray(ROWS))
    np.testing.assert_allclose((transposed * grad).sum(), (function(grad, saved) * ROWS).sum(), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int32", "int64"])
@pytest.mark.parametrize("wide", [False, True])
def test_integers(request, wide, dtype):
    if wide:
        request.getfixturevalue("x64")
    x = jnp.asarray(np.array([0, 1, 5]).astype(dtype))
    for name in UNARY:
        result = jax.jit(getattr(numbaexp, name))(x)
        assert result.dtype == jnp.exp(x).dtype
        with np.errstate(divide="ignore", invalid="ignore"):
            assert_same_bits(result, getattr(numbaexp, name)(np.asarray(x).astype(result.dtype)))


def test_types_without_64_bits():
    x = jax.jit(numbaexp.exp)(ROWS)
    assert x.dtype == np.float32
    assert jax.jit(numbaexp.exp)(1.0).dtype == np.float32
    assert jax.grad(numbaexp.exp)(1.0) == numbaexp.exp(np.float32(1))


def test_arrays_of_numpy_beside_traced_ones():
    grad, x = GRADS.astype(np.float32), ROWS.astype(np.float32)
    expected = numbaexp.sigmoid_backward(grad, x)
    assert_same_bits(jax.jit(lambda x: numbaexp.sigmoid_backward(grad, x))(x), expected)
    assert_same_bits(jax.jit(lambda grad: numbaexp.sigmoid_backward(grad, x))(grad), expected)
    loss = numbaexp.cross_entropy(x, CLASSES)
    for function in (
        lambda x: numbaexp.cross_entropy(x, CLASSES),
        lambda x: numbaexp.cross_entropy(x, CLASSES.tolist()),
        lambda x: numbaexp.cross_entropy(x, jnp.asarray(CLASSES)),
    ):
        assert_same_bits(jax.jit(function)(x), loss)
    assert_same_bits(
        jax.jit(lambda w: numbaexp.cross_entropy(x, CLASSES, weight=w))(jnp.asarray(WEIGHT, "float32")),
        numbaexp.cross_entropy(x, CLASSES, weight=WEIGHT.astype(np.float32)),
    )


def test_weak_numbers_take_the_type_of_the_others():
    x = jnp.asarray(ROWS, "bfloat16")
    result = jax.jit(lambda x: numbaexp.cross_entropy_backward(1.0, x, CLASSES))(x)
    assert_same_bits(result, numbaexp.cross_entropy_backward(1.0, np.asarray(x), CLASSES))


@pytest.mark.parametrize("transform", [jax.jit, jax.vmap, lambda f: jax.grad(lambda x: f(x).sum())])
def test_nothing_is_written_to(transform):
    x, kept = jnp.ones(3), np.ones(3, np.float32)
    for call in (
        lambda x: numbaexp.exp(x, out=x),
        lambda x: numbaexp.exp(kept, out=x),
        lambda x: numbaexp.exp(x, kept),
        lambda x: numbaexp.softmax(x, out=x),
        lambda x: numbaexp.exp_backward(x, x, out=x),
        numbaexp.exp_,
    ):
        with pytest.raises(
            TypeError, match=r"^`out` must not be given where JAX traces: its arrays cannot be changed; got"
        ):
            transform(call)(x)
    assert (kept == 1).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: numbaexp.exp(x, where=x > 0), TypeError, "`exp` does not take `where`"),
        (lambda x: numbaexp.softmax(x, dtype="int32"), TypeError, "`dtype` must be one of .*; got int32"),
        (lambda x: numbaexp.logsumexp(x, return_sign=True), TypeError, "`logsumexp` does not take `return_sign`"),
        (lambda x: numbaexp.softmax(x, axis=2), np.exceptions.AxisError, "axis 2 is out of bounds"),
        (lambda x: numbaexp.exp10(x + 1j), TypeError, "`x` must be of a float, integer or bool type; got complex64"),
        (
            lambda x: numbaexp.exp_backward(x[0], x),
            ValueError,
            r"`grad_output` must be of the shape of `output`, \(3, 4\); got \(4,\)",
        ),
        (
            lambda x: numbaexp.softmax_backward(x.astype("float16"), x),
            TypeError,
            "`grad_output` must be of the type of `output`, float32; got float16",
        ),
        (
            lambda x: numbaexp.logsumexp_backward(x[0], x, axis=1),
            ValueError,
            r"`grad_output` must be of the shape \(3,\) or \(3, 1\); got \(4,\)",
        ),
        (
            lambda x: numbaexp.cross_entropy(x, jnp.zeros(4, int)),
            ValueError,
            r"`targets` must be, as classes, of the shape \(3,\); got \(4,\)",
        ),
        (lambda x: numbaexp.cross_entropy(x, CLASSES, reduction="max"), ValueError, "`reduction` must be one of"),
        (
            lambda x: numbaexp.cross_entropy_backward(x[0], x, CLASSES),
            ValueError,
            r"`grad_output` must be of the shape of the loss, \(\); got \(4,\)",
        ),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error, match=message):
        jax.jit(call)(jnp.asarray(ROWS, "float32"))


def test_other_platforms_are_refused():
    """What is compiled for a GPU would be computed on the host, and copied there and back."""
    traced = jax.jit(numbaexp.exp).trace(jnp.ones(3))
    with pytest.raises(TypeError, match="`exp` is compiled by JAX for the CPU alone; got cuda"):
        traced.lower(lowering_platforms=("cuda",))
    traced.lower(lowering_platforms=("cpu",))


def test_errors_come_through():
    with pytest.raises(Exception, match="`targets` must be classes from 0 to 3; got 7"):
        jax.jit(numbaexp.cross_entropy)(jnp.ones((3, 4)), jnp.full(3, 7)).block_until_ready()


def test_no_warnings():
    x = jnp.asarray([-200.0, 200.0, np.nan])
    with np.errstate(all="raise"):
        result = jax.jit(numbaexp.exp)(x)
    np.testing.assert_array_equal(result, np.float32([0, np.inf, np.nan]))


def test_large_arrays_at_once(run_script):
    """On all of Numba's threads, from several of XLA's and of Python's."""
    run_script("""
        import threading
        import jax, jax.numpy as jnp, numpy as np, numbaexp
        x = np.random.default_rng(0).normal(0, 3, (1500, 1000)).astype(np.float32)
        both = jax.jit(lambda x: (numbaexp.exp(x), numbaexp.softmax(x), numbaexp.sigmoid(x)))
        expected = numbaexp.exp(x), numbaexp.softmax(x), numbaexp.sigmoid(x)
        wrong = []
        def work():
            for _ in range(3):
                results = both(x)
                wrong.extend(i for i in range(3) if np.asarray(results[i]).tobytes() != expected[i].tobytes())
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            numbaexp.exp(x)
        for thread in threads:
            thread.join()
        assert not wrong
    """)


def test_sharded_arrays(run_script):
    run_script(
        """
        import jax, jax.numpy as jnp, numpy as np, numbaexp
        from jax.sharding import Mesh, NamedSharding, PartitionSpec
        placed = NamedSharding(Mesh(jax.devices(), ("a",)), PartitionSpec("a"))
        x = np.arange(8, dtype=np.float32).reshape(4, 2)
        for function in (numbaexp.exp, numbaexp.softmax, lambda x: numbaexp.softmax(x, 0)):
            result = jax.jit(function)(jax.device_put(x, placed))
            assert np.asarray(result).tobytes() == function(x).tobytes()
        """,
        XLA_FLAGS="--xla_force_host_platform_device_count=2",
    )


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("of_weight", [None, "bfloat16", "float64"])
@pytest.mark.parametrize(
    ("of_logits", "of_targets"), [("float32", "float64"), ("bfloat16", "float16"), ("float64", "float32")]
)
def test_losses_of_types_that_differ(of_logits, of_targets, of_weight):
    """The loss is in the type that logits and probabilities promote to, each gradient in its own."""
    x, t = jnp.array(ROWS, of_logits), jnp.array(SHARES, of_targets)
    weight = None if of_weight is None else jnp.array(WEIGHT, of_weight)

    def function(x, t):
        return numbaexp.cross_entropy(x, t, weight)

    expected = numbaexp.cross_entropy(*(None if each is None else np.asarray(each) for each in (x, t, weight)))
    assert expected.dtype == jnp.promote_types(of_logits, of_targets)
    for loss in (function(x, t), jax.jit(function)(x, t)):
        assert_same_bits(loss, expected)
    by_logits, by_targets = jax.grad(function, (0, 1))(x, t)
    assert (by_logits.dtype, by_targets.dtype) == (x.dtype, t.dtype)

    def backward(x, t):
        return numbaexp.cross_entropy_backward(jnp.ones((), expected.dtype), x, t, weight)

    for gradient in (backward(x, t), jax.jit(backward)(x, t)):
        assert_same_bits(gradient, by_logits)
    value, tangent = jax.jvp(function, (x, t), (jnp.ones_like(x), jnp.ones_like(t)))
    assert tangent.dtype == value.dtype


def test_arrays_of_numpy_beside_those_of_jax():
    """JAX takes them in its own types; so do compiled functions."""
    x = jnp.array(ROWS, jnp.float32)
    expected = numbaexp.cross_entropy(np.float32(ROWS), np.float32(SHARES))
    for function in (numbaexp.cross_entropy, jax.jit(numbaexp.cross_entropy)):
        assert_same_bits(function(x, SHARES), expected)
    one_hot = np.eye(4, dtype=int)[CLASSES]
    for function in (numbaexp.cross_entropy, jax.jit(numbaexp.cross_entropy)):
        with pytest.raises(TypeError, match=r"convert one-hot targets to a float type, or give their classes"):
            function(x, one_hot)
