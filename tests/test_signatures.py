"""Every public function is called as the function that it stands for: the same parameters in the same order under the
same names, and by keyword alone what that function lacks. So a call in SciPy's form means the same here, for the arrays
of each library.
"""

import functools
import inspect

import numpy as np
import pytest
from helpers import SOFTMAX_LIKE

import numbaexp
from numbaexp import autograd

pytestmark = pytest.mark.sampled(library=("of_numpy", "of_torch", "of_jax", "of_the_tape", "of_dask"))


def ufunc(x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None):
    """Stand for the signature of NumPy's ufuncs of one argument."""


def ufunc_of_two(
    x1, x2, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None
):
    """Stand for the signature of NumPy's ufuncs of two arguments."""


# The module and the name of each function's peer, and what the peer takes, up to the last argument that is taken here
# by position.
PEERS = {
    "exp": ("numpy", "exp", ufunc),
    "exp2": ("numpy", "exp2", ufunc),
    "expm1": ("numpy", "expm1", ufunc),
    "exp10": ("scipy.special", "exp10", ufunc),
    "expit": ("scipy.special", "expit", ufunc),
    "sigmoid": ("scipy.special", "expit", ufunc),
    "softplus": ("numpy", "exp", ufunc),
    **{name: ("numpy", name, ufunc) for name in ("log", "log2", "log10", "log1p", "sinh", "cosh", "tanh")},
    **{name: ("numpy", name, ufunc_of_two) for name in ("logaddexp", "logaddexp2")},
    "log_sigmoid": ("scipy.special", "log_expit", ufunc),
    "logit": ("scipy.special", "logit", ufunc),
    "softmax": ("scipy.special", "softmax", lambda x, axis=None: None),
    "log_softmax": ("scipy.special", "log_softmax", lambda x, axis=None: None),
    "logsumexp": (
        "scipy.special",
        "logsumexp",
        lambda a, axis=None, b=None, keepdims=False, return_sign=False: None,
    ),
    "autograd.grad": (
        "torch.autograd",
        "grad",
        lambda outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False: None,
    ),
    "autograd.gradcheck": ("torch.autograd", "gradcheck", lambda func, inputs: None),
    "autograd.gradgradcheck": ("torch.autograd", "gradgradcheck", lambda func, inputs: None),
    "autograd.no_grad": ("torch", "no_grad", lambda: None),
    "autograd.tensor": ("torch", "tensor", lambda data, *, requires_grad=False: None),
    "autograd.Tensor.backward": (
        "torch",
        "Tensor.backward",
        lambda self, gradient=None, retain_graph=None, create_graph=False: None,
    ),
    "autograd.Tensor.sum": ("numpy", "ndarray.sum", lambda self, axis=None: None),
    "autograd.Tensor.mean": ("numpy", "ndarray.mean", lambda self, axis=None: None),
}
# The last axis is the default, as in JAX and ONNX.
OTHER_DEFAULTS = {("softmax", "axis"): -1, ("log_softmax", "axis"): -1}
# Those of cross entropies are PyTorch's, and are looked at where these are tested. Libraries have a log_prob and an
# entropy as methods alone, of distributions.
WITHOUT_PEER = {
    "UnsupportedError",
    "accelerate_numba",
    "cross_entropy",
    "cross_entropy_backward",
    "elementwise",
    "entropy",
    "log_prob",
    "targets",
    "use_target",
}


def find(name, module=numbaexp):
    return functools.reduce(getattr, name.split("."), module)


def by_position(function):
    """(name, default) of each parameter that is taken by position, self left out."""
    given = inspect.signature(function).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [(each.name, each.default) for each in given if each.kind in kinds and each.name != "self"]


@pytest.mark.parametrize("name", PEERS)
def test_parameters_are_those_of_the_peer(name):
    ours, (_, _, written) = find(name), PEERS[name]
    expected = [(each, OTHER_DEFAULTS.get((name, each), default)) for each, default in by_position(written)]
    assert by_position(ours) == expected
    if written is ufunc:
        assert str(inspect.signature(ours)) == str(inspect.signature(written))


@pytest.mark.parametrize("name", PEERS)
def test_what_is_written_down_is_the_peers_signature(name):
    module, peer, written = PEERS[name]
    function = find(peer, pytest.importorskip(module, reason="the peer is not installed"))
    try:
        theirs = by_position(function)
    except ValueError:
        pytest.skip("the peer has no signature to look at")
    expected = by_position(written)
    assert theirs[: len(expected)] == expected
    others = inspect.signature(function).parameters
    for each in inspect.signature(written).parameters.values():
        if each.kind is each.KEYWORD_ONLY:
            assert (others[each.name].kind, others[each.name].default) == (each.kind, each.default)


def test_all_public_functions_are_looked_at():
    """In place a function is that of PyTorch with the one argument, and gradients are this package's own."""
    left = {name for name in numbaexp.__all__ if not name.endswith(("_", "_backward"))} - WITHOUT_PEER - {"autograd"}
    assert left == {name for name in PEERS if "." not in name}
    functions = {name for name in autograd.__all__ if not inspect.isclass(getattr(autograd, name))}
    assert {f"autograd.{name}" for name in functions} == {
        name for name in PEERS if name.startswith("autograd.") and name.count(".") == 1
    }
    for name in numbaexp.__all__:
        if name.endswith("_"):
            assert [each for each, _ in by_position(getattr(numbaexp, name))] == ["x"]


# A call means the same in every library.

A = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)


def of_numpy(call):
    return call(A)


def of_torch(call):
    torch = pytest.importorskip("torch", reason="the owner is a PyTorch tensor")
    return call(torch.from_numpy(A)).numpy()


