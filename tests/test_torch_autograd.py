"""PyTorch's gradients, transformations and compiler, through the functions of this package."""

import functools
import re
import shutil
import threading

import numpy as np
import pytest
from helpers import ELEMENTWISE, SOFTMAX_LIKE, assert_same_bits, computed, inside, to_numpy

import numbaexp
from numbaexp.derivatives.rules import RULES

torch = pytest.importorskip("torch", reason="the tensors are PyTorch's")

# The first recorded call registers the operators; a test of them may be the first.

# PyTorch's own warnings of its own parts, which it loads late.
pytestmark = [
    pytest.mark.by_form,
    pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning"),
    pytest.mark.sampled(
        name=("exp", "exp_backward", "sigmoid", "softmax", "logsumexp", "cross_entropy"), dtype="float32"
    ),
]

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
CLASSES = torch.tensor([2, 0, -100])
WEIGHT = torch.tensor([0.5, 1.0, 2.0, 0.25], dtype=torch.float64)
_random = torch.Generator().manual_seed(1)


def normal(*shape, dtype=torch.float64):
    return torch.randn(shape, generator=_random, dtype=torch.float64).to(dtype)


def probabilities(*shape):
    return torch.softmax(normal(*shape), 1)


# A call of each function on what it can be differentiated by, and that.
CALLS = {
    **{name: (getattr(numbaexp, name), [inside(name, normal(2, 3))]) for name in ELEMENTWISE},
    **{
        f"{name}_backward": (getattr(numbaexp, f"{name}_backward"), [normal(2, 3), inside(name, normal(2, 3))])
        for name in ELEMENTWISE
    },
    "softmax": (numbaexp.softmax, [normal(2, 3)]),
    "softmax, axes": (lambda x: numbaexp.softmax(x, (0, -1)), [normal(2, 2, 3)]),
    "softmax, scalar": (numbaexp.softmax, [normal()]),
    "log_softmax": (lambda x: numbaexp.log_softmax(x, 0), [normal(3, 2)]),
    "logsumexp": (numbaexp.logsumexp, [normal(2, 3)]),
    "logsumexp, axis": (lambda x: numbaexp.logsumexp(x, 1), [normal(2, 3)]),
    "logsumexp, kept": (lambda x: numbaexp.logsumexp(x, axis=0, keepdims=True), [normal(3, 2)]),
    "softmax_backward": (numbaexp.softmax_backward, [normal(2, 3), normal(2, 3)]),
    "log_softmax_backward": (lambda g, y: numbaexp.log_softmax_backward(g, y, 0), [normal(2, 3), normal(2, 3)]),
    "logsumexp_backward": (lambda g, x: numbaexp.logsumexp_backward(g, x, 1), [normal(2), normal(2, 3)]),
    "entropy": (numbaexp.entropy, [normal(2, 3)]),
    "entropy, axes": (lambda x: numbaexp.entropy(x, (0, -1), keepdims=True), [normal(2, 2, 3)]),
    "entropy_backward": (lambda g, x: numbaexp.entropy_backward(g, x, 0), [normal(3), normal(2, 3)]),
    "log_prob": (lambda x: numbaexp.log_prob(x, torch.tensor([2, 0])), [normal(2, 3)]),
    "log_prob, several": (lambda x: numbaexp.log_prob(x, torch.tensor([[1, 0, 1]] * 2), 0), [normal(2, 3)]),
    "log_prob_backward": (
        lambda g, x: numbaexp.log_prob_backward(g, x, torch.tensor([2, 0])),
        [normal(2), normal(2, 3)],
    ),
    "cross_entropy": (lambda x: numbaexp.cross_entropy(x, CLASSES), [normal(3, 4)]),
    "cross_entropy, options": (
        lambda x: numbaexp.cross_entropy(x, CLASSES, weight=WEIGHT, label_smoothing=0.1),
        [normal(3, 4)],
    ),
    "cross_entropy, rows": (
        lambda x: numbaexp.cross_entropy(x, CLASSES[:, None], weight=WEIGHT, reduction="none"),
        [normal(3, 4, 1)],
    ),
    "cross_entropy, probabilities": (
        lambda x, t: numbaexp.cross_entropy(x, t, weight=WEIGHT, reduction="sum", label_smoothing=0.2),
        [normal(2, 4), probabilities(2, 4)],
    ),
    "cross_entropy_backward": (
        lambda g, x: numbaexp.cross_entropy_backward(g, x, CLASSES, weight=WEIGHT, reduction="none"),
        [normal(3), normal(3, 4)],
    ),
    "cross_entropy_backward, probabilities": (
        numbaexp.cross_entropy_backward,
        [normal(), normal(2, 4), probabilities(2, 4)],
    ),
}


