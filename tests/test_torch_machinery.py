"""One function of each kind in what PyTorch builds on calls: compiler, export, fakes, hooks, checkpoints, autocast."""

import shutil

import pytest

torch = pytest.importorskip("torch", reason="the tensors are PyTorch's")

from helpers import assert_same_bits
from torch._dynamo.testing import CompileCounterWithBackend
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.utils.checkpoint import checkpoint

import numbaexp

pytestmark = [
    pytest.mark.by_form,
    # PyTorch's own warnings of its own parts, which it loads late.
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),
    pytest.mark.sampled(backend="aot_eager"),
]

F = torch.nn.functional


class OfKind(torch.nn.Module):
    """A linear layer, and a function of each kind of its result; ``x`` has 5 columns, and each row a class."""

    def __init__(self, kind):
        super().__init__()
        self.kind, self.linear = kind, torch.nn.Linear(5, 5)

    def forward(self, x, classes):
        y = self.linear(x)
        if self.kind == "elementwise":
            return numbaexp.softplus(numbaexp.exp(y))
        if self.kind == "rows":
            return numbaexp.softmax(y, 0) + numbaexp.log_softmax(y, axis=-1)
        if self.kind == "reduction":
            return numbaexp.logsumexp(y, axis=-1, keepdims=True) + numbaexp.logsumexp(y, 0)
        return numbaexp.cross_entropy(y, classes, label_smoothing=0.1)


KINDS = ("elementwise", "rows", "reduction", "loss")


def data(rows=4):
    random = torch.Generator().manual_seed(rows)
    return torch.randn(rows, 5, generator=random), torch.randint(5, (rows,), generator=random)


@pytest.fixture(params=KINDS)
def module(request):
    torch.manual_seed(0)
    return OfKind(request.param)


def values_and_gradients(call, parameters, rows=4):
    """Return what a call gives, and the gradients of its sum of squares by its first argument and by parameters."""
    x, classes = data(rows)
    x.requires_grad_()
    result = call(x, classes)
    return [result, *torch.autograd.grad(result.square().sum(), [x, *parameters])]


def assert_all_same(one, other):
    for each, expected in zip(one, other, strict=True):
        assert_same_bits(each, expected)


def assert_alike(one, other):
    described = [(each.shape, each.dtype, each.stride()) for each in (one, other)]
    assert described[0] == described[1]


@pytest.mark.parametrize("backend", ["eager", "aot_eager", "inductor"])
def test_compiled_with_dynamic_shapes(module, backend):
    """Once for all sizes."""
    if backend == "inductor" and not (shutil.which("c++") or shutil.which("g++")):
        pytest.skip("there is no C++ compiler")
    counter = CompileCounterWithBackend(backend)
    compiled = torch.compile(module, backend=counter, dynamic=True, fullgraph=True)
    for rows in (4, 7, 70):
        expected = values_and_gradients(module, list(module.parameters()), rows)
        result = values_and_gradients(compiled, list(module.parameters()), rows)
        for each, other in zip(result, expected, strict=True):
            # The compilers take sums and products of PyTorch's in other orders.
            torch.testing.assert_close(each, other)
    assert counter.frame_count == 1


@pytest.mark.filterwarnings("ignore:`isinstance.treespec, LeafSpec.`:FutureWarning")
@pytest.mark.parametrize("strict", [False, True])
def test_export_of_dynamic_shapes(module, strict):
    rows = torch.export.Dim("rows", min=2)
    program = torch.export.export(module, data(), dynamic_shapes=({0: rows}, {0: rows}), strict=strict)
    targets = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert any(target.startswith("numbaexp.") for target in targets)
    kept = program.run_decompositions()
    for count in (2, 9):
        for each in (program, kept):
            assert_same_bits(each.module()(*data(count)), module(*data(count)))


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_traced_for_other_sizes(module):
    traced = torch.jit.trace(module, data())
    for rows in (2, 9):
        assert_all_same(
            values_and_gradients(traced, list(module.parameters()), rows),
            values_and_gradients(module, list(module.parameters()), rows),
        )


def test_without_elements(module):
    """On the device "meta", with gradients."""
    expected = values_and_gradients(module, list(module.parameters()))
    on_meta = OfKind(module.kind).to("meta")
    x, classes = (each.to("meta") for each in data())
    x.requires_grad_()
    result = on_meta(x, classes)
    made = [result, *torch.autograd.grad(result.square().sum(), [x, *on_meta.parameters()])]
    for each, other in zip(made, expected, strict=True):
        assert each.is_meta
        assert_alike(each, other)


def test_fakes(module):
    expected = values_and_gradients(module, list(module.parameters()))
    with FakeTensorMode(allow_non_fake_inputs=True):
        fake = OfKind(module.kind)
        made = values_and_gradients(fake, list(fake.parameters()))
    for each, other in zip(made, expected, strict=True):
        assert_alike(each, other)
    # Of sizes that are symbols.
    mode = FakeTensorMode(shape_env=ShapeEnv(), allow_non_fake_inputs=True)
    x, classes = (mode.from_tensor(each, static_shapes=False) for each in data())
    with mode:
        result = OfKind(module.kind)(x, classes)
    assert [int(size) for size in result.shape] == list(expected[0].shape)


