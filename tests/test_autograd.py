"""The tape: what a user of tensors is promised."""

import doctest
import sys
import threading
import types

import numpy as np
import pytest
from helpers import ELEMENTWISE, SOFTMAX_LIKE, assert_same_bits, inside

import numbaexp
from numbaexp import autograd
from numbaexp.derivatives.rule import Rule
from numbaexp.derivatives.rules import RULES

VALUES = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])


def same_bits(tensor, expected):
    assert_same_bits(tensor.detach().data, expected)


def leaf(values=VALUES):
    return autograd.tensor(values, requires_grad=True)


@pytest.mark.parametrize("name", [name for name in autograd.__all__ if name != "GradcheckError"])
def test_docstring(name):
    public = getattr(autograd, name)
    for line in ("Accuracy:", "Special values:"):
        assert line in public.__doc__
    example = doctest.DocTestParser().get_doctest(public.__doc__, {}, name, None, None)
    report = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=report.append)
    assert example.examples
    assert not report, "".join(report)


def test_it_is_loaded_when_it_is_asked_for(run_script):
    run_script("""
        import sys, numbaexp
        assert "numbaexp.autograd" not in sys.modules
        assert numbaexp.autograd.tensor([1.0]).item() == 1.0
        try:
            numbaexp.nothing
        except AttributeError as error:
            assert "nothing" in str(error)
        else:
            raise AssertionError
        assert not {"torch", "jax", "cupy"} & set(sys.modules)
    """)


def test_tensors():
    array = np.arange(3.0, dtype=np.float32)
    x = autograd.tensor(array, requires_grad=True)
    array[0] = 7
    assert x.data[0] == 0  # a copy
    assert (x.shape, x.ndim, x.size, x.dtype, x.is_leaf, x.requires_grad) == ((3,), 1, 3, np.float32, True, True)
    assert x.grad is None
    assert x.grad_fn is None
    y = numbaexp.exp(x)
    assert type(y) is autograd.Tensor
    assert (y.is_leaf, y.requires_grad, y.dtype) == (False, True, np.float32)
    assert repr(y.grad_fn) == "<ExpBackward>"
    assert repr(numbaexp.log_softmax(x).grad_fn) == "<LogSoftmaxBackward>"
    assert repr((x + 1).grad_fn) == "<AddBackward>"
    assert repr(x) == "tensor([0., 1., 2.], dtype=float32, requires_grad=True)"
    assert repr(autograd.tensor(1)) == "tensor(1)"
    assert x[1].item() == 1.0
    assert float(x[1]) == 1.0
    assert len(x) == 3
    assert [each.item() for each in x] == [0, 1, 2]
    assert bool(x[1])
    assert x in {x}
    np.testing.assert_array_equal(x > 1, [False, False, True])
    np.testing.assert_array_equal(x == autograd.tensor([0, 5, 2]), [True, False, True])
    for made in (y[0], y.sum(), numbaexp.logsumexp(x), autograd.tensor(1.0)):
        assert type(made.data) is np.ndarray


@pytest.mark.parametrize("data", [1, [1, 2], True, 1j, np.longdouble(1)])
def test_types_without_gradients(data):
    assert not autograd.tensor(data).requires_grad
    with pytest.raises(TypeError, match="`requires_grad` needs elements of type float16, bfloat16, float32, float64"):
        autograd.tensor(data, requires_grad=True)


@pytest.mark.sampled(dtype="float32")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_gradients_have_the_type_and_shape_of_their_leaves(dtype):
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes", reason="bfloat16 is a type of ml_dtypes").bfloat16
    x = leaf(np.ones((2, 3), dtype))
    wide = leaf(np.ones(3))
    (numbaexp.exp(x) * wide).sum().backward()
    assert (x.grad.dtype, x.grad.shape) == (np.dtype(dtype), (2, 3))
    assert (wide.grad.dtype, wide.grad.shape) == (np.float64, (3,))