def of_torch_with_grad(call):
    torch = pytest.importorskip("torch", reason="the owner is a PyTorch tensor")
    return call(torch.from_numpy(A).requires_grad_()).detach().numpy()


def of_torch_compiled(call):
    torch = pytest.importorskip("torch", reason="the owner is a PyTorch tensor")
    return torch.compile(call, fullgraph=True, backend="eager")(torch.from_numpy(A)).numpy()


def of_jax(call):
    jax = pytest.importorskip("jax", reason="the owner is a JAX array")
    return np.asarray(call(jax.numpy.asarray(A)))


def of_jax_compiled(call):
    jax = pytest.importorskip("jax", reason="the owner is a JAX array")
    return np.asarray(jax.jit(call)(A))


def of_the_tape(call):
    return call(autograd.tensor(A, requires_grad=True)).data


def of_dask(call):
    da = pytest.importorskip("dask.array", reason="the owner is an array of Dask")
    return call(da.from_array(A)).compute(scheduler="synchronous")


LIBRARIES = [
    of_numpy,
    of_torch,
    of_torch_with_grad,
    of_torch_compiled,
    of_jax,
    of_jax_compiled,
    of_the_tape,
    of_dask,
]
each_library = pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)


@each_library
def test_calls_of_logsumexp(library):
    kept = numbaexp.logsumexp(A, axis=1, keepdims=True)
    for call, expected in (
        (lambda a: numbaexp.logsumexp(a, 1, None, True), kept),
        (lambda a: numbaexp.logsumexp(a, 1, None, True, False), kept),
        (lambda a: numbaexp.logsumexp(a=a, axis=1, keepdims=True), kept),
        (lambda a: numbaexp.logsumexp(a, 1, return_sign=False, where=None), kept[:, 0]),
        (lambda a: numbaexp.logsumexp(a, (0, 1), None), numbaexp.logsumexp(A)),
    ):
        np.testing.assert_array_equal(library(call), expected, strict=True)
    # PyTorch's compiler has an error of its own.
    with pytest.raises(Exception, match=r"unexpected keyword argument 'x'|does not take `x`|Argument mismatch"):
        library(lambda a: numbaexp.logsumexp(x=a))
    with pytest.raises(Exception, match=r"positional arguments|arguments by position|Argument mismatch"):
        library(lambda a: numbaexp.logsumexp(a, 1, None, True, False, None))


@each_library
def test_third_argument_of_logsumexp(library):
    """The factors, and not ``keepdims`` as in torch.logsumexp: True is the factor 1, and False is 0."""
    for b in (True, 1, np.ones(4, A.dtype), np.ones((3, 1), A.dtype)):
        np.testing.assert_array_equal(library(lambda a, b=b: numbaexp.logsumexp(a, 1, b)), numbaexp.logsumexp(A, 1))
    assert np.isneginf(library(lambda a: numbaexp.logsumexp(a, 1, False))).all()


@each_library
@pytest.mark.parametrize("name", SOFTMAX_LIKE)
def test_calls_of_softmax(library, name):
    function = getattr(numbaexp, name)
    expected = function(A, 0)
    np.testing.assert_array_equal(library(lambda a: function(x=a, axis=0)), expected, strict=True)
    np.testing.assert_array_equal(library(lambda a: function(a, 0)), expected, strict=True)
    with pytest.raises(Exception, match=r"positional arguments|arguments by position|Argument mismatch"):
        library(lambda a: function(a, 0, None))


def test_logsumexp_as_scipys():
    special = pytest.importorskip("scipy.special", reason="SciPy is the peer")
    b = np.array([0.5, 0.25, -0.25, 2.0])
    for arguments in (
        (0,),
        (None, b),
        (1, b, True),
        (-1, abs(b), False, True),
        ((0, 1), None, True, True),
        (0, b, 1, 1),
    ):
        ours, theirs = numbaexp.logsumexp(A, *arguments), special.logsumexp(A, *arguments)
        assert type(ours) is type(theirs)
        for made, peers in zip(*((each if type(each) is tuple else (each,)) for each in (ours, theirs)), strict=True):
            assert (np.shape(made), made.dtype) == (np.shape(peers), peers.dtype)
            np.testing.assert_allclose(made, peers, rtol=1e-5)
    np.testing.assert_allclose(numbaexp.logsumexp([1.0, 2.0, 3.0], 0, [0.5, 0.25, 0.25]), 2.107517347952348, rtol=1e-15)


def test_operators_of_torch():
    torch = pytest.importorskip("torch", reason="the operators are PyTorch's")
    numbaexp.logsumexp(torch.ones(2, requires_grad=True))
    schema = torch.ops.numbaexp.logsumexp.default._schema
    assert [argument.name for argument in schema.arguments] == ["a", "b", "axis", "keepdims"]
    x = torch.from_numpy(A)
    result = torch.ops.numbaexp.logsumexp(x, None, [1], True)
    np.testing.assert_array_equal(result, numbaexp.logsumexp(A, 1, None, True))
    torch.library.opcheck(torch.ops.numbaexp.logsumexp.default, (x.clone().requires_grad_(), None, [1], True))


def test_flags_and_others_of_the_tape():
    """Not False either is ignored, where an argument is not taken."""
    x = autograd.tensor(A, requires_grad=True)
    with pytest.raises(TypeError, match="does not take `where`"):
        numbaexp.exp(x, where=False)
    for call in (lambda: x.sum(0, True), lambda: x.mean(0, True), lambda: autograd.tensor(A, np.float32)):
        with pytest.raises(TypeError, match="positional argument"):
            call()
