"""PyTorch's tensors on a CPU: numbaexp's bits, in tensors such as ``torch.exp`` gives."""

import pathlib
import re
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the owner is a PyTorch tensor")

from helpers import assert_same_bits, bits, to_numpy

import numbaexp
from numbaexp.scalar.family import FAMILY

pytestmark = [
    pytest.mark.by_form,
    pytest.mark.sampled(dtype=("float32", "bfloat16", "int64"), default="float32", into="float32"),
]

HUGE_PAGES = pathlib.Path("/sys/kernel/mm/transparent_hugepage")

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
INTEGERS = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
VALUES = torch.linspace(-9, 9, 240, dtype=torch.float64).reshape(2, 3, 4, 10)
LAYOUTS = {
    "contiguous": lambda t: t,
    "transposed": lambda t: t.permute(3, 1, 0, 2),
    "sliced": lambda t: t[::2, 1:, :, ::3],
    "expanded": lambda t: t[:1, :, :1].expand(5, 3, 4, 10),
    "channels last": lambda t: t.to(memory_format=torch.channels_last),
    "0-d": lambda t: t[0, 1, 2, 3],
    "empty": lambda t: t[:, :0],
    "empty transposed": lambda t: t[..., :0].permute(2, 0, 3, 1),
}


def assert_alike(result, expected):
    """In all but the values."""
    assert type(result) is torch.Tensor
    assert (result.dtype, result.shape) == (expected.dtype, expected.shape)
    # That of a dimension of one element means nothing.
    strides = (
        [step for step, length in zip(t.stride(), t.shape, strict=True) if length != 1] for t in (result, expected)
    )
    assert next(strides) == next(strides)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", FAMILY)
def test_bits(name, dtype):
    function = getattr(numbaexp, name)
    pattern = torch.int16 if dtype.itemsize == 2 else torch.int32
    every_half = torch.arange(2**16).to(torch.int32)
    x = every_half.to(torch.int16).view(dtype) if pattern is torch.int16 else every_half.to(dtype) / 300 - 110
    with np.errstate(all="ignore"):
        expected = function(to_numpy(x))
    assert_same_bits(function(x), expected)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout, dtype):
    x = LAYOUTS[layout](VALUES.to(dtype))
    result = numbaexp.exp(x)
    assert_alike(result, torch.exp(x))
    assert_same_bits(result, numbaexp.exp(to_numpy(x)))


@st.composite
def tensors(draw):
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    tensor = torch.rand(shape)
    for axis in range(len(shape)):
        if shape[axis] == 1 and draw(st.booleans()):
            tensor = tensor.expand(*shape[:axis], 3, *shape[axis + 1 :])
            shape[axis] = 3
    tensor = tensor.permute(draw(st.permutations(range(len(shape)))))
    return tensor[tuple(slice(draw(st.integers(0, 1)), None, draw(st.integers(1, 2))) for _ in shape)]


@given(tensors(), st.sampled_from((*FLOATS, torch.int32)))
@settings(deadline=None, max_examples=1000)
def test_any_layout(x, dtype):
    x = x.to(dtype) if dtype is not torch.float32 else x
    result = numbaexp.exp(x)
    assert_alike(result, torch.exp(x))
    assert_same_bits(result, numbaexp.exp(x.contiguous()))


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
@pytest.mark.parametrize("default", FLOATS, ids=str)
def test_integers_are_computed_in_the_default_type(dtype, default):
    x = torch.tensor([0, 1, 0, 5, 11]).to(dtype)
    kept = torch.get_default_dtype()
    torch.set_default_dtype(default)
    try:
        result = numbaexp.exp(x)
        assert_alike(result, torch.exp(x))
    finally:
        torch.set_default_dtype(kept)
    assert_same_bits(result, numbaexp.exp(x.to(default)))


