"""The inputs by which PyTorch tests its own functions, through ours; and its tests of operators."""

import pytest

torch = pytest.importorskip("torch", reason="the tensors are PyTorch's")

import numbaexp
from numbaexp.operations import OPERATIONS

pytestmark = [
    pytest.mark.by_form,
    pytest.mark.thorough,  # importing the inputs takes seconds
    # What PyTorch's tests warn of is their own.
    pytest.mark.filterwarnings("ignore:::torch"),
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental:UserWarning"),
    pytest.mark.filterwarnings("ignore:An output with one or more elements was resized:UserWarning"),
]

F = torch.nn.functional


def of_rows(function):
    """Call a function as PyTorch's of that name, which converts first; ours converts nothing of PyTorch's."""
    return lambda x, dim, dtype=None: function(x if dtype is None else x.to(dtype), dim)


# By the names of PyTorch's samples: our function, and PyTorch's with the same arguments.
PAIRS = {
    "exp": (numbaexp.exp, torch.exp),
    "exp2": (numbaexp.exp2, torch.exp2),
    "expm1": (numbaexp.expm1, torch.expm1),
    "sigmoid": (numbaexp.sigmoid, torch.sigmoid),
    # Ours has neither a factor nor a threshold.
    "nn.functional.softplus": (
        lambda x, **_: numbaexp.softplus(x),
        lambda x, **_: F.softplus(x),
    ),
    **{
        name: (getattr(numbaexp, name), getattr(torch, name))
        for name in ("log", "log2", "log10", "log1p", "sinh", "cosh", "tanh")
    },
    "nn.functional.logsigmoid": (numbaexp.log_sigmoid, F.logsigmoid),
    "softmax": (of_rows(numbaexp.softmax), torch.softmax),
    "log_softmax": (of_rows(numbaexp.log_softmax), torch.log_softmax),
    "logsumexp": (
        lambda x, dim, keepdim=False: numbaexp.logsumexp(x, dim, keepdims=keepdim),
        torch.logsumexp,
    ),
    "nn.functional.cross_entropy": (numbaexp.cross_entropy, F.cross_entropy),
}
OF_ROWS = ("softmax", "log_softmax", "logsumexp")
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64, torch.bool, torch.complex64)


@pytest.fixture(scope="module")
def infos():
    """PyTorch's descriptions of its functions, by name."""
    pytest.importorskip("expecttest", reason="PyTorch's tests import it")
    methods = pytest.importorskip("torch.testing._internal.common_methods_invocations", reason="PyTorch's tests")
    return {name: [info for info in methods.op_db if info.name == name] for name in PAIRS}


def samples_of(infos, dtype):
    """Yield the arguments of PyTorch's samples, and such as are not contiguous."""
    for info in infos:
        if dtype in info.supported_dtypes("cpu"):
            for sample in info.reference_inputs("cpu", dtype):
                for each in (sample, sample.noncontiguous()):
                    yield each.input, each.args, each.kwargs


def tolerances(dtype):
    """Return those of ``torch.testing``; of 16 bits some steps, as PyTorch rounds on the way."""
    step = 4 * torch.finfo(dtype).eps if dtype.is_floating_point and dtype.itemsize == 2 else None
    return {"atol": step, "rtol": step, "equal_nan": True}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", PAIRS)
def test_samples(name, dtype, infos):
    """Types, shapes, values and gradients."""
    if dtype.is_complex and (name in OF_ROWS or "." in name):
        pytest.skip("complex numbers are refused")
    count = 0
    for x, args, kwargs in samples_of(infos[name], dtype):
        x.requires_grad_(dtype.is_floating_point or dtype.is_complex)
        result, expected = (function(x, *args, **kwargs) for function in PAIRS[name])
        torch.testing.assert_close(result, expected, **tolerances(dtype))
        if x.requires_grad:
            given = (torch.autograd.grad(each, x, torch.ones_like(each)) for each in (result, expected))
            torch.testing.assert_close(*given, **tolerances(dtype))
        count += 1
    if not count:
        pytest.skip(f"PyTorch has no {name} of {dtype}")


def arguments_of(name, sample):
    """Return a sample as the arguments of our operator."""
    x, options = sample.input, dict(zip(("targets", "weight"), sample.args, strict=False)) | sample.kwargs
    if name in ("softmax", "log_softmax"):
        return [x, [sample.args[0]]]
    if name == "logsumexp":
        return [x, None, list(sample.args[0]), sample.args[1]]
    if name != "cross_entropy":
        return [x]
    order = {"targets": None, "weight": None, **OPERATIONS[name].options}
    return [x, *{**order, **options}.values()]


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", PAIRS)
def test_operators(name, infos):
    """By the checks of ``torch.library``: schema, autograd, shapes, and dynamic ones."""
    ours = name.rpartition(".")[2].replace("logsigmoid", "log_sigmoid")
    for info in infos[name]:
        for sample in info.sample_inputs("cpu", torch.float64, requires_grad=True):
            if sample.input.numel() < 100 and "dtype" not in sample.kwargs:
                torch.library.opcheck(getattr(torch.ops.numbaexp, ours).default, arguments_of(ours, sample))