def test_masked_arrays_are_refused():
    with pytest.raises(TypeError, match="`data` must not be a masked array"):
        autograd.tensor(np.ma.ones(3))


# Arithmetic.


def _in_place(a, b):
    made = a * 1
    made += b
    made *= b
    made -= a
    made /= b + 2
    made **= 2
    return numbaexp.sigmoid_(made)


ARITHMETIC = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "a * b": lambda a, b: a * b,
    "a / b": lambda a, b: a / b,
    "a ** b": lambda a, b: a**b,
    "2 + a, a + 2": lambda a, b: (2 + a) * (a + 2) + b,
    "2 - a, a - 2": lambda a, b: (2 - a) * (a - 2) + b,
    "2 / a, a / 2": lambda a, b: (2 / a) + (a / 2) * b,
    "2 ** a, a ** 2": lambda a, b: 2**a + b**2 + a**0.5,
    "-a": lambda a, b: -a * b,
    "log": lambda a, b: (a * b).log(),
    "sum": lambda a, b: a.sum(0) * b.sum(-1, keepdims=True) + a.sum(),
    "mean": lambda a, b: a.mean(1) + b.mean((0, 1)) + b.mean(0, keepdims=True)[0, 0],
    "reshape": lambda a, b: a.reshape(3, 2) @ b.reshape((2, 3)),
    "transpose": lambda a, b: a.T @ b + a.transpose(1, 0) @ b.transpose((0, 1)),
    "index": lambda a, b: a[0] * b[:, 1:].sum() + a[..., 1][np.array([0, 0, 1])],
    "repeated index": lambda a, b: a[np.array([0, 0, 1]), np.array([1, 1, 2])] * b[b > 1][0],
    "new axis": lambda a, b: a[:, None, ::2] * b[:, 0],
    "astype": lambda a, b: a.astype(np.float64) * b.clone(),
    "in place": _in_place,
}


@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic(name):
    rng = np.random.default_rng(1)
    a, b = leaf(rng.uniform(0.5, 1.5, (2, 3))), leaf(rng.uniform(0.5, 1.5, (2, 3)))
    if "sum" in name:
        b = leaf(rng.uniform(0.5, 1.5, (3, 3)))
    if name == "mean":
        a, b = leaf(rng.uniform(0.5, 1.5, (3, 2))), leaf(rng.uniform(0.5, 1.5, (2, 2)))
    assert autograd.gradcheck(ARITHMETIC[name], (a, b))
    assert autograd.gradgradcheck(ARITHMETIC[name], (a, b))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((2,), (2, 3)),
        ((2, 3), (3, 2)),
        ((4, 2, 3), (3, 2)),
        ((3,), (4, 3, 2)),
        ((4, 2, 3), (3,)),
        ((1, 2, 3), (4, 3, 2)),
    ],
)
def test_matrix_products(left, right):
    rng = np.random.default_rng(1)
    a, b = leaf(rng.standard_normal(left)), leaf(rng.standard_normal(right))
    same_bits(a @ b, a.data @ b.data)
    assert autograd.gradcheck(lambda a, b: a @ b, (a, b))
    assert autograd.gradgradcheck(lambda a, b: a @ b, (a, b))
    same_bits(a.data @ b, a.data @ b.data)
    assert (a.data @ b).requires_grad


def test_powers_of_zero():
    a, b = leaf(np.zeros(3)), leaf(np.array([0.0, 1.0, 2.0]))
    (a**b).sum().backward()
    np.testing.assert_array_equal(a.grad, [0, 1, 0])
    np.testing.assert_array_equal(b.grad, [0, 0, 0])


def test_broadcasting():
    from hypothesis import given, settings
    from hypothesis.extra.numpy import mutually_broadcastable_shapes

    functions = [
        lambda a, b: numbaexp.exp(a) * b,
        lambda a, b: a / (numbaexp.sigmoid(b) + 1),
        lambda a, b: numbaexp.softplus(a - b),
        lambda a, b: (a + b * a).sum(),
        lambda a, b: numbaexp.softmax(a * b + a, None),
    ]

    @settings(deadline=None, max_examples=25)
    @given(mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=2))
    def check(found):
        rng = np.random.default_rng(2)
        a, b = (leaf(rng.standard_normal(shape)) for shape in found.input_shapes)
        for function in functions:
            assert autograd.gradcheck(function, (a, b))
        assert autograd.gradgradcheck(functions[0], (a, b))

    check()