def test_large_integers_are_rounded_once():
    x = torch.tensor([2**24 + 1, -(2**24) - 1, 2**62 + 2**38 + 1])
    function = numbaexp.softplus
    assert_same_bits(function(x), function(x.numpy().astype(np.float32)))


REFUSED = {
    "torch.float8_e4m3fn": lambda t: t.to(torch.float8_e4m3fn),
    "layout torch.sparse_coo": lambda t: t.to_sparse(),
    "layout torch._mkldnn": lambda t: t.to_mkldnn(),
    "layout quantized": lambda t: torch.quantize_per_tensor(t, 1.0, 0, torch.quint8),
}


@pytest.mark.parametrize("said", REFUSED)
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_refused(said):
    x = REFUSED[said](torch.ones(2))
    with pytest.raises(TypeError, match=f"^`x` must be .*; got .*{said}"):
        numbaexp.exp(x)


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2], ids=str)
@pytest.mark.parametrize("call", [numbaexp.exp, numbaexp.softmax, numbaexp.sigmoid_], ids=lambda call: call.__name__)
def test_types_of_8_bits_name_the_way(call, dtype):
    said = f"`x` must be of a float, integer or bool type; got {dtype}: convert it, `x.to(torch.float32)`"
    for device in ("cpu", "meta"):
        with pytest.raises(TypeError, match=f"^{re.escape(said)}$"):
            call(torch.ones(2).to(dtype).to(device))


OF_COMPLEX = ("exp", "exp2", "expm1", "sigmoid", "log", "log2", "log10", "log1p", "sinh", "cosh", "tanh")


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128], ids=str)
@pytest.mark.parametrize("name", OF_COMPLEX)
def test_complex(name, dtype):
    """By PyTorch's own function, wherever there is one."""
    function, own = getattr(numbaexp, name), getattr(torch, name)
    x = torch.randn(4, 5, dtype=dtype, generator=torch.Generator().manual_seed(0))
    for each in (x, x.T, x[:0], x.conj(), x.to("meta")):
        assert_alike(function(each), own(each))
        assert each.is_meta or torch.equal(function(each), own(each))
    out = torch.empty_like(x)
    assert function(x, out=out) is out
    assert torch.equal(out, own(x))
    changed = x.clone()
    assert getattr(numbaexp, f"{name}_")(changed) is changed
    assert torch.equal(changed, own(x))
    # An argument that requires a gradient, and one that has changed in place.
    gradients = []
    for call in (function, own, lambda x: getattr(numbaexp, f"{name}_")(x * 1)):
        leaf = x.clone().requires_grad_()
        gradients.append(torch.autograd.grad(call(leaf).abs().sum(), leaf)[0])
    assert all(torch.equal(each, gradients[0]) for each in gradients)
    assert torch.equal(torch.vmap(function)(x), own(x))
    assert torch.equal(torch.compile(function, backend="eager", fullgraph=True)(x), own(x))


@pytest.mark.by_form(name="softplus")
@pytest.mark.parametrize("name", sorted({*FAMILY} - {*OF_COMPLEX}))
def test_complex_refused(name):
    function = getattr(numbaexp, name)
    said = f"^`x` must be of a real type, as PyTorch has no complex `{name}`; got torch.complex64$"
    x = torch.ones(2, dtype=torch.complex64)
    for each in (x, x.clone().requires_grad_(), x.to("meta")):
        with pytest.raises(TypeError, match=said):
            function(each)
    with pytest.raises(TypeError, match=r"of a torch.Tensor `exp` does not take `where`"):
        numbaexp.exp(x, where=True)


@pytest.mark.parametrize("n", [10, 100_000, 1_000_000])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("target", ["cpu", "auto", "parallel"])
def test_targets(target, dtype, n):
    """Above some sizes there are threads, of Numba or of Python."""
    x = torch.linspace(-5, 5, n).to(dtype)
    expected = bits(numbaexp.exp(to_numpy(x)))
    strided = x.repeat_interleave(2)[::2]
    with numbaexp.use_target(target):
        for given in (x, strided):
            np.testing.assert_array_equal(bits(numbaexp.exp(given)), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64], ids=str)
