"""Elementwise functions that users write, of PyTorch's tensors: values, types, layouts, gradients, and all that PyTorch
builds on calls."""

import functools
import io
import pickle
import shutil
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the tensors are PyTorch's")

from helpers import assert_same_bits, to_torch
from torch._dynamo.testing import CompileCounterWithBackend
from torch.utils.checkpoint import checkpoint

import numbaexp
from numbaexp import elementwise
from numbaexp.integrations.torch import custom_functions, custom_operators

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")


@elementwise
def gaussian(x, mu, sigma):
    z = (x - mu) / sigma
    return numbaexp.exp(-0.5 * z * z) / sigma


@elementwise
def growth(x, rate):
    grown = numbaexp.exp(rate * x)
    return grown, x * grown - rate


@elementwise
def elu(x, alpha):
    if x > 0:
        return x
    return alpha * numbaexp.expm1(x)


@elementwise
def series(x):
    total, term = 0.0 * x, 1.0 + 0.0 * x
    for k in range(1, 6):
        term = term * x / k
        total = total + term
    return total


def gaussian_by_torch(x, mu, sigma):
    z = (x - mu) / sigma
    return torch.exp(-0.5 * z * z) / sigma


def growth_by_torch(x, rate):
    grown = torch.exp(rate * x)
    return grown, x * grown - rate


BY_TORCH = {
    "gaussian": (gaussian, gaussian_by_torch, 3),
    "growth": (growth, growth_by_torch, 2),
    "elu": (elu, lambda x, alpha: torch.where(x > 0, x, alpha * torch.expm1(x)), 2),
    "series": (series, lambda x: x + x**2 / 2 + x**3 / 6 + x**4 / 24 + x**5 / 120, 1),
}