@pytest.mark.parametrize("other", [VALUES, np.float64(2), np.float32(2), 2, 2.0, True])
def test_numpy_on_the_left(other):
    x = leaf()
    for result, expected in (
        (other + x, other + VALUES),
        (other - x, other - VALUES),
        (other * x, other * VALUES),
        (other / x, other / VALUES),
    ):
        assert type(result) is autograd.Tensor
        assert result.requires_grad
        same_bits(result, expected)


def test_numpys_functions_refuse():
    x = leaf()
    for call in (
        lambda: np.exp(x),
        lambda: np.add(VALUES, x),
        lambda: np.sum(x),
        lambda: np.concatenate([x, x]),
        lambda: np.exp(autograd.tensor(VALUES)),
        lambda: x + np.ma.ones(3),
        lambda: x @ 2,
    ):
        with pytest.raises((TypeError, RuntimeError)):
            call()
    with pytest.raises(RuntimeError, match="would lose its history"):
        np.asarray(x)
    with pytest.raises(RuntimeError, match="would lose its history"):
        x.numpy()
    assert np.asarray(x.detach()).base is None
    assert x.detach().numpy() is x.data


@pytest.mark.parametrize("way", [{"where": VALUES > 0}, {"dtype": np.float32}, {"subok": True}])
def test_what_the_functions_do_not_take(way):
    with pytest.raises(TypeError, match=f"of a tensor of `numbaexp.autograd` `exp` does not take `{next(iter(way))}`"):
        numbaexp.exp(leaf(), **way)


def test_what_rows_do_not_take():
    with pytest.raises(TypeError, match=r"of a tensor of `numbaexp.autograd` `logsumexp` does not take `return_sign`"):
        numbaexp.logsumexp(leaf(), return_sign=True)
    with pytest.raises(NotImplementedError, match="no rule for its gradient with respect to `weight`"):
        numbaexp.cross_entropy(VALUES, [0, 1], weight=leaf(np.ones(3)))


# Gradients.


def test_exp_saves_its_result_alone():
    x = leaf()
    y = numbaexp.exp(x)
    (saved,) = y.grad_fn.saved.values()
    assert saved.array is y.data
    above = VALUES + 1
    y.backward(above)
    same_bits(x.grad, numbaexp.exp_backward(above, y.data))


def test_gradients_add_up():
    x = leaf()
    for count in (1, 2, 3):
        (x * 3).sum().backward()
        same_bits(x.grad, np.full(VALUES.shape, 3.0 * count))
    x.zero_grad()
    assert x.grad is None
    (numbaexp.exp(x) + x * x + x).sum().backward()
    np.testing.assert_allclose(x.grad, np.exp(VALUES) + 2 * VALUES + 1, 1e-14)


def test_gradients_share_memory_with_nothing():
    above = np.ones(VALUES.shape)
    leaves = x, y, z, w, v = [leaf() for _ in range(5)]
    (x + y).backward(above)
    (z.reshape(6) + w.T.T.reshape(6)).backward(above.reshape(6))
    v.backward(above)
    grads = [each.grad.data for each in leaves] + [above]
    for i, one in enumerate(grads):
        assert all(not np.may_share_memory(one, other) for other in grads[:i])
    before, kept = x.grad, x.grad.data.copy()
    x.sum().backward()
    same_bits(before, kept)
    (found,) = autograd.grad(x, x, above)
    assert not np.may_share_memory(found.data, above)
    (found,) = autograd.grad(x, x, autograd.tensor(above), create_graph=True)
    assert not np.may_share_memory(found.data, above)