def test_no_warnings_from_any_thread(dtype):
    """NumPy would warn of overflow and underflow; PyTorch knows no such thing."""
    x = torch.tensor([-200, 200] * 500_000).to(dtype)
    with np.errstate(all="raise"):
        for given in (x[:10], x, x.reshape(1000, 1000)[:, 1:]):
            assert numbaexp.exp(given).isinf().any()


def test_memory_is_shared(monkeypatch):
    from numbaexp.engine import ufuncs

    seen = []
    compute = ufuncs.run

    def watch(make, name, target, arrays, out, options):
        (result,) = out
        seen.append((arrays[0].__array_interface__["data"][0], result.__array_interface__["data"][0]))
        return compute(make, name, target, arrays, out, options)

    monkeypatch.setattr(ufuncs, "run", watch)
    for dtype in (*FLOATS, torch.int32):
        x = torch.arange(24).reshape(4, 6)[1:, ::2].to(dtype) if dtype is torch.int32 else VALUES.to(dtype)[..., ::2]
        out = torch.empty_like(x, dtype=torch.float32 if dtype is torch.int32 else dtype)
        result = numbaexp.exp(x)
        assert seen.pop() == (x.data_ptr(), result.data_ptr())
        assert numbaexp.exp(x, out=out) is out
        assert seen.pop() == (x.data_ptr(), out.data_ptr())


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("into", FLOATS, ids=str)
def test_out_of_another_type_is_converted_to(dtype, into):
    x = VALUES.to(dtype)
    out = torch.empty_like(x, dtype=into)
    assert numbaexp.exp(x, out=out) is out
    assert_same_bits(out, numbaexp.exp(x).to(into))