class Watched(torch.overrides.TorchFunctionMode):
    """A mode that watches calls, which are calls of operators then."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))


def positive(*shape, dtype=torch.float64, seed=0):
    return (torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) + 0.5).to(dtype)


def inputs(count, shape=(3, 4), **kind):
    """Return tensors that require a gradient."""
    return [positive(*shape, seed=seed, **kind).requires_grad_() for seed in range(count)]


def as_tuple(results):
    return results if isinstance(results, tuple) else (results,)


# Values, types and layouts.


@pytest.mark.parametrize("shape", [(1,), (7,), (5000,), (3, 5), (30, 1000), (0,), ()])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.sampled(shape=((7,), (30, 1000)))
@pytest.mark.parametrize("name", BY_TORCH)
def test_the_bits_are_those_of_the_ufunc(name, dtype, shape):
    function, _, count = BY_TORCH[name]
    arrays = [np.asarray(positive(*shape, seed=seed).numpy() - 0.7).astype(dtype) for seed in range(count)]
    expected = as_tuple(function(*arrays))
    for result, other in zip(as_tuple(function(*map(to_torch, arrays))), expected, strict=True):
        assert_same_bits(result, other)


def test_bfloat16_is_rounded_once():
    tensors = [positive(300, dtype=torch.bfloat16, seed=seed) for seed in range(3)]
    assert torch.equal(gaussian(*tensors), gaussian_by_torch(*[x.double() for x in tensors]).bfloat16())


# Arguments of which the first three are of one type and shape, by what is said of them.
MIXED = {
    "numbers": (positive(5, dtype=torch.float32), 0.1, 2),
    "the first is a number": (1.5, positive(5, dtype=torch.float32), True),
    "NumPy's numbers": (positive(5, dtype=torch.float32), np.float64(0.1), np.int8(2)),
    "float16": (positive(5, dtype=torch.float16), 0.1, 2),
    "bfloat16": (positive(5, dtype=torch.bfloat16), 1e300, 2),
    "no dimensions": (positive(5, dtype=torch.float32), torch.tensor(0.1, dtype=torch.float64), torch.tensor(2)),
    "no dimensions first": (torch.tensor(1), positive(5, dtype=torch.float32), torch.tensor(0.3).half()),
    "none has dimensions": (torch.tensor(0.1), torch.tensor(0.3, dtype=torch.float64), 2.0),
    "none has dimensions, half": (torch.tensor(0.1).half(), torch.tensor(3), 2.0),
    "integers": (torch.arange(5), 0.1, 2),
    "integers and no dimensions": (torch.arange(5), torch.tensor(0.1, dtype=torch.float64), 2),
    "bool": (torch.arange(2), 0.5, torch.tensor([True, True])),
    "two halves": (positive(5, dtype=torch.float16), positive(5, dtype=torch.bfloat16), 2),
    "integers beside floats": (positive(5, dtype=torch.float32), torch.arange(5), 2),
    "two floats": (positive(5, dtype=torch.float32), positive(5), 2),
    "rows and columns": (positive(4, 1, dtype=torch.float32), positive(5), torch.tensor([[2]])),
}


@pytest.mark.parametrize("default", [torch.float32, torch.float64])
@pytest.mark.parametrize("said", MIXED)
def test_types_are_promoted_as_by_pytorch(said, default):
    """Numbers are of the type of the tensors, as they are in NumPy."""
    arguments = MIXED[said]
    before = torch.get_default_dtype()
    torch.set_default_dtype(default)
    try:
        result, dtype = gaussian(*arguments), gaussian_by_torch(*arguments).dtype
        alone = [torch.as_tensor(x, dtype=torch.float64 if type(x) is float else None).to(dtype) for x in arguments]
        expected = gaussian(*[x.contiguous() for x in torch.broadcast_tensors(*alone)])
        with Watched():
            by_operator = gaussian(*arguments)
    finally:
        torch.set_default_dtype(before)
    for each in (result, by_operator):
        assert each.dtype is dtype
        assert_same_bits(each, expected)


LAYOUTS = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.transpose(0, -1),
    "channels last": lambda x: x.to(memory_format=torch.channels_last),
    "every second": lambda x: x[:, ::2],
    "dense, in another order": lambda x: x.permute(2, 0, 3, 1),
    "expanded": lambda x: x[:1].expand(4, 3, 6, 4),
    "no elements": lambda x: x[:, :0].transpose(0, 1),
}


@pytest.mark.parametrize("said", LAYOUTS)
def test_strides_are_those_of_pytorch(said):
    x, y, z = (LAYOUTS[said](positive(2, 3, 6, 4, seed=seed)) for seed in range(3))
    expected = torch.atan2(x, y)
    for call in (lambda: gaussian(x, y, z), lambda: gaussian(x, y, 2.0), lambda: gaussian(0.5, x, z)):
        with Watched():
            by_operator = call()
        for result in (call(), by_operator):
            assert result.stride() == expected.stride()
    assert_same_bits(gaussian(x, y, z), gaussian(x.contiguous(), y.contiguous(), z.contiguous()))


def test_the_strides_are_those_of_a_tensor_of_the_shape():
    for device in ("cpu", "meta"):
        x = positive(4, 3).T.to(device)
        assert gaussian(x[0], x, 2.0).stride() == gaussian(x[:1], x, 2.0).stride() == x.stride()


def test_negated_views():
    x = torch._neg_view(positive(5))
    assert x.is_neg()
    assert_same_bits(gaussian(x, 0.5, 2.0), gaussian(x.clone(), 0.5, 2.0))
    assert_same_bits(gaussian(positive(5), x[0], 2.0), gaussian(positive(5), x[0].item(), 2.0))


def test_threads_are_those_of_pytorch():
    x = positive(1 << 20, dtype=torch.float32)
    expected, before = gaussian(x.numpy(), np.float32(0.5), np.float32(2.0)), torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            assert_same_bits(gaussian(x, 0.5, 2.0), expected)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("said", MIXED)
def test_meta_and_fake_tensors(said):
    given = MIXED[said]
    expected = gaussian(*given)
    on_meta = gaussian(*[x.to("meta") if isinstance(x, torch.Tensor) else x for x in given])
    with torch._subclasses.FakeTensorMode() as mode:
        fake = gaussian(*[mode.from_tensor(x) if isinstance(x, torch.Tensor) else x for x in given])
    for each in (on_meta, fake):
        assert (each.shape, each.dtype, each.stride()) == (expected.shape, expected.dtype, expected.stride())


# Gradients.


SHAPES = [(3, 1), (4,), ()]


def test_gradients_of_broadcast_inputs():
    given = [positive(*shape, seed=seed).requires_grad_() for seed, shape in enumerate(SHAPES)]
    assert torch.autograd.gradcheck(gaussian, given, check_batched_grad=True)
    assert torch.autograd.gradgradcheck(gaussian, given)


@pytest.mark.parametrize("name", BY_TORCH)
def test_gradients(name):
    function, _, count = BY_TORCH[name]
    given = [(positive(3, seed=seed) - 0.9).requires_grad_() for seed in range(count)]
    assert torch.autograd.gradcheck(function, given)


@pytest.mark.checked(name=("gaussian", "series"))
@pytest.mark.thorough
@pytest.mark.parametrize("name", BY_TORCH)
def test_other_gradients(name):
    """By forward mode, and of the second order, by either mode."""
    function, _, count = BY_TORCH[name]
    for shapes in (SHAPES[:count], [(3,)] * count):
        given = [(positive(*shape, seed=seed) - 0.4).requires_grad_() for seed, shape in enumerate(shapes)]
        assert torch.autograd.gradcheck(function, given, check_forward_ad=True, check_batched_forward_grad=True)
        assert torch.autograd.gradgradcheck(function, given, check_fwd_over_rev=True, check_rev_over_rev=True)


@pytest.fixture
def calls(monkeypatch):
    """Collect the functions that derivatives call, with their arguments."""
    made = []

    def call(operation, *arrays):
        made.append((operation, arrays))
        return called(operation, *arrays)

    called = custom_functions.call
    monkeypatch.setattr(custom_functions, "call", call)
    return made


@pytest.mark.parametrize("under", [None, Watched])
def test_one_kernel_computes_the_gradients_that_are_wanted(under, calls):
    x, mu, sigma = inputs(3)
    with under() if under else torch.enable_grad():
        torch.autograd.backward(gaussian(x, mu, sigma).sum())
        torch.autograd.backward(gaussian(x, mu.detach(), sigma).sum())
        torch.autograd.backward(gaussian(x, 0.5, 2.0).sum())
    of = gaussian.operation
    assert [operation for operation, _ in calls] == [of.backward((0, 1, 2)), of.backward((0, 2)), of.backward((0,))]


def test_results_that_are_not_used_cost_no_kernel(calls):
    x, rate = inputs(2)
    grown, other = growth(x, rate)
    expected = growth_by_torch(x, rate)
    for used, by_torch in (((grown,), expected[:1]), ((other,), expected[1:]), ((grown, other), expected)):
        loss, of_torch = sum(each.square().sum() for each in used), sum(each.square().sum() for each in by_torch)
        torch.testing.assert_close(
            torch.autograd.grad(loss, (x, rate), retain_graph=True),
            torch.autograd.grad(of_torch, (x, rate), retain_graph=True),
        )
    assert {operation for operation, _ in calls} == {growth.operation.backward((0, 1))}
    # No tensor of zeros is made.
    assert [[type(grad) is float for grad in arrays[:2]] for _, arrays in calls] == [
        [False, True],
        [True, False],
        [False] * 2,
    ]


def test_gradients_are_of_the_shapes_and_types_of_the_inputs():
    x = positive(4, 1, dtype=torch.float32).requires_grad_()
    mu = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    sigma = torch.arange(1, 6)
    for function in (gaussian, torch.compile(gaussian, backend="aot_eager", fullgraph=True)):
        made = torch.autograd.grad(function(x, mu, sigma).sum(), (x, mu))
        expected = torch.autograd.grad(gaussian_by_torch(x, mu, sigma).sum(), (x, mu))
        for each, other in zip(made, expected, strict=True):
            assert (each.dtype, each.shape) == (other.dtype, other.shape)
            torch.testing.assert_close(each, other)


def test_gradients_are_those_of_the_ufunc():
    x, mu, sigma = inputs(3, dtype=torch.float32)
    grad = positive(3, 4, dtype=torch.float32, seed=9)
    expected = gaussian.backward(*[each.detach().numpy() for each in (grad, x, mu, sigma)])
    for made in (
        torch.autograd.grad(gaussian(x, mu, sigma), (x, mu, sigma), grad),
        gaussian.backward(grad, x, mu, sigma),
    ):
        for each, other in zip(made, expected, strict=True):
            assert_same_bits(each, other)


def test_a_gradient_of_the_users_own():
    @elementwise
    def clipped(x, limit):
        return min(max(x, -limit), limit)

    @clipped.gradient
    def straight_through(grad, result, x, limit):
        return grad * x, 0.0 * limit

    x, limit = inputs(2, (3,))
    assert_same_bits(torch.autograd.grad(clipped(x, limit).sum(), x)[0], x)
    assert_same_bits(torch.func.grad(lambda x: clipped(x, 0.1).sum())(x), x)
    assert_same_bits(torch.func.jvp(lambda x: clipped(x, 0.1), (x,), (torch.ones(3).double(),))[1], x)
    assert_same_bits(torch.func.grad(torch.func.grad(lambda x: clipped(x, 0.1)))(x[0]), torch.ones(()).double())


def test_a_modified_input_is_detected():
    x, mu, sigma = inputs(3)
    scaled = mu * 1
    y = gaussian(x, scaled, sigma)
    scaled.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_saved_tensor_hooks_and_checkpoint():
    given, packed = inputs(3), []
    expected = torch.autograd.grad(gaussian(*given).sum(), given)
    with torch.autograd.graph.saved_tensors_hooks(lambda x: packed.append(x) or x.clone(), lambda x: x):
        result = gaussian(*given)
    assert len(packed) == 3
    for made in (result, checkpoint(gaussian, *given, use_reentrant=False)):
        for each, other in zip(torch.autograd.grad(made.sum(), given), expected, strict=True):
            assert_same_bits(each, other)


# Transformations.


def test_transformations():
    given = [each.detach() for each in inputs(3, (4,))]

    def compare(transform):
        result, expected = transform(gaussian)(*given), transform(gaussian_by_torch)(*given)
        torch.testing.assert_close(result, expected)

    compare(lambda f: torch.func.grad(lambda *args: f(*args).sum(), (0, 2)))
    compare(lambda f: lambda *args: torch.func.jvp(f, args, args[::-1]))
    compare(lambda f: lambda *args: torch.func.jvp(lambda x: f(x, *args[1:]), args[:1], args[:1]))
    compare(lambda f: torch.func.jacrev(f, (0, 1)))
    compare(lambda f: torch.func.jacfwd(f, (1, 2)))
    compare(lambda f: torch.func.hessian(lambda *args: f(*args).sum(), (0, 1, 2)))
    compare(lambda f: torch.func.jacfwd(torch.func.jacfwd(lambda x, mu, sigma: f(x, mu, sigma).sum())))
    compare(torch.vmap)
    compare(lambda f: torch.vmap(torch.func.grad(f, (0, 1, 2))))
    compare(lambda f: torch.vmap(torch.vmap(f, (None, 0, None)), (0, None, None)))


@pytest.mark.parametrize(
    ("dims", "shapes"),
    [
        ((0, None, 1), [(5, 3), (), (3, 5)]),
        ((1, 0, None), [(4, 5, 3), (5, 3), (3,)]),
        ((None, 0, 0), [(4, 3), (5,), (5, 1)]),
        ((0, 0, 0), [(5,), (5, 2), (5, 3, 1)]),
    ],
)
def test_vmap(dims, shapes):
    given = [positive(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    result = torch.vmap(gaussian, dims)(*given)
    rows = [[x if dim is None else x.select(dim, i) for x, dim in zip(given, dims, strict=True)] for i in range(5)]
    assert_same_bits(result, torch.stack([gaussian(*row) for row in rows]))
    first, second = torch.vmap(growth, dims[:2])(*given[:2])
    for made, index in ((first, 0), (second, 1)):
        assert_same_bits(made, torch.stack([growth(*row[:2])[index] for row in rows]))


def test_vmap_of_numbers_and_types():
    x = positive(5, 3, dtype=torch.float32)
    assert_same_bits(torch.vmap(lambda row: gaussian(row, 0.5, 2))(x), gaussian(x, 0.5, 2))
    scales = positive(5)
    result = torch.vmap(lambda row, sigma: gaussian(row, 0.5, sigma))(x, scales)
    assert_same_bits(result, gaussian(x, 0.5, scales.float()[:, None]))


# The compiler, programs, and operators.


@pytest.mark.parametrize("name", ["gaussian", "growth"])
def test_operators(name):
    function, _, count = BY_TORCH[name]
    given = [positive(*shape).requires_grad_() for shape in SHAPES[:count]]
    grads = [positive(*torch.broadcast_shapes(*SHAPES[:count])).requires_grad_()] * function.nout
    backward = function.operation.backward(tuple(range(count)))
    for operation, tensors in ((function.operation, given), (backward, [*grads, *given])):
        operator = custom_operators.operator_of(operation)
        assert set(torch.library.opcheck(operator, tuple(tensors)).values()) == {"SUCCESS"}
        assert getattr(torch.ops.numbaexp, custom_operators.operator_name(operation)).default is operator


@pytest.mark.checked(backend=("eager", "aot_eager"))
@pytest.mark.sampled(backend="aot_eager")
@pytest.mark.parametrize("backend", ["eager", "aot_eager", "inductor"])
def test_compiled_with_dynamic_shapes(backend):
    """Once for all sizes, and whatever other functions there are."""
    if backend == "inductor" and not (shutil.which("c++") or shutil.which("g++")):
        pytest.skip("there is no C++ compiler")

    def both(x, mu):
        grown, other = growth(gaussian(x, mu, 2.0) + gaussian(0.5, mu, x), 0.5)
        return grown * elu(other, 1.0)

    counter = CompileCounterWithBackend(backend)
    compiled = torch.compile(both, backend=counter, dynamic=True, fullgraph=True)
    for rows in (4, 7, 70):
        x, mu = positive(rows, 3).requires_grad_(), positive(3, seed=1).requires_grad_()
        result, expected = compiled(x, mu), both(x, mu)
        torch.testing.assert_close(result, expected)
        torch.testing.assert_close(
            torch.autograd.grad(result.square().sum(), (x, mu)), torch.autograd.grad(expected.square().sum(), (x, mu))
        )
        series(x.detach().to("meta"))
    assert counter.frame_count == 1


def test_compiled_calls():
    compiled = functools.partial(torch.compile, backend="eager", fullgraph=True)
    x = positive(4, 3, dtype=torch.float32)
    expected = gaussian(x, 0.5, 2.0)
    counter = CompileCounterWithBackend("eager")
    of_number = torch.compile(lambda x, mu: gaussian(x, mu, 2.0), backend=counter, fullgraph=True)
    for mu in (0.5, 0.25, 0.125, 0.75):
        assert_same_bits(of_number(x, mu), gaussian(x, mu, 2.0))
    assert counter.frame_count == 2  # of the first number alone, and of any
    assert_same_bits(compiled(lambda x: gaussian(x, 0.5, 2.0, out=torch.empty_like(x)))(x), expected)
    assert_same_bits(compiled(lambda x: gaussian(x, 0.5, 2.0, torch.empty_like(x)))(x), expected)
    assert_same_bits(compiled(lambda x: gaussian(x, 0.5, 2.0, out=x))(x.clone()), expected)
    assert_same_bits(compiled(gaussian)(x, 0.5, 2.0), expected)
    # Of no tensors: the graph is broken.
    assert torch.compile(lambda: gaussian(0.5, 0.5, 2.0), backend="eager")() == gaussian(0.5, 0.5, 2.0)


def test_a_gradient_given_later_is_compiled_anew():
    @elementwise
    def double(x):
        return 2.0 * x

    graphs = []

    def backend(graph, given):
        graphs.append(graph.code)
        return graph

    x = positive(3).requires_grad_()
    compiled = torch.compile(double, backend=backend, fullgraph=True)
    compiled(x.detach())

    @double.gradient
    def gradient(grad, result, x):
        return grad * 5.0

    assert torch.autograd.grad(compiled(x).sum(), x)[0].tolist() == [5.0] * 3
    # A program that is saved is to find the function with its gradient.
    assert custom_operators.operator_name(double.operation) in graphs[-1]


DEFINITIONS = """
import torch, numbaexp