def test_backward_of_many_elements_needs_a_gradient():
    x = leaf()
    with pytest.raises(RuntimeError, match=r"`gradient` must be given .* the shape \(2, 3\)"):
        numbaexp.exp(x).backward()
    with pytest.raises(ValueError, match=r"`gradient` must be of the shape of the output, \(2, 3\); got \(3,\)"):
        numbaexp.exp(x).backward(np.ones(3))
    with pytest.raises(RuntimeError, match="does not require grad"):
        autograd.tensor(1.0).backward()


def test_a_second_time():
    x = leaf()
    y = numbaexp.exp(x)
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    same_bits(x.grad, 2 * y.data)
    with pytest.raises(RuntimeError, match=r"^ExpBackward was gone through before.*`retain_graph=True`"):
        y.sum().backward()
    with pytest.raises(RuntimeError, match=r"^ExpBackward was gone through before"):
        autograd.grad(y.sum(), x)
    same_bits(x.grad, 2 * y.data)
    # What has saved nothing can be gone through again.
    shared = x.reshape(6) + 1
    for _ in range(2):
        (shared * 2).sum().backward()


def test_no_grad():
    x = leaf()

    @autograd.no_grad()
    def compute():
        return numbaexp.exp(x)

    with autograd.no_grad():
        assert not (x * 2).requires_grad
        seen = []
        thread = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        thread.start()
        thread.join()
        x += 1
    assert seen == [True]
    assert not compute().requires_grad
    assert (x * 2).requires_grad
    same_bits(x, VALUES + 1)
    with pytest.raises(ZeroDivisionError), autograd.no_grad():
        raise ZeroDivisionError
    assert (x * 2).requires_grad


def test_detach():
    x = leaf()
    y = numbaexp.exp(x)
    (y.detach() * y).sum().backward()
    np.testing.assert_allclose(x.grad, np.exp(2 * VALUES), 1e-14)
    assert y.detach().data is y.data
    # A change of the one is one of the other.
    z = numbaexp.exp(x)
    d = z.detach()
    d *= 2
    with pytest.raises(RuntimeError, match="ExpBackward needs `result` as it was"):
        z.sum().backward()
    # It has no history to fall behind with.
    z = x * 2
    d = z.detach()
    z += 1
    same_bits(d + 0, z.data)


def test_requires_grad():
    x = autograd.tensor(VALUES)
    assert x.requires_grad_() is x
    y = x * 2
    with pytest.raises(RuntimeError, match="of a leaf alone"):
        y.requires_grad = False
    x.requires_grad = False
    assert not (x * 2).requires_grad


def test_data_and_grad_are_checked():
    x = leaf()
    y = numbaexp.sigmoid(x)
    x.data -= 1.0
    same_bits(x, VALUES - 1)
    with pytest.raises(RuntimeError, match="SigmoidBackward needs `x` as it was"):
        y.sum().backward()
    with pytest.raises(TypeError, match="`data` must be an array as before; got list"):
        x.data = [1.0]
    with pytest.raises(ValueError, match=r"`data` must be of shape \(2, 3\) and type float64; got \(3,\) and float64"):
        x.data = np.ones(3)
    with pytest.raises(TypeError, match="`grad` must be a tensor or None; got ndarray"):
        x.grad = VALUES
    with pytest.raises(ValueError, match=r"`grad` must be of the shape of the tensor, \(2, 3\); got \(3,\)"):
        x.grad = autograd.tensor(np.ones(3))
    x.grad = autograd.tensor(VALUES)
    x.sum().backward()
    same_bits(x.grad, VALUES + 1)


# In place.


@pytest.mark.by_form
@pytest.mark.sampled(name=("exp", "sigmoid"))
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_in_place(name):
    x = leaf(inside(name, VALUES))
    apart = x * 1
    expected = getattr(numbaexp, name)(apart)
    for call in (getattr(numbaexp, f"{name}_"), lambda y: getattr(numbaexp, name)(y, out=y)):
        y = x * 1
        array = y.data
        assert call(y) is y
        assert y.data is array
        same_bits(y, expected.data)
        same_bits(*_gradients([y, expected], x))