def test_out_of_integers():
    x = torch.arange(5)
    out = torch.empty(5, dtype=torch.float64)
    numbaexp.exp(x, out)
    assert torch.equal(out, numbaexp.exp(x.float()).double())


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "expanded"])
def test_out_of_any_layout(layout):
    x = VALUES.clone()
    out = LAYOUTS[layout](torch.zeros_like(VALUES))
    before = out.stride(), out.data_ptr()
    assert numbaexp.exp(LAYOUTS[layout](x), out=(out,)) is out
    assert (out.stride(), out.data_ptr()) == before
    assert torch.equal(out, numbaexp.exp(LAYOUTS[layout](x)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_out_without_elements_is_resized(layout):
    x = LAYOUTS[layout](VALUES)
    for empty in (torch.empty(0, dtype=x.dtype), torch.empty(0, 7, dtype=x.dtype).T):
        out, expected = empty.clone(), empty.clone()
        assert numbaexp.exp(x, out=out) is out
        assert_alike(out, torch.exp(x, out=expected))
        assert torch.equal(out, numbaexp.exp(x))


OUT_REFUSED = {
    "shape": (lambda x: torch.empty(3), ValueError, "`out` must be of the shape of the result, (4,); got (3,)"),
    "broadcast": (
        lambda x: torch.empty(2, 4),
        ValueError,
        "`out` must be of the shape of the result, (4,); got (2, 4)",
    ),
    "type": (
        lambda x: torch.empty(4, dtype=torch.int64),
        TypeError,
        "`out` must be of a float type, to hold torch.float32; got torch.int64",
    ),
    "complex": (lambda x: torch.empty(4, dtype=torch.complex64), TypeError, "got torch.complex64"),
    "device": (
        lambda x: torch.empty(4, device="meta"),
        ValueError,
        "`x` is on cpu and `out` on meta: numbaexp copies nothing between devices",
    ),
    "expanded": (lambda x: torch.empty(1).expand(4), ValueError, "elements of `out` share memory"),
    "windows": (lambda x: torch.empty(5).as_strided((4,), (0,)), ValueError, "elements of `out` share memory"),
    "expanded, converted": (
        lambda x: torch.empty(1, dtype=torch.float64).expand(4),
        ValueError,
        "elements of `out` share memory",
    ),
    "shifted": (lambda x: x.as_strided((4,), (1,), 1), ValueError, "`out` overlaps `x`"),
    "other stride": (lambda x: x.as_strided((4,), (2,), 0), ValueError, "`out` overlaps `x`"),
    "NumPy": (lambda x: np.empty(4), TypeError, "arrays of one library; got a torch.Tensor and a numpy.ndarray"),
    "list": (lambda x: [0.0], TypeError, "arrays of one library; got a torch.Tensor and a list"),
}


@pytest.mark.parametrize("case", OUT_REFUSED)
def test_out_refused(case):
    make, error, message = OUT_REFUSED[case]
    memory = torch.zeros(8)
    x = memory[:4]
    with pytest.raises(error, match=re.escape(message)):
        numbaexp.exp(x, out=make(x))
    assert not memory.any()


def test_overlap_with_what_is_converted_to():
    memory = torch.linspace(-1, 1, 8, dtype=torch.float64)
    x = memory.view(torch.float32)[3:11]
    expected = numbaexp.exp(x).double()
    assert torch.equal(numbaexp.exp(x, out=memory), expected)


def test_elements_beside_those_of_x():
    """Memory that lies within the other's bounds and is not shared."""
    memory = torch.linspace(-1, 1, 10)
    expected = numbaexp.exp(memory[::2])
    numbaexp.exp(memory[::2], out=memory[1::2])
    assert torch.equal(memory[1::2], expected)


@pytest.mark.parametrize("x", [np.ones(3), [1.0, 2.0, 3.0], 1.0])
def test_out_of_a_tensor_for_what_is_none(x):
    name = type(x).__name__
    with pytest.raises(TypeError, match=f"of one library; got a .*{name} and a torch.Tensor"):
        numbaexp.exp(x, out=torch.empty(3))


def test_only_out_is_taken():
    x = torch.ones(3)
    for name, value in {"where": True, "dtype": torch.float64, "order": "C"}.items():
        with pytest.raises(TypeError, match=f"of a torch.Tensor `exp2` does not take `{name}`"):
            numbaexp.exp2(x, **{name: value})


@pytest.mark.parametrize("name", FAMILY)
def test_in_place(name):
    for dtype in FLOATS:
        x = VALUES.to(dtype)
        expected = getattr(numbaexp, name)(x)
        assert getattr(numbaexp, f"{name}_")(x) is x
        assert torch.equal(x, expected)


def test_in_place_on_integers():
    with pytest.raises(TypeError, match=r"`out` must be of a float type, to hold torch.float32; got torch.int64"):
        numbaexp.exp_(torch.arange(3))


def test_autograd_notices_what_was_changed():
    x = torch.ones(3, requires_grad=True)
    for change in (numbaexp.exp_, lambda y: numbaexp.exp(torch.ones(3), out=y)):
        kept = x * 1
        product = kept * kept
        with torch.no_grad():
            change(kept)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            product.sum().backward()
    converted = torch.ones(3, dtype=torch.float64)
    version = converted._version
    numbaexp.exp(torch.ones(3), out=converted)
    assert converted._version > version


def test_negative_bit():
    """What PyTorch calls the imaginary part of a conjugate: memory that means its negative."""
    x = torch.complex(torch.zeros(3), torch.tensor([1.0, 2.0, 3.0]))
    negative = x.conj().imag
    assert negative.is_neg()
    expected = numbaexp.exp(-x.imag)
    assert torch.equal(numbaexp.exp(negative), expected)
    assert numbaexp.exp_(negative) is negative
    assert torch.equal(negative, expected)


def test_zeros_without_memory():
    zeros = torch._efficientzerotensor(3)
    assert zeros._is_zerotensor()
    for y in (zeros, torch.ones(3)):
        assert torch.equal(numbaexp.exp(zeros), torch.ones(3))
        assert torch.equal(numbaexp.sigmoid_backward(zeros, y), torch.zeros(3))
    assert torch.equal(numbaexp.sigmoid_backward(torch.ones(3), zeros), torch.full((3,), 0.25))


OF_SMALL = {
    "Parameter": lambda x: torch.nn.Parameter(x, requires_grad=False),
    "strided": lambda x: x[::2],
    "negative": lambda x: torch.complex(x, x).conj().imag,
    "integers": lambda x: x.to(torch.int64),
    "subclass": lambda x: x.as_subclass(type("Tensor", (torch.Tensor,), {})),
}


@pytest.mark.parametrize("said", OF_SMALL)
def test_small_tensors_that_differ_from_ordinary_ones(said):
    """They give what contiguous tensors of the same values do; the second argument of a gradient may differ alone."""
    x = torch.linspace(-2, 2, 8)
    given = OF_SMALL[said](x)
    plain = given.resolve_neg().as_subclass(torch.Tensor).clone().contiguous()
    plain = plain.to(torch.float32) if said == "integers" else plain
    assert torch.equal(numbaexp.exp(given), numbaexp.exp(plain))
    grad = torch.linspace(1, 2, plain.numel())
    if said != "integers":
        for one, other in ((given, grad), (grad, given), (given, given)):
            expected = (each.resolve_neg().as_subclass(torch.Tensor).clone().contiguous() for each in (one, other))
            assert torch.equal(numbaexp.sigmoid_backward(one, other), numbaexp.sigmoid_backward(*expected))


def test_small_tensors_on_every_target():
    x = torch.linspace(-2, 2, 8)
    expected = numbaexp.exp(x)
    for target in ("cpu", "parallel"):
        with numbaexp.use_target(target):
            assert torch.equal(numbaexp.exp(x), expected)
            assert torch.equal(numbaexp.exp_backward(x, x), x * x)


def test_threads():
    x = torch.linspace(-5, 5, 1000)
    expected, wrong = numbaexp.exp(x), []

    def work():
        for _ in range(200):
            if not torch.equal(numbaexp.exp(x), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(not HUGE_PAGES.exists(), reason="Linux alone tells of such pages")
def test_new_memory_is_in_huge_pages(run_script):
    printed = run_script(
        """
        import re, torch, numbaexp
        y = numbaexp.exp(torch.zeros(1 << 25))
        with open("/proc/self/smaps") as file:
            maps = re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", file.read())[1:]
        for text in maps:
            first, last = (int(end, 16) for end in text.split(" ", 1)[0].split("-"))
            if first <= y.data_ptr() + y.nbytes // 2 < last:
                print("hg" in re.search("VmFlags:(.*)", text)[1].split())
        """
    )
    assert printed == "True\n"


def test_memory_does_not_grow(run_script):
    run_script("""
        import resource, torch, numbaexp
        x = torch.ones(1_000_000)
        out = torch.empty_like(x)
        def peak():
            numbaexp.exp(x)
            numbaexp.exp(x, out=out)
            numbaexp.exp(x.int())
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(5):
            first = peak()
        for _ in range(100):
            last = peak()
        assert last - first < 20_000, (first, last)  # in KB: five of these tensors, of some hundreds
    """)


def test_bfloat16_without_ml_dtypes(run_script):
    run_script("""
        import sys
        sys.modules["ml_dtypes"] = None
        import torch, numbaexp
        for n in (3, 100_000, 1_000_000):
            x = torch.ones(n, dtype=torch.bfloat16)
            assert (numbaexp.exp(x) == 2.71875).all()
            assert (numbaexp.exp(x[::2]) == 2.71875).all()
    """)