@numbaexp.elementwise
def density(x, mu, sigma):
    z = (x - mu) / sigma
    return numbaexp.exp(-0.5 * z * z) / sigma

class Module(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.mu = torch.nn.Parameter(torch.tensor([0.1, 0.2, 0.3]))

    def forward(self, x):
        return density(x, self.mu, 2.0) + density.backward(1.0, x, self.mu, 2.0)[0]
"""


@pytest.mark.filterwarnings("ignore:`isinstance.treespec, LeafSpec.`:FutureWarning")
def test_programs_are_loaded_where_the_function_has_been_defined(tmp_path, monkeypatch, run_script):
    (tmp_path / "densities.py").write_text(DEFINITIONS)
    monkeypatch.syspath_prepend(str(tmp_path))
    import densities

    module, x = densities.Module(), positive(4, 3, dtype=torch.float32)
    rows = torch.export.Dim("rows", min=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(module, (x,), dynamic_shapes=({0: rows},))
        torch.export.save(program, str(tmp_path / "program.pt2"))
    wide = torch.cat([x, x])
    assert_same_bits(program.module()(wide), module(wide))
    torch.save({"x": wide, "y": module(wide).detach()}, tmp_path / "values.pt")
    script = """
        import sys, warnings, torch, numbaexp
        warnings.simplefilter("ignore")
        folder = {folder!r}
        sys.path.insert(0, folder)
        {imports}
        values = torch.load(folder + "/values.pt")
        program = torch.export.load(folder + "/program.pt2")
        assert torch.equal(program.module()(values["x"]), values["y"])
    """
    run_script(script.format(folder=str(tmp_path), imports="import densities"))
    with pytest.raises(AssertionError, match=r"failed to resolve torch\.ops\.numbaexp\.density_"):
        run_script(script.format(folder=str(tmp_path), imports=""))


def test_operators_are_found_by_name():
    @elementwise
    def shifted(x):
        return x + 1.0

    name = custom_operators.operator_name(shifted.operation.backward((0,)).tangent((0, 1)))
    x = positive(3)
    assert getattr(torch.ops.numbaexp, name)(x, x, x, x).tolist() == x.tolist()
    assert not hasattr(torch.ops.numbaexp, "sin")
    with pytest.raises(AttributeError, match="import the module that defines the function"):
        getattr(torch.ops.numbaexp, f"{shifted.operation.kernel}1")
    with pytest.raises(AttributeError, match="import the module that defines the function"):
        getattr(torch.ops.numbaexp, f"other_{'0' * 32}")


def test_letters_of_all_scripts():
    @elementwise(name="β")
    def product(x, y):
        return x * y

    x = positive(3)
    assert_same_bits(torch.vmap(product)(x, x), x * x)


class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.mu = torch.nn.Parameter(positive(3))

    def forward(self, x):
        return gaussian(x, self.mu, 2.0)


def test_traces():
    layer, x = Layer(), positive(4, 3)
    symbolic = torch.fx.symbolic_trace(layer)
    assert gaussian in [node.target for node in symbolic.graph.nodes]
    traced = torch.jit.trace(layer, (x + 1,))
    file = io.BytesIO()
    torch.jit.save(traced, file)
    file.seek(0)
    for made in (symbolic, pickle.loads(pickle.dumps(symbolic)), traced, torch.jit.load(file)):
        assert_same_bits(made(x), layer(x))


def test_autocast_leaves_types():
    x = positive(3, dtype=torch.bfloat16)
    with torch.autocast("cpu"):
        assert_same_bits(gaussian(x, 0.5, 2.0), gaussian(x, 0.5, 2.0))
        assert gaussian(x, 0.5, 2.0).dtype is torch.bfloat16


# Results in other memory.


@pytest.mark.parametrize("under", [None, Watched])
def test_out(under):
    x, sigma = positive(3, 1), positive(4, seed=1)
    expected = gaussian(x, 0.5, sigma)
    with under() if under else torch.enable_grad():
        out = torch.full((3, 4), 7.0, dtype=torch.float64)
        version = out._version
        assert gaussian(x, 0.5, sigma, out=out) is out
        assert out._version > version
        assert_same_bits(out, expected)
        assert gaussian(x, 0.5, sigma, out=(out,)) is out
        single = torch.empty(3, 4, dtype=torch.float32)
        assert_same_bits(gaussian(x, 0.5, sigma, single), expected.float())
        strided = torch.zeros(4, 6, dtype=torch.float64)
        assert_same_bits(gaussian(x, 0.5, sigma, out=strided.T[::2]), expected)
        assert_same_bits(gaussian(x, 0.5, sigma, out=torch.empty(0, dtype=torch.float64)), expected)
        grown = torch.empty(3, dtype=torch.float64)
        first, second = growth(sigma[:3], 0.5, out=(None, grown))
        assert second is grown
        for each, other in zip((first, second), growth(sigma[:3], 0.5), strict=True):
            assert_same_bits(each, other)
        y = sigma.clone()
        assert gaussian(y, 0.5, y, out=y) is y
        assert_same_bits(y, gaussian(sigma, 0.5, sigma))


@pytest.mark.parametrize("under", [None, Watched])
def test_in_place_with_gradients(under):
    x, mu, sigma = inputs(3)
    expected = torch.autograd.grad(gaussian(x * 2, mu, sigma).square().sum(), (x, mu, sigma))
    with under() if under else torch.enable_grad():
        y = x * 2
        assert gaussian(y, mu, sigma, out=y) is y
        with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
            gaussian(x, mu, sigma, out=torch.empty(3, 4).double())
        with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
            gaussian(x, mu, sigma, out=x)
        with torch.no_grad():
            out = torch.empty(3, 4).double()
            assert_same_bits(gaussian(x, mu, sigma, out=out), gaussian(x, mu, sigma))
    for each, other in zip(torch.autograd.grad(y.square().sum(), (x, mu, sigma)), expected, strict=True):
        assert_same_bits(each, other)


X = positive(4, 3, dtype=torch.float32)
REFUSED = {
    "complex": (lambda: gaussian(X, X.to(torch.complex64), 2.0), TypeError, "`mu` must be of a float, integer or bool"),
    "complex first": (lambda: gaussian(X.to(torch.complex64), X, 2.0), TypeError, "`x` must be of a float, integer or"),
    "float8": (lambda: gaussian(X.to(torch.float8_e5m2), X, 2.0), TypeError, r"convert it, `x.to\(torch.float32\)`"),
    "sparse": (lambda: gaussian(X.to_sparse(), 0.5, 2.0), TypeError, "`x` must be a dense tensor"),
    "a complex number": (lambda: gaussian(X, 0.5j, 2.0), TypeError, "`mu` must be .*; got a .*complex"),
    "an array": (lambda: gaussian(X, X.numpy(), 2.0), TypeError, "`mu` must be .*ndarray"),
    "text": (lambda: gaussian(X, "a", 2.0), TypeError, "`mu` must be .*; got a .*str"),
    "two devices": (lambda: gaussian(X, 0.5, X.to("meta")), ValueError, "`sigma`.* on .*meta"),
    "shapes": (lambda: gaussian(X, torch.ones(5), 2.0), RuntimeError, "must match the size"),
    "an option": (lambda: gaussian(X, 0.5, 2.0, where=X > 1), TypeError, "does not take `where`"),
    "too few": (lambda: gaussian(X, 0.5), TypeError, r"gaussian\(\) takes 3 arrays"),
    "too many": (lambda: gaussian(X, 0.5, 2.0, None, None), TypeError, r"gaussian\(\) takes 3 arrays"),
    "out, shape": (lambda: gaussian(X, 0.5, 2.0, out=X[0].clone()), ValueError, r"`out` must .* the result, \(4, 3\)"),
    "out, type": (lambda: gaussian(X, 0.5, 2.0, out=X.long()), TypeError, "`out` must be of a float type"),
    "out, device": (lambda: gaussian(X, 0.5, 2.0, out=X.to("meta")), ValueError, "is on cpu and `out` on meta"),
    "out, library": (lambda: gaussian(X, 0.5, 2.0, out=X.numpy()), TypeError, "`out` must be .*numpy.ndarray"),
    "out, one of two": (lambda: growth(X, 0.5, out=X.clone()), ValueError, "`out` must be a tuple of 2 arrays"),
    "out, overlap": (lambda: gaussian(X[:, :2], 0.5, 2.0, out=X[:, 1:]), ValueError, "`out` overlaps `x`"),
}


@pytest.mark.parametrize("under", [None, Watched])
@pytest.mark.parametrize("said", REFUSED)
def test_refused(said, under):
    if under and said in ("out, overlap", "sparse"):
        pytest.skip("the operator makes a new tensor, and refuses others by itself")
    call, error, message = REFUSED[said]
    with under() if under else torch.enable_grad(), pytest.raises(error, match=message):
        call()