def _gradients(outputs, x):
    first, second = (autograd.grad(output, x, VALUES, retain_graph=True)[0] for output in outputs)
    return first, second.data


@pytest.mark.parametrize("name", SOFTMAX_LIKE)
def test_rows_in_place(name):
    x = leaf()
    y = x * 1
    function = getattr(numbaexp, name)
    assert function(y, out=(y,)) is y
    same_bits(*_gradients([y, function(x)], x))


def test_in_place_on_a_leaf():
    x = leaf()
    for call in (lambda: numbaexp.exp_(x), lambda: x.__iadd__(1), lambda: numbaexp.softmax(x, out=x)):
        with pytest.raises(RuntimeError, match="would change a leaf that requires grad"):
            call()
    same_bits(x, VALUES)
    plain = autograd.tensor(VALUES)
    plain *= x
    assert not plain.is_leaf
    plain.sum().backward()
    same_bits(x.grad, VALUES)


def test_in_place_through_a_view():
    y = leaf() * 1
    for view in (y[0], y.reshape(6), y.T, y.transpose(1, 0), y.detach()):
        with pytest.raises(RuntimeError, match="through a view of it"):
            view.__imul__(leaf(np.float64(2)))
    y[:, np.array([0, 1])].__imul__(2)  # a copy


@pytest.mark.parametrize(
    "change",
    [
        lambda y: y.__iadd__(1),
        numbaexp.exp_,
        lambda y: _quietly(lambda: y[0].__iadd__(1)),
        lambda y: _quietly(lambda: y.T.__iadd__(1)),
        lambda y: _quietly(lambda: numbaexp.exp(autograd.tensor(VALUES), out=y)),
        lambda y: setattr(y, "data", y.data),
    ],
)
def test_saved_values_changed_in_place(change):
    y = leaf() * 1
    for result in (numbaexp.sigmoid(y), y.T.reshape(6) * y.reshape(6), numbaexp.logsumexp(y[1])):
        change(y)
        with pytest.raises(
            RuntimeError, match=r"Backward needs `.*` as it was, but it has been changed in place since"
        ):
            result.sum().backward()
        y = leaf() * 1
    # What is not saved may be changed.
    result = y + 1
    change(y)
    result.sum().backward()


def _quietly(call):
    with autograd.no_grad():
        return call()


def test_views_of_what_was_changed():
    y = leaf() * 1
    view = y[0]
    y += 1
    with pytest.raises(RuntimeError, match="take the view after it"):
        view * 2
    with pytest.raises(RuntimeError, match="take the view after it"):
        view.sum()
    with pytest.raises(RuntimeError, match="take the view after it"):
        view.backward(np.ones(3))
    (y[0] * 2).sum().backward()


def test_out():
    x, out = leaf(), autograd.tensor(np.zeros(VALUES.shape))
    with pytest.raises(RuntimeError, match="`out` must be `x` itself where `exp` is recorded"):
        numbaexp.exp(x, out=out)
    with pytest.raises(
        TypeError, match=r"`out` must be a tensor of `numbaexp.autograd`, as an argument is; got ndarray"
    ):
        numbaexp.exp(x, out=np.zeros(VALUES.shape))
    with pytest.raises(RuntimeError, match="`out` must be `x` itself"):
        numbaexp.exp(VALUES, out=x)
    assert _quietly(lambda: numbaexp.exp(x, out=out)) is out
    same_bits(out, numbaexp.exp(VALUES))
    assert numbaexp.exp(VALUES + 1, out=out) is out
    same_bits(out, numbaexp.exp(VALUES + 1))


# grad().


def test_grad():
    x, y = leaf(), leaf(VALUES + 1)
    middle = x * y
    output = numbaexp.exp(middle)
    of_middle, of_x = autograd.grad(output.sum(), (middle, x), retain_graph=True)
    same_bits(of_middle, output.data)
    same_bits(of_x, output.data * y.data)
    assert x.grad is None
    assert y.grad is None
    both = autograd.grad([output.sum(), x.sum()], [x], [np.array(2.0), None])
    np.testing.assert_allclose(both[0], 2 * output.data * y.data + 1, 1e-15)