def leaves(inputs):
    return [each.detach().clone().requires_grad_() for each in inputs]


def test_every_function_is_here():
    assert {name.partition(",")[0] for name in CALLS} == set(RULES)


@pytest.mark.parametrize("name", CALLS)
def test_gradcheck(name):
    function, inputs = CALLS[name]
    assert torch.autograd.gradcheck(
        function, leaves(inputs), check_forward_ad=True, check_batched_grad=True, check_batched_forward_grad=True
    )


@pytest.mark.parametrize("name", CALLS)
def test_gradgradcheck(name):
    function, inputs = CALLS[name]
    assert torch.autograd.gradgradcheck(function, leaves(inputs), check_fwd_over_rev=True, check_batched_grad=True)


OPERATORS = {
    **{name: (name, [inside(name, normal(2, 3))]) for name in ELEMENTWISE},
    **{f"{name}_backward": (f"{name}_backward", [normal(2, 3), inside(name, normal(2, 3))]) for name in ELEMENTWISE},
    "exp, strides": ("exp", [normal(3, 4, 2).permute(2, 0, 1)[:, ::2]]),
    "exp, expanded": ("exp", [normal(3, 1).expand(3, 4)]),
    "exp, integers": ("exp", [torch.arange(3)]),
    "exp, empty": ("exp", [normal(0, 3).T]),
    "exp_backward, strides": ("exp_backward", [normal(4, 3).T, normal(3, 4)]),
    "softplus_backward, strides": ("softplus_backward", [normal(4, 3).T, normal(3, 4)]),
    "exp_backward, expanded": ("exp_backward", [normal().expand(3, 4), normal(4, 3).T]),
    "softmax": ("softmax", [normal(2, 3), [-1]]),
    "softmax, integers": ("softmax", [torch.arange(6).reshape(2, 3), [0]]),
    "softmax, strides": ("softmax", [normal(3, 4, 2).permute(2, 0, 1), [0, 2]]),
    "log_softmax": ("log_softmax", [normal(2, 3), None]),
    "logsumexp": ("logsumexp", [normal(2, 3), None, [0], True]),
    "logsumexp, axes": ("logsumexp", [normal(2, 3, 4).transpose(0, 2), None, [0, -1], False]),
    "softmax_backward": ("softmax_backward", [normal(3, 2).T, normal(2, 3), [0]]),
    "logsumexp, factors": ("logsumexp", [normal(2, 3), normal(2, 3).exp(), [1], False]),
    "log_softmax_backward": ("log_softmax_backward", [normal(2, 3), normal(2, 3), [0]]),
    "logsumexp_backward": ("logsumexp_backward", [normal(2), normal(2, 3), [1]]),
    "logsumexp_backward, strides": ("logsumexp_backward", [normal(3, 4), normal(4, 3, 2).transpose(0, 1), [2]]),
    "entropy": ("entropy", [normal(2, 3, 4).transpose(0, 2), [0, -1], True]),
    "entropy_backward": ("entropy_backward", [normal(3, 4), normal(4, 3, 2).transpose(0, 1), [2]]),
    "log_prob": ("log_prob", [normal(3, 4).T, torch.tensor([[0, 1, 2]] * 2), [0]]),
    "log_prob, integers": ("log_prob", [torch.arange(6).reshape(2, 3), torch.tensor([0, 2]), [-1]]),
    "log_prob_backward": ("log_prob_backward", [normal(2), normal(3, 2).T, torch.tensor([0, 2]), [1]]),
    "cross_entropy": ("cross_entropy", [normal(3, 4), CLASSES, None, -100, "mean", 0.0, None]),
    "cross_entropy, rows": (
        "cross_entropy",
        [normal(3, 2, 4).transpose(1, 2), CLASSES[:, None].expand(3, 2), WEIGHT, -100, "none", 0.1, 1],
    ),
    "cross_entropy_backward": (
        "cross_entropy_backward",
        [normal(), normal(4, 3).T, CLASSES, WEIGHT, -100, "sum", 0.0, None],
    ),
}