def test_functional_call(module):
    parameters = {name: value.detach() + 1 for name, value in module.named_parameters()}
    x, classes = data()

    def call(parameters):
        return torch.func.functional_call(module, parameters, (x, classes)).square().sum()

    gradients = torch.func.grad(call)(parameters)
    for name, value in module.named_parameters():
        value.data += 1
        assert torch.equal(value, parameters[name])
    expected = values_and_gradients(module, list(module.parameters()))[2:]
    assert_all_same(gradients.values(), expected)


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoint(module, reentrant):
    def call(x, classes):
        return checkpoint(module, x, classes, use_reentrant=reentrant)

    x, classes = data()
    x.requires_grad_()
    call(x, classes).square().sum().backward()
    made = [x.grad, *(each.grad for each in module.parameters())]
    assert_all_same(made, values_and_gradients(module, list(module.parameters()))[1:])


def test_saved_tensors_pass_through_hooks(module):
    expected, packed = values_and_gradients(module, list(module.parameters())), []

    def pack(tensor):
        packed.append(tensor.shape)
        return tensor.detach().numpy()

    with torch.autograd.graph.saved_tensors_hooks(pack, torch.from_numpy):
        result = values_and_gradients(module, list(module.parameters()))
    assert (4, 5) in packed
    assert_all_same(result, expected)
    with torch.autograd.graph.save_on_cpu():
        assert_all_same(values_and_gradients(module, list(module.parameters())), expected)


def test_what_a_hook_unpacks_is_used():
    x = torch.ones(3, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda saved: saved, lambda saved: 2 * saved):
        for function in (numbaexp.exp, numbaexp.softmax):
            result = function(x)
            (gradient,) = torch.autograd.grad(result, x, torch.tensor([1.0, 0, 0]))
            backward = getattr(numbaexp, f"{function.__name__}_backward")
            assert torch.equal(gradient, backward(torch.tensor([1.0, 0, 0]), 2 * result.detach()))


def test_hooks_of_gradients(module):
    seen = []
    x, classes = data()
    x.requires_grad_()
    module.register_full_backward_hook(lambda module, given, result: seen.append("module"))
    result = module(x, classes)
    result.register_hook(lambda grad: seen.append("result"))
    result.grad_fn.register_hook(lambda *_: seen.append("node"))
    x.register_post_accumulate_grad_hook(lambda leaf: seen.append("leaf"))
    result.square().sum().backward()
    assert sorted(seen) == ["leaf", "module", "node", "result"]


OF_TORCH = {
    "exp": (numbaexp.exp, torch.exp),
    "exp2": (numbaexp.exp2, torch.exp2),
    "expm1": (numbaexp.expm1, torch.expm1),
    "sigmoid": (numbaexp.sigmoid, torch.sigmoid),
    "softplus": (numbaexp.softplus, F.softplus),
    "log": (lambda x: numbaexp.log(abs(x)), lambda x: torch.log(abs(x))),
    "tanh": (numbaexp.tanh, torch.tanh),
    "log_sigmoid": (numbaexp.log_sigmoid, F.logsigmoid),
    "softmax": (numbaexp.softmax, lambda x: F.softmax(x, -1)),
    "log_softmax": (numbaexp.log_softmax, lambda x: F.log_softmax(x, -1)),
    "logsumexp": (lambda x: numbaexp.logsumexp(x, -1), lambda x: torch.logsumexp(x, -1)),
    "cross_entropy": (
        lambda x: numbaexp.cross_entropy(x, torch.arange(4)),
        lambda x: F.cross_entropy(x, torch.arange(4)),
    ),
}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
@pytest.mark.parametrize("name", OF_TORCH)
def test_autocast(name, dtype):
    """The types of PyTorch's own function, of results and of gradients."""
    given = []
    for function in OF_TORCH[name]:
        x = torch.linspace(-2, 2, 20).reshape(4, 5).to(dtype).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            result = function(x)
        (gradient,) = torch.autograd.grad(result.sum(), x)
        given.append((result.dtype, gradient.dtype))
        if function is OF_TORCH[name][0]:
            assert_same_bits(result.detach(), function(x.detach().to(result.dtype)))
    assert given[0] == given[1]


def test_a_layer_under_autocast(module):
    """Its linear function is of bfloat16."""
    x, classes = data()
    with torch.autocast("cpu", torch.bfloat16):
        result = module(x, classes)
        result.square().sum().backward()
    assert result.dtype is (torch.float32 if module.kind == "loss" else torch.bfloat16)
    assert all(each.grad.dtype is torch.float32 for each in module.parameters())


@pytest.mark.thorough
@pytest.mark.skipif(not torch.distributed.is_available(), reason="PyTorch without torch.distributed")
def test_data_parallel(run_script, tmp_path):
    """The gradients of a model of each kind, in buckets, by hooks."""
    run_script(f"""
        import sys, warnings
        sys.path.insert(0, {str(__file__.rpartition("/")[0])!r})
        warnings.simplefilter("ignore")
        import torch, numbaexp
        from torch import distributed
        from torch.nn.parallel import DistributedDataParallel
        from test_torch_machinery import KINDS, OfKind, values_and_gradients, data
        distributed.init_process_group("gloo", init_method="file://{tmp_path}/rendezvous", rank=0, world_size=1)
        for kind in KINDS:
            module = OfKind(kind)
            expected = values_and_gradients(module, list(module.parameters()))[2:]
            parallel, reduced = DistributedDataParallel(module), []
            def average(state, bucket):
                reduced.append(bucket.buffer().clone())
                future = torch.futures.Future()
                future.set_result(bucket.buffer())
                return future
            parallel.register_comm_hook(None, average)
            parallel(*data()).square().sum().backward()
            assert len(reduced) == 1 and reduced[0].numel() == 30
            assert all(torch.equal(each.grad, other) for each, other in zip(module.parameters(), expected))
        distributed.destroy_process_group()
    """)