def test_grad_goes_no_further_than_it_must():
    """So what lies beyond keeps what it has saved."""
    x = leaf()
    middle = numbaexp.exp(x)
    beside = numbaexp.exp(leaf() + x * 0)
    (found,) = autograd.grad((middle * 2 + beside).sum(), middle)
    same_bits(found, np.full(VALUES.shape, 2.0))
    middle.sum().backward()
    beside.sum().backward()


def test_unused_inputs():
    x, y = leaf(), leaf()
    with pytest.raises(RuntimeError, match="`inputs` must be used in `outputs`; got one, number 1, that is not"):
        autograd.grad(x.sum(), (x, y))
    used, unused = autograd.grad(x.sum(), (x, y), allow_unused=True)
    assert unused is None
    same_bits(used, np.ones(VALUES.shape))


def test_what_grad_refuses():
    x = leaf()
    with pytest.raises(TypeError, match="`outputs` must be a tensor or a sequence of them; got float"):
        autograd.grad(1.0, x)
    with pytest.raises(TypeError, match="`inputs` must be a tensor or a sequence of them; got ndarray"):
        autograd.grad(x.sum(), [VALUES])
    with pytest.raises(ValueError, match="`inputs` must have a tensor; got none"):
        autograd.grad(x.sum(), [])
    with pytest.raises(RuntimeError, match="`inputs` must require grad"):
        autograd.grad(x.sum(), autograd.tensor(1.0))
    with pytest.raises(ValueError, match="`grad_outputs` must be as many as `outputs`, 2; got 1"):
        autograd.grad([x, x], x, [VALUES])
    with pytest.raises(ValueError, match="`grad_outputs` must be of the shape of the output"):
        autograd.grad(x, x, np.ones(2))


def test_create_graph():
    x = leaf()
    y = numbaexp.exp(x).sum()
    (first,) = autograd.grad(y, x, create_graph=True)
    assert repr(first.grad_fn) == "<ExpBackwardBackward>"
    (first * first).sum().backward()
    np.testing.assert_allclose(x.grad, 2 * np.exp(2 * VALUES), 1e-14)
    # Into ``grad``, which then has a history; also where nothing is recorded.
    x.zero_grad()
    y = (x * x * x).sum()
    with autograd.no_grad():
        y.backward(create_graph=True)
    assert x.grad.requires_grad
    first = x.grad
    x.zero_grad()
    first.sum().backward()
    np.testing.assert_allclose(x.grad, 6 * VALUES, 1e-15)
    # There they add up too, history and all.
    x.zero_grad()
    for _ in range(2):
        (x * x * x).sum().backward(create_graph=True)
    np.testing.assert_allclose(x.grad.detach(), 6 * VALUES * VALUES, 1e-15)
    (second,) = autograd.grad(x.grad.sum(), x)
    np.testing.assert_allclose(second, 12 * VALUES, 1e-15)
    x.zero_grad()
    # Through the gradient that is given.
    above = leaf(VALUES)
    (found,) = autograd.grad(numbaexp.exp(x), x, above, create_graph=True)
    (of_above,) = autograd.grad(found.sum(), above)
    same_bits(of_above, numbaexp.exp(VALUES))


def test_without_create_graph_nothing_is_recorded():
    x = leaf()
    numbaexp.exp(x).sum().backward()
    assert not x.grad.requires_grad


# Rules.


def test_a_missing_rule(monkeypatch):
    monkeypatch.delitem(RULES, "exp2")
    with pytest.raises(NotImplementedError, match=r"^`exp2` has no rule for its gradient$"):
        numbaexp.exp2(leaf())