def test_every_operator_is_checked():
    assert {name for name, _ in OPERATORS.values()} == set(RULES)


@pytest.mark.parametrize("case", OPERATORS)
def test_opcheck(case):
    name, inputs = OPERATORS[case]
    inputs = [
        each.detach().clone(memory_format=torch.preserve_format).requires_grad_()
        if isinstance(each, torch.Tensor) and each.is_floating_point() and each is not WEIGHT
        else each
        for each in inputs
    ]
    torch.library.opcheck(getattr(torch.ops.numbaexp, name), inputs)


# What a vector-valued function is differentiated by, of two arguments where there are two.
TRANSFORMED = [
    "exp",
    "exp2",
    "softplus",
    "sigmoid_backward",
    "softmax",
    "log_softmax",
    "logsumexp, axis",
    "cross_entropy",
]


@pytest.mark.parametrize("name", TRANSFORMED)
def test_transformations(name):
    """Each gives what the others do, nested or not."""
    function, inputs = CALLS[name]
    argnums = tuple(range(len(inputs)))

    def total(*inputs):
        return (function(*inputs) ** 2).sum()

    given = leaves(inputs)
    expected = torch.autograd.grad(total(*given), given)
    inputs = [each.detach() for each in inputs]
    for result, gradient in zip(torch.func.grad(total, argnums)(*inputs), expected, strict=True):
        assert torch.equal(result, gradient)
    reverse, forward = (make(function, argnums)(*inputs) for make in (torch.func.jacrev, torch.func.jacfwd))
    for one, other in zip(reverse, forward, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-14, atol=1e-15)
    hessian = torch.func.hessian(total)(*inputs)
    twice = torch.func.jacrev(torch.func.jacrev(total))(*inputs)
    torch.testing.assert_close(hessian, twice, rtol=1e-13, atol=1e-14)
    twice = torch.func.jacfwd(torch.func.jacfwd(total))(*inputs)
    torch.testing.assert_close(hessian, twice, rtol=1e-13, atol=1e-14)
    columns = torch.autograd.functional.hessian(lambda x: total(x, *inputs[1:]), inputs[0])
    torch.testing.assert_close(hessian, columns, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", CALLS)
def test_vmap(name):
    """A batch gives the bits of its parts, along whatever axis and with whatever arguments it is one."""
    function, inputs = CALLS[name]
    batches = [torch.stack([each + place / 8 for place in range(3)], dim=-1) for each in inputs]
    parts = torch.stack([function(*(batch[..., place] for batch in batches)) for place in range(3)])
    assert_same_bits(torch.vmap(function, in_dims=-1)(*batches), parts)
    if len(inputs) > 1:
        parts = torch.stack([function(inputs[0], *(batch[..., place] for batch in batches[1:])) for place in range(3)])
        result = torch.vmap(function, in_dims=(None, *[-1] * (len(inputs) - 1)))(inputs[0], *batches[1:])
        assert_same_bits(result, parts)


def test_gradients_of_each_row():
    x, classes = normal(5, 4), torch.tensor([0, 1, 2, 3, 0])
    result = torch.vmap(torch.func.grad(numbaexp.cross_entropy))(x, classes)
    expected = torch.stack([torch.func.grad(numbaexp.cross_entropy)(*each) for each in zip(x, classes, strict=True)])
    assert_same_bits(result, expected)


@pytest.mark.parametrize("name", CALLS)
def test_forward_mode(name):
    function, inputs = CALLS[name]
    tangents = [torch.ones_like(each) for each in inputs]
    values, tangent = torch.func.jvp(function, tuple(inputs), tuple(tangents))
    assert_same_bits(values, function(*inputs))
    with torch.autograd.forward_ad.dual_level():
        duals = [torch.autograd.forward_ad.make_dual(*pair) for pair in zip(inputs, tangents, strict=True)]
        result = torch.autograd.forward_ad.unpack_dual(function(*duals))
        assert_same_bits(result.primal, values)
        assert_same_bits(result.tangent, tangent)


def computed_in_numpy(name, *tensors):
    return computed(name, *map(to_numpy, tensors))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", [*ELEMENTWISE, *SOFTMAX_LIKE])
def test_bits_of_gradients(name, dtype, threads):
    """Those of the backward functions of NumPy's arrays, above the sizes from which threads share and below."""
    numba = pytest.importorskip("numba", reason="the threads are Numba's")
    before = numba.get_num_threads()
    if threads > numba.config.NUMBA_NUM_THREADS:
        pytest.skip("there are not as many threads")
    numba.set_num_threads(threads)
    try:
        for shape in ((7, 5), (300, 1000)):
            x, grad = normal(*shape, dtype=dtype).requires_grad_(), normal(*shape, dtype=dtype)
            result = getattr(numbaexp, name)(x)
            assert_same_bits(result, computed_in_numpy(name, x))
            result.backward(grad)
            saved = "result" if RULES[name].saved == ("result",) else "x"
            assert_same_bits(x.grad, computed_in_numpy(f"{name}_backward", grad, result if saved == "result" else x))
    finally:
        numba.set_num_threads(before)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_bits_of_gradients_of_reductions(dtype):
    x, grad = normal(40, 300, dtype=dtype).requires_grad_(), normal(40, dtype=dtype)
    numbaexp.logsumexp(x, 1).backward(grad)
    with np.errstate(all="ignore"):
        assert_same_bits(x.grad, numbaexp.logsumexp_backward(to_numpy(grad), to_numpy(x), 1))
    x.grad = None
    classes = torch.arange(40)
    numbaexp.cross_entropy(x, classes, label_smoothing=0.1).backward()
    one = to_numpy(torch.ones((), dtype=dtype))
    assert_same_bits(x.grad, numbaexp.cross_entropy_backward(one, to_numpy(x), classes.numpy(), label_smoothing=0.1))


@pytest.mark.parametrize("name", ["exp", "softplus", "softmax", "cross_entropy"])
def test_the_tape_gives_the_same(name):
    autograd = pytest.importorskip("numbaexp.autograd", reason="the tape is compared with")
    x, classes = normal(6, 9), torch.arange(6)
    more = (classes,) if name == "cross_entropy" else ()
    tensor = x.clone().requires_grad_()
    (getattr(numbaexp, name)(tensor, *more) ** 2).sum().backward()
    taped = autograd.tensor(x.numpy(), requires_grad=True)
    result = getattr(numbaexp, name)(taped, *(each.numpy() for each in more))
    (result * result).sum().backward()
    assert_same_bits(tensor.grad, taped.grad.data)


def test_gradients_add_up():
    x = normal(5).requires_grad_()
    y = numbaexp.exp(x)
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    assert torch.equal(x.grad, 2 * y)
    with pytest.raises(RuntimeError, match="second time"):
        y.sum().backward()


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_double_backward(name):
    """Against the derivative of the derivative that PyTorch has."""
    reference = {
        "exp": torch.exp,
        "exp2": torch.exp2,
        "exp10": lambda x: torch.exp(x * np.log(10.0)),
        "expm1": torch.expm1,
        "sigmoid": torch.sigmoid,
        "softplus": torch.nn.functional.softplus,
        "log_sigmoid": torch.nn.functional.logsigmoid,
    }.get(name) or getattr(torch, name)
    derivatives = []
    for function in (getattr(numbaexp, name), reference):
        x = inside(name, torch.linspace(-3, 3, 25, dtype=torch.float64)).requires_grad_()
        (first,) = torch.autograd.grad(function(x).sum(), x, create_graph=True)
        derivatives.append(torch.autograd.grad(first.sum(), x)[0])
    torch.testing.assert_close(*derivatives, rtol=1e-13, atol=1e-15)


NAMED = {
    "exp": "ExpBackward",
    "exp2": "Exp2Backward",
    "softmax": "SoftmaxBackward",
    "log_softmax": "LogSoftmaxBackward",
    "logsumexp": "LogsumexpBackward",
    "cross_entropy": "CrossEntropyBackward",
}


@pytest.mark.parametrize("name", NAMED)
def test_names_of_nodes(name):
    function, inputs = CALLS[name]
    assert function(*leaves(inputs)).grad_fn.name() == NAMED[name]
    assert f"grad_fn=<{NAMED[name]}>" in repr(function(*leaves(inputs)))
    if name in ("exp", "softmax"):
        assert getattr(numbaexp, name)(leaves(inputs)[0] * 1, out=None).grad_fn.name() == NAMED[name]


def test_nothing_is_recorded_where_nothing_is_wanted():
    x = normal(3).requires_grad_()
    expected = numbaexp.exp(x.detach())
    for without in (torch.no_grad, torch.inference_mode):
        with without():
            result = numbaexp.exp(x)
            assert torch.equal(result, expected)
            assert not result.requires_grad
    assert not numbaexp.exp(x.detach()).requires_grad
    assert numbaexp.exp(x).requires_grad
    # Integers have no gradients.
    assert not numbaexp.softmax(torch.arange(3)).requires_grad
    loss = numbaexp.cross_entropy(normal(3, 4), CLASSES, weight=WEIGHT)
    assert not loss.requires_grad


def test_a_weight_has_no_gradient():
    with pytest.raises(NotImplementedError, match=r"`cross_entropy` has no rule for its gradient .* `weight`"):
        numbaexp.cross_entropy(normal(3, 4), CLASSES, weight=WEIGHT.clone().requires_grad_())


IN_PLACE = [*ELEMENTWISE, *SOFTMAX_LIKE]


def in_place(name, x):
    return numbaexp.__dict__[f"{name}_"](x) if f"{name}_" in numbaexp.__all__ else getattr(numbaexp, name)(x, out=x)


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    x = (inside(name, normal(4, 5)) / 2).requires_grad_()
    function = getattr(numbaexp, name)
    expected = torch.autograd.grad((function(x * 2) ** 2).sum(), x)[0]
    for change in (functools.partial(in_place, name), lambda y: function(y, out=y)):
        y = x * 2
        version = y._version
        assert change(y) is y
        assert y._version > version
        assert torch.equal(y, function(x * 2))
        assert torch.equal(torch.autograd.grad((y**2).sum(), x)[0], expected)
        # Through a view of what is changed.
        whole = x * 2
        change(whole[:2])
        assert torch.equal(whole[:2], function(x[:2] * 2))
        assert torch.equal(whole[2:], x[2:] * 2)
    (twice,) = torch.autograd.grad(in_place(name, x * 2).sum(), x, create_graph=True)
    (plain,) = torch.autograd.grad(function(x * 2).sum(), x, create_graph=True)
    torch.testing.assert_close(
        torch.autograd.grad((twice**2).sum(), x)[0], torch.autograd.grad((plain**2).sum(), x)[0], rtol=1e-14, atol=1e-14
    )


@pytest.mark.parametrize("name", ["exp_backward", "expm1_backward"])
def test_gradients_in_place(name):
    """The gradient of the second argument needs the first as it was."""
    function = getattr(numbaexp, name)
    results = []
    for out in (lambda grad: None, lambda grad: grad):
        grad, saved = leaves([torch.linspace(1, 2, 5, dtype=torch.float64), torch.linspace(-1, 1, 5).double()])
        given = grad * 3
        results.append(torch.autograd.grad(function(given, saved, out=out(given)).sum(), (grad, saved)))
    for plain, in_place in zip(*results, strict=True):
        assert torch.equal(in_place, plain)


def test_in_place_through_views():
    x = normal(4, 3).requires_grad_()
    y = x * 2
    numbaexp.exp_(y[1])
    expected = torch.full_like(x, 2.0)
    expected[1] = 2 * numbaexp.exp(2 * x[1].detach())
    assert torch.equal(torch.autograd.grad(y.sum(), x)[0], expected)


@pytest.mark.parametrize("name", ["exp", "expm1"])
def test_leaves_are_not_changed(name):
    x = normal(3).requires_grad_()
    before = x.detach().clone()
    for change, said in (
        (lambda: in_place(name, x), "a leaf Variable"),
        (lambda: in_place(name, x[1:]), "a view of a leaf"),
    ):
        with pytest.raises(RuntimeError, match=f"^{said}.* that requires grad is being used in an in-place operation"):
            change()
    assert torch.equal(x, before)
    with torch.no_grad():
        assert in_place(name, x) is x
    assert torch.equal(x, getattr(numbaexp, name)(before))


def test_what_is_changed_after_it_was_saved():
    for function in (numbaexp.exp, numbaexp.softplus):
        leaf = normal(3).requires_grad_()
        x = leaf * 1
        y = function(x)
        z = y * 2
        numbaexp.exp_(y if function is numbaexp.exp else x)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            torch.autograd.grad(z.sum(), leaf)


@pytest.mark.parametrize("which", ["x", "out"])
def test_out_has_no_gradient(which):
    given = {"x": normal(3), "out": torch.zeros(3, dtype=torch.float64)}
    given[which].requires_grad_()
    message = re.escape(
        "exp(): functions with out=... arguments don't support automatic differentiation, but one of the arguments "
        "requires grad."
    )
    with pytest.raises(RuntimeError, match=message):
        numbaexp.exp(given["x"], out=given["out"])
    with pytest.raises(RuntimeError, match=message):
        torch.exp(given["x"], out=given["out"])
    with torch.no_grad():
        assert numbaexp.exp(given["x"], out=given["out"]) is given["out"]


REFUSED = {
    "of a torch.Tensor `exp` does not take `where`": lambda x: numbaexp.exp(x, where=True),
    "of a torch.Tensor `logsumexp` does not take `return_sign`": lambda x: numbaexp.logsumexp(x, return_sign=True),
    "`grad_output` must be a torch.Tensor, as another argument is; got a numpy.ndarray": lambda x: (
        numbaexp.softmax_backward(np.ones(3), x)
    ),
    "`out` must be a torch.Tensor, as `x` is; got a numpy.ndarray": lambda x: numbaexp.exp(x, out=np.ones(3)),
    "`x` must be a dense tensor": lambda x: numbaexp.exp(x.detach().to_sparse().requires_grad_()),
}


@pytest.mark.parametrize("said", REFUSED)
def test_arguments_that_are_refused(said):
    with pytest.raises(TypeError, match=re.escape(said)):
        REFUSED[said](normal(3).requires_grad_())


def test_losses_take_lists():
    x = normal(3, 4).requires_grad_()
    assert_same_bits(numbaexp.cross_entropy(x, [2, 0, -100]), numbaexp.cross_entropy(x.detach(), CLASSES))


def test_subclasses():
    class Sub(torch.Tensor):
        pass

    x = normal(3)
    for given in (x.as_subclass(Sub), x.clone().as_subclass(Sub).requires_grad_()):
        result, expected = numbaexp.exp(given), torch.exp(given)
        assert type(result) is type(expected) is Sub
        assert result.requires_grad == expected.requires_grad
        assert torch.equal(result.as_subclass(torch.Tensor), numbaexp.exp(x))
    parameter = torch.nn.Parameter(x)
    assert type(numbaexp.exp(parameter)) is torch.Tensor
    (gradient,) = torch.autograd.grad(numbaexp.exp(parameter).sum(), parameter)
    assert torch.equal(gradient, numbaexp.exp(x))


def test_modes_see_the_operators():
    from torch.utils._python_dispatch import TorchDispatchMode

    seen = []

    class Mode(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            seen.append(str(function))
            return function(*args, **(kwargs or {}))

    with Mode():
        numbaexp.exp(normal(3))
        numbaexp.softmax(normal(2, 3), 0)
    assert [name for name in seen if name.startswith("numbaexp")] == [
        "numbaexp.exp.default",
        "numbaexp.softmax.default",
    ]


AUTOCAST = {
    "exp": torch.exp,
    "exp2": torch.exp2,
    "expm1": torch.expm1,
    "sigmoid": torch.sigmoid,
    "softplus": torch.nn.functional.softplus,
    **{name: getattr(torch, name) for name in ("log", "log2", "log10", "log1p", "sinh", "cosh", "tanh", "logit")},
    "log_sigmoid": torch.nn.functional.logsigmoid,
    "softmax": lambda x: torch.softmax(x, -1),
    "log_softmax": lambda x: torch.log_softmax(x, -1),
    "logsumexp": lambda x: torch.logsumexp(x, (0, 1)),
    "cross_entropy": lambda x: torch.nn.functional.cross_entropy(x, torch.arange(3)),
}


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", AUTOCAST)
def test_autocast(name, dtype):
    """The types are those of PyTorch's own functions."""
    x = inside(name, normal(3, 4, dtype=dtype)).requires_grad_()
    more = (torch.arange(3),) if name == "cross_entropy" else ()
    with torch.autocast("cpu", torch.bfloat16):
        result = getattr(numbaexp, name)(x, *more)
        assert result.dtype is AUTOCAST[name](x).dtype
    assert_same_bits(result, getattr(numbaexp, name)(x.detach().to(result.dtype), *more))
    (gradient,) = torch.autograd.grad(result.sum(), x)
    assert gradient.dtype is dtype


def test_autocast_on_cuda_is_registered():
    """There float32 is what PyTorch's own functions of these names are computed in."""
    of_the_family = ("exp", "exp10", "expm1", "softplus", "log", "log2", "log10", "log1p", "sinh", "cosh")
    for name in (*of_the_family, "softmax", "log_softmax", "logsumexp", "cross_entropy"):
        numbaexp.exp(normal(1).requires_grad_())
        assert torch._C._dispatch_has_kernel_for_dispatch_key(f"numbaexp::{name}", "AutocastCUDA")
    for name in ("exp2", "sigmoid", "tanh", "log_sigmoid", "logit", "exp_backward"):
        assert not torch._C._dispatch_has_kernel_for_dispatch_key(f"numbaexp::{name}", "AutocastCUDA")


def model(x, classes):
    """Something of each kind, by position and by name, in place too."""
    hidden = numbaexp.exp(x) * numbaexp.sigmoid(x) + numbaexp.softplus_(x * 2)
    shares = numbaexp.softmax(hidden, 1) + numbaexp.log_softmax(hidden, axis=-1, out=None)
    loss = numbaexp.cross_entropy(shares, classes, label_smoothing=0.1)
    return loss + numbaexp.logsumexp(hidden, (0, 1), None, False, False)


@pytest.mark.parametrize("of_targets", [torch.float16, torch.float64])
def test_compiled_losses_of_types_that_differ(of_targets):
    """Types, values and gradients are those outside; so is the weight by its position."""
    x, t = normal(3, 4, dtype=torch.float32), probabilities(3, 4).to(of_targets)
    given = [each.clone().requires_grad_() for each in (x, t)]

    def function(x, t):
        return numbaexp.cross_entropy(x, t, WEIGHT)

    def backward(g, x, t):
        return numbaexp.cross_entropy_backward(g, x, t, WEIGHT)

    compiled, compiled_backward = (
        torch.compile(each, fullgraph=True, backend="aot_eager") for each in (function, backward)
    )
    loss = compiled(*given)
    assert_same_bits(loss, function(*given))
    assert loss.dtype == torch.promote_types(x.dtype, of_targets)
    for one, other in zip(*(torch.autograd.grad(each, given) for each in (loss, function(*given))), strict=True):
        assert_same_bits(one, other)
    grad = torch.ones((), dtype=loss.dtype)
    assert_same_bits(compiled_backward(grad, x, t), backward(grad, x, t))
    value, tangent = torch.func.jvp(function, (x, t), (torch.ones_like(x), torch.ones_like(t)))
    assert tangent.dtype == value.dtype


def test_compiled():
    pytest.importorskip("torch._dynamo", reason="the compiler is a part of PyTorch")
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager", dynamic=True)
    for rows in (3, 5, 8):
        classes = torch.arange(rows) % 4
        values = []
        for function in (model, compiled):
            x = torch.linspace(-2, 2, rows * 4).reshape(rows, 4).requires_grad_()
            result = function(x, classes)
            result.backward()
            values.append((result, x.grad))
        for eager, traced in zip(*values, strict=True):
            assert_same_bits(traced, eager)


@pytest.mark.skipif(not shutil.which("c++"), reason="Inductor needs a compiler of C++")
def test_compiled_by_inductor():
    def function(x):
        return numbaexp.exp(x) + numbaexp.softmax(x, 0)

    compiled = torch.compile(function, fullgraph=True)
    values = []
    for each in (function, compiled):
        x = torch.linspace(-2, 2, 50).requires_grad_()
        result = each(x)
        result.backward(torch.ones(50))
        values.append((result, x.grad))
    for eager, traced in zip(*values, strict=True):
        assert_same_bits(traced, eager)


def test_compiled_transformations():
    x = normal(4)

    def hessian(x):
        return torch.func.hessian(lambda x: numbaexp.exp(x).sum())(x)

    assert torch.equal(torch.compile(hessian, fullgraph=True, backend="aot_eager")(x), torch.diag(numbaexp.exp(x)))


@pytest.mark.checked(before="")
@pytest.mark.parametrize("before", ["", "numbaexp.exp(np.ones(3)), numbaexp.softmax(np.ones(3))"])
def test_the_first_call_is_compiled(run_script, before):
    """PyTorch may be loaded last, and the functions may have been called before."""
    run_script(f"""
        import numpy as np, numbaexp
        {before}
        import torch
        x = torch.linspace(-1, 1, 9, requires_grad=True)
        compiled = torch.compile(lambda x: numbaexp.exp(x) + numbaexp.softmax(x), fullgraph=True, backend="aot_eager")
        assert torch.equal(compiled(x), numbaexp.exp(x) + numbaexp.softmax(x))
    """)


def test_arrays_in_compiled_code():
    """What PyTorch does not compute is as it is elsewhere."""
    assert torch.compile(numbaexp.exp, backend="aot_eager")(1.0) == numbaexp.exp(1.0)


def test_export():
    class Module(torch.nn.Module):
        def forward(self, x):
            return numbaexp.softmax(numbaexp.exp(x), -1)

    x = normal(3, 4)
    program = torch.export.export(Module(), (x,), dynamic_shapes=({0: torch.export.Dim("rows", min=2)},))
    assert {str(node.target) for node in program.graph.nodes if node.op == "call_function"} >= {
        "numbaexp.exp.default",
        "numbaexp.softmax.default",
    }
    for given in (x, normal(7, 4)):
        assert_same_bits(program.module()(given), Module()(given))


def test_threads():
    x = torch.linspace(-3, 3, 20_000).reshape(20, 1000)
    results = []

    def work():
        for _ in range(20):
            leaf = x.clone().requires_grad_()
            (numbaexp.softmax(leaf) * numbaexp.exp(leaf)).sum().backward()
            results.append(leaf.grad)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 40
    assert all(torch.equal(each, results[0]) for each in results)


def test_torch_is_not_imported(run_script):
    run_script("""
        import sys
        import numpy as np, numbaexp, numbaexp.autograd
        numbaexp.exp(np.ones(3)), numbaexp.softmax(np.ones(3))
        assert "torch" not in sys.modules
    """)


ARGUMENTS_OF_COMPILED = {
    "cross_entropy": lambda x: ((x, torch.tensor([0, 2])), {"weight": torch.ones(3), "reduction": "sum"}),
    "cross_entropy_backward": lambda x: ((torch.ones(()), x, torch.tensor([0, 2])), {"reduction": "sum"}),
    "logsumexp": lambda x: ((x, 1), {"keepdims": True}),
    "logsumexp_backward": lambda x: ((torch.ones(2), x), {"axis": 1}),
    "log_prob": lambda x: ((x, torch.tensor([2, 0])), {}),
    "log_prob_backward": lambda x: ((torch.ones(2), x, torch.tensor([2, 0])), {}),
    "entropy_backward": lambda x: ((torch.ones(2), x), {}),
    "softmax": lambda x: ((x,), {"axis": 0}),
    "log_softmax": lambda x: ((x, 1), {"out": torch.empty(2, 3)}),
}


@pytest.mark.parametrize("name", [*RULES, "exp_", "sigmoid_"])
def test_wraps_in_compiled_code(name):
    """What a user's function takes over from ours must not make the compiler take it for ours."""
    function = getattr(numbaexp, name)

    @functools.wraps(function)
    def twice(*args, **kwargs):
        return 2 * function(*args, **kwargs)

    def call(x):
        default = ((x, x) if name.endswith("_backward") else (x,)), {}
        args, kwargs = ARGUMENTS_OF_COMPILED.get(name, lambda _: default)(x)
        return twice(*args, **kwargs) + 1, function(*args, **kwargs)

    x = torch.linspace(-2, 2, 6).reshape(2, 3)
    for eager, traced in zip(
        call(x.clone()), torch.compile(call, fullgraph=True, backend="eager")(x.clone()), strict=True
    ):
        assert_same_bits(traced, eager)
