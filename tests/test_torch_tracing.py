"""What PyTorch records of our functions without computing on elements: traces, symbolic ones, shapes alone."""

import copy
import inspect
import io
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the tensors are PyTorch's")

from helpers import ELEMENTWISE, OF_ROWS, SOFTMAX_LIKE, inside

import numbaexp

pytestmark = [pytest.mark.by_form, pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")]

CLASSES = torch.tensor([0, 2, 1, 4])


def normal(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


# By what is said of it: a function, and arguments that it is traced with.
CALLS = {
    **{name: (getattr(numbaexp, name), [inside(name, normal(4, 5))]) for name in (*ELEMENTWISE, *OF_ROWS)},
    **{f"{name} of many": (getattr(numbaexp, name), [normal(3, 70_000)]) for name in ("exp", *OF_ROWS)},
    **{f"{name} of integers": (getattr(numbaexp, name), [torch.arange(3)]) for name in ("exp", *OF_ROWS)},
    **{f"{name} of a number": (getattr(numbaexp, name), [torch.tensor(0.5)]) for name in ("exp", *OF_ROWS)},
    **{
        f"{name}_backward": (getattr(numbaexp, f"{name}_backward"), [normal(4, 5), inside(name, normal(4, 5))])
        for name in (*ELEMENTWISE, *SOFTMAX_LIKE)
    },
    "axes": (lambda x: numbaexp.softmax(x, (0, 1)) + numbaexp.log_softmax(x, axis=None), [normal(4, 5)]),
    "keepdims": (lambda x: numbaexp.logsumexp(x, axis=-1, keepdims=True), [normal(4, 5)]),
    "logsumexp_backward": (lambda g, x: numbaexp.logsumexp_backward(g, x, 1), [normal(4), normal(4, 5)]),
    "cross_entropy": (numbaexp.cross_entropy, [normal(4, 5), CLASSES]),
    "cross_entropy, options": (
        lambda x, c, w: numbaexp.cross_entropy(x, c, weight=w, reduction="none", label_smoothing=0.25),
        [normal(4, 5), CLASSES, torch.arange(1.0, 6.0)],
    ),
    "cross_entropy_backward": (lambda x, c: numbaexp.cross_entropy_backward(1.0, x, c), [normal(4, 5), CLASSES]),
    "out": (lambda x: numbaexp.exp(x, out=torch.empty_like(x)), [normal(4, 5)]),
    "softmax, out": (lambda x: numbaexp.softmax(x, out=torch.empty_like(x)), [normal(4, 5)]),
    "in place": (lambda x: numbaexp.exp_(x * 2), [normal(4, 5)]),
    "bfloat16": (lambda x: numbaexp.softmax(x.bfloat16()), [normal(4, 5)]),
    "transposed": (lambda x: numbaexp.softmax(x.T), [normal(4, 5)]),
}


def others(arguments):
    return [0.75 * each if each.is_floating_point() else each for each in copy.deepcopy(arguments)]


@pytest.mark.checked(requires_grad="True")
@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("said", CALLS)
def test_jit_trace(said, requires_grad):
    function, given = CALLS[said]
    if requires_grad:
        if "out" in said or not given[0].is_floating_point():
            pytest.skip("PyTorch has no gradient through `out`, nor of integers")
        given = [given[0].clone().requires_grad_(), *given[1:]]
    traced = torch.jit.trace(function, given)
    assert any(node.kind().startswith("numbaexp::") for node in traced.inlined_graph.nodes())
    new = others(given)
    result, expected = traced(*new), function(*new)
    assert (result.dtype, result.stride()) == (expected.dtype, expected.stride())
    assert torch.equal(result, expected)


class Module(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(5, 5)
        self.scale = torch.nn.Parameter(normal(4, 5))

    def forward(self, x):
        y = numbaexp.log_softmax(numbaexp.sigmoid(self.linear(x)), 1) * numbaexp.exp_backward(self.scale, x)
        return numbaexp.logsumexp(numbaexp.exp_(y * 2), axis=1, keepdims=True)


def gradients(module, x):
    return torch.autograd.grad(module(x).square().sum(), list(module.parameters()))


def test_jit_trace_of_a_module():
    module, x = Module(), normal(4, 5)
    traced = torch.jit.trace(module, (x,))
    assert all(map(torch.equal, gradients(traced, x + 1), gradients(module, x + 1)))
    file = io.BytesIO()
    torch.jit.save(traced, file)
    file.seek(0)
    for made in (torch.jit.load(file), torch.jit.freeze(traced.eval())):
        assert torch.equal(made(x + 1), module(x + 1))


@pytest.mark.checked(imports="import numbaexp, torch")
@pytest.mark.parametrize("imports", ["import numbaexp, torch", "import torch, numbaexp"])
def test_what_was_saved_is_loaded_where_nothing_has_been_called(imports, run_script, tmp_path):
    module, x = Module(), normal(4, 5)
    torch.jit.save(torch.jit.trace(module, (x,)), str(tmp_path / "traced.pt"))
    torch.export.save(torch.export.export(module, (x,)), str(tmp_path / "exported.pt2"))
    torch.save({"x": x, "y": module(x).detach()}, tmp_path / "values.pt")
    run_script(f"""
        import sys, warnings
        {imports}
        warnings.simplefilter("ignore")
        folder = {str(tmp_path)!r}
        values = torch.load(folder + "/values.pt")
        for made in (torch.jit.load(folder + "/traced.pt"), torch.export.load(folder + "/exported.pt2").module()):
            assert torch.equal(made(values["x"]), values["y"])
        assert not [finder for finder in sys.meta_path if getattr(finder, "_library", "") == "torch"]
    """)


def test_importing_does_not_wait_for_pytorch_that_is_missing(run_script):
    run_script("""
        import importlib.util, sys
        import numbaexp
        assert "torch" not in sys.modules
        assert importlib.util.find_spec("torch") and importlib.util.find_spec("no_such_module") is None
        assert "torch" not in sys.modules
        import torch
        assert torch.ops.numbaexp.exp(torch.zeros(2)).tolist() == [1, 1]
    """)


def test_symbolic_trace():
    module, x = Module(), normal(4, 5)
    traced = torch.fx.symbolic_trace(module)
    targets = [node.target for node in traced.graph.nodes]
    assert all(getattr(numbaexp, name) in targets for name in ("exp", "sigmoid", "log_softmax", "logsumexp"))
    assert all(None not in node.kwargs.values() for node in traced.graph.nodes)
    for made in (traced, pickle.loads(pickle.dumps(traced)), torch.compile(traced, backend="eager", fullgraph=True)):
        assert torch.equal(made(x), module(x))
        assert all(map(torch.equal, gradients(made, x), gradients(module, x)))


# Names of the package that are no functions of arrays.
OTHERS = ("UnsupportedError", "accelerate_numba", "autograd", "elementwise", "targets", "use_target")


@pytest.mark.parametrize("name", [name for name in numbaexp.__all__ if name not in OTHERS])
def test_each_function_is_a_leaf_of_a_symbolic_trace(name):
    function = getattr(numbaexp, name)
    count = sum(each.default is each.empty for each in inspect.signature(function).parameters.values())

    def call(*given):
        return function(*given)

    leaf = getattr(numbaexp, name.removesuffix("_"))
    for place in range(count):
        # Beside tensors, of which one may require grad.
        for tensor in (normal(3), normal(3).requires_grad_()):
            given = [tensor] * count
            graph = torch.fx.Graph()
            given[place] = torch.fx.Proxy(graph.placeholder("x"), torch.fx.proxy.GraphAppendingTracer(graph))
            node = call(*given).node
            assert (node.op, node.target) == ("call_function", leaf)


def test_proxies_by_keyword():
    graph = torch.fx.Graph()
    proxy = torch.fx.Proxy(graph.placeholder("x"), torch.fx.proxy.GraphAppendingTracer(graph))
    x = normal(3)
    for made, kwargs in (
        (numbaexp.exp(x, out=proxy), {"out"}),
        (numbaexp.softmax(x, 0, out=proxy), {"axis", "out"}),
        (numbaexp.cross_entropy(x, torch.tensor(0), weight=proxy), {"weight"}),
        (numbaexp.logsumexp(proxy, axis=0, keepdims=True), {"axis", "keepdims"}),
    ):
        assert set(made.node.kwargs) == kwargs
    with pytest.raises(TypeError, match="unexpected keyword argument 'inplace'"):
        numbaexp.exp(proxy, inplace=True)


def test_torch_function():
    """Of what is no tensor; PyTorch's modes and an answer of NotImplemented are as everywhere there."""

    class Answers:
        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            return function, args, kwargs

    class Refuses:
        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            return NotImplemented

    one = Answers()
    assert numbaexp.softmax(one, axis=0) == (numbaexp.softmax, (one,), {"axis": 0})
    with pytest.raises(TypeError, match="no implementation found"):
        numbaexp.exp(Refuses())


class Seen(torch.overrides.TorchFunctionMode):
    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.names.append(str(function))
        return function(*args, **(kwargs or {}))


def test_modes_see_the_operator_alone():
    with Seen() as seen:
        numbaexp.exp(normal(3))
        numbaexp.softmax(normal(3).requires_grad_())
    assert [name for name in seen.names if "__get__" in name] == []
    assert [name for name in seen.names if "numbaexp" in name] == ["numbaexp.exp.default", "numbaexp.softmax.default"]


@pytest.mark.parametrize("said", [said for said in CALLS if "out" not in said])
def test_meta(said):
    function, given = CALLS[said]
    expected = function(*given)
    result = function(*[each.to("meta") for each in given])
    assert result.is_meta
    assert (result.shape, result.dtype, result.stride()) == (expected.shape, expected.dtype, expected.stride())


def test_meta_gradients_and_in_place():
    x = torch.empty(3, 4, device="meta", requires_grad=True)
    loss = numbaexp.cross_entropy(numbaexp.softmax(x), torch.empty(3, device="meta", dtype=torch.int64))
    assert torch.autograd.grad(loss, x)[0].shape == x.shape
    y = torch.empty(3, 4, device="meta")
    assert numbaexp.exp_(y) is y
    assert numbaexp.softmax(y, out=y) is y


META = torch.empty(3, 4, device="meta")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: numbaexp.softmax(META.to(torch.complex64)), TypeError, "`x` must be of a float, integer or bool type"),
        (lambda: numbaexp.softmax(META, 2), np.exceptions.AxisError, "axis 2 is out of bounds"),
        (
            lambda: numbaexp.exp_backward(META, normal(3, 4)),
            ValueError,
            "`grad_output` is on .* and `output` on .*: numbaexp copies nothing",
        ),
        (
            lambda: numbaexp.exp_backward(normal(3, 4), META),
            ValueError,
            "`grad_output` is on .* and `output` on .*: numbaexp copies nothing",
        ),
        (lambda: numbaexp.exp_backward(META, META[:2]), ValueError, "`grad_output` must be of the shape of `output`"),
        (lambda: numbaexp.exp(META, out=normal(3, 4)), ValueError, "`x` is on meta and `out` on cpu"),
        (lambda: numbaexp.exp(normal(3, 4), out=META), ValueError, "`x` is on cpu and `out` on meta"),
        (
            lambda: numbaexp.cross_entropy(META, CLASSES[:3]),
            ValueError,
            "`logits` is on .* and `targets` on .*: numbaexp copies nothing",
        ),
        (lambda: numbaexp.cross_entropy(META, META[:, 0].long()[:2]), ValueError, "`targets` must be, as classes"),
    ],
)
def test_meta_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