@pytest.mark.parametrize("name", ["exp", "softmax"])
def test_gradcheck_finds_a_wrong_rule(monkeypatch, name):
    right = RULES[name]
    wrong = Rule(name, right.arguments, {"x": lambda grad, result: grad * result * 1.000001}, {}, right.options)
    function = getattr(numbaexp, name)
    assert autograd.gradcheck(function, leaf())
    monkeypatch.setitem(RULES, name, wrong)
    message = r"the gradient of output 0, element \(0, 0\), with respect to `x`, element \(0, 0\), is .* differences"
    with pytest.raises(autograd.GradcheckError, match=message):
        autograd.gradcheck(function, leaf())
    monkeypatch.setitem(RULES, name, right)


def test_gradgradcheck_finds_a_wrong_rule(monkeypatch):
    right = RULES["exp_backward"]
    wrong = {**right.gradients, "output": lambda grad, grad_output: -(grad * grad_output)}
    monkeypatch.setitem(RULES, "exp_backward", Rule("exp_backward", right.arguments, wrong, {}))
    assert autograd.gradcheck(numbaexp.exp, leaf())
    with pytest.raises(autograd.GradcheckError, match="with respect to `x`, element"):
        autograd.gradgradcheck(numbaexp.exp, leaf())


def test_what_gradcheck_refuses():
    with pytest.raises(TypeError, match="`x` must be of type float64, for differences to tell; got float32"):
        autograd.gradcheck(numbaexp.exp, leaf(VALUES.astype(np.float32)))
    with pytest.raises(ValueError, match="`inputs` must have a tensor that requires grad"):
        autograd.gradcheck(numbaexp.exp, autograd.tensor(VALUES))
    assert autograd.gradcheck(lambda a, b: (a * b, numbaexp.exp(a.T)), (leaf(np.asfortranarray(VALUES)), leaf()))


# CuPy.


@pytest.fixture
def cupy(monkeypatch):
    """A module with arrays of its own, which mixes with NumPy's nowhere."""

    class Array(np.ndarray):
        def __array_ufunc__(self, ufunc, method, *inputs, out=(), **kwargs):
            assert not any(type(each) is np.ndarray for each in (*inputs, *out))
            plain = [each.view(np.ndarray) if isinstance(each, Array) else each for each in inputs]
            if out:
                kwargs["out"] = tuple(each.view(np.ndarray) for each in out)
            result = getattr(ufunc, method)(*plain, **kwargs)
            return result if result is None else np.asarray(result).view(Array) if not out else out[0]

        def __getitem__(self, index):
            return np.asarray(super().__getitem__(index)).view(Array)

        def mean(self, axis=None, keepdims=False):
            return own(np.mean)(self.get(), axis, keepdims=keepdims)

        def get(self):
            return self.view(np.ndarray)

    def own(function):
        return lambda *args, **kwargs: np.asarray(function(*args, **kwargs)).view(Array)

    module = types.ModuleType("cupy")
    module.ndarray, module.add, module.may_share_memory = Array, np.add, np.may_share_memory
    module.zeros, module.ones_like, module.asarray = own(np.zeros), own(np.ones_like), own(np.asarray)
    module.log, module.broadcast_to = np.log, lambda array, shape: np.broadcast_to(array, shape, subok=True)
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module


def test_arrays_of_cupy_stay_there(cupy):
    values = np.abs(VALUES)
    x, y = leaf(cupy.asarray(values)), leaf(cupy.asarray(values.T))
    assert type(x.data) is cupy.ndarray

    def compute(x, y):
        made = (x @ y)[np.array([0, 0, 1])] ** 2 + (x * x.mean() / 3).T.reshape(2, 3)[0, :2] - x[0, 0].log()
        made += 2
        return made.sum()

    compute(x, y).backward()
    here = leaf(values), leaf(values.T)
    compute(*here).backward()
    for there, expected in zip((x, y), here, strict=True):
        assert type(there.grad.data) is cupy.ndarray
        np.testing.assert_array_equal(there.grad.data.get(), expected.grad.data)
    assert repr(x) == repr(here[0])
    assert autograd.gradgradcheck(lambda x: x * x, x)
