"""Masks, factors and types of functions of rows, in each library: the bits of NumPy's arrays, and the gradients."""

import numpy as np
import pytest
from helpers import SOFTMAX_LIKE, assert_same_but_nan, dtype_of, to_numpy, to_torch

import numbaexp
from numbaexp import autograd

# Those with masks.
OF_ROWS = (*SOFTMAX_LIKE, "logsumexp")

RNG = np.random.default_rng(18)
X = 3.0 * RNG.standard_normal((4, 6))
B = RNG.uniform(0.5, 2.0, (4, 6))
MASK = RNG.random((4, 6)) < 0.7
MASK[2] = False
MASK[0, :2] = True, False
MASK[3] = True
# Whatever is masked counts for nothing.
X[2], X[0, 1] = np.nan, np.inf
# What broadcasts with a mask: a row and a column, of an array or of a mask.
SHAPES = [((4, 6), (4, 6)), ((4, 6), (4, 1)), ((4, 6), (6,)), ((6,), (4, 6)), ((4, 1), (1, 6))]


class OfTorch:
    name, types = "torch", ("float16", "bfloat16", "float32", "float64")

    def __init__(self):
        self.torch = pytest.importorskip("torch", reason="the library is PyTorch")
        self.array = to_torch

    def call(self, function, *arrays):
        return to_numpy(function(*map(self.array, arrays)))

    def dtype(self, name):
        return getattr(self.torch, name)

    def gradients(self, function, *arrays, constants=()):
        tensors = [self.torch.tensor(each, requires_grad=True) for each in arrays]
        function(*tensors, *map(to_torch, constants)).sum().backward()
        return [each.grad.numpy() for each in tensors]

    def check_twice(self, function, *arrays):
        tensors = [self.torch.tensor(each, requires_grad=True) for each in arrays]
        assert self.torch.autograd.gradcheck(function, tensors)
        assert self.torch.autograd.gradgradcheck(function, tensors)


class OfTorchWithGrad(OfTorch):
    name = "torch with grad"

    def call(self, function, *arrays):
        tensors = [self.array(each) for each in arrays]
        return to_numpy(function(*(each.requires_grad_(each.is_floating_point()) for each in tensors)))


class OfTorchCompiled(OfTorch):
    name, types = "torch.compile", ("float32",)

    def call(self, function, *arrays):
        self.torch.compiler.reset()
        return super().call(self.torch.compile(function, fullgraph=True, backend="eager"), *arrays)

    def gradients(self, function, *arrays, constants=()):
        compiled = self.torch.compile(function, fullgraph=True, backend="aot_eager")
        return super().gradients(compiled, *arrays, constants=constants)


class OfJax:
    name, types = "jax", ("float16", "bfloat16", "float32")

    def __init__(self):
        self.jax = pytest.importorskip("jax", reason="the library is JAX")
        self.array = self.jax.numpy.asarray

    def call(self, function, *arrays):
        return np.asarray(function(*map(self.array, arrays)))

    def dtype(self, name):
        return getattr(self.jax.numpy, name)

    def gradients(self, function, *arrays, constants=()):
        with self.jax.enable_x64():
            total = self.jax.grad(lambda *given: function(*given, *constants).sum(), tuple(range(len(arrays))))
            made = total(*arrays)
            return [np.asarray(each) for each in made]

    def check_twice(self, function, *arrays):
        from jax.test_util import check_grads

        with self.jax.enable_x64():
            check_grads(function, arrays, 2)


class OfJaxCompiled(OfJax):
    name = "jax.jit"

    def call(self, function, *arrays):
        return super().call(self.jax.jit(function), *arrays)

    def gradients(self, function, *arrays, constants=()):
        return super().gradients(self.jax.jit(function), *arrays, constants=constants)

    def check_twice(self, function, *arrays):
        super().check_twice(self.jax.jit(function), *arrays)


class OfTape:
    name, types = "tape", ("float16", "float32", "float64")

    def array(self, array):
        array = np.asarray(array)
        return autograd.tensor(array, requires_grad=True) if array.dtype.kind == "f" else array

    def call(self, function, *arrays):
        return function(*map(self.array, arrays)).detach().numpy()

    def dtype(self, name):
        return np.dtype(name)

    def gradients(self, function, *arrays, constants=()):
        tensors = [autograd.tensor(each, requires_grad=True) for each in arrays]
        with np.errstate(invalid="ignore"):
            function(*tensors, *constants).sum().backward()
        return [each.grad.numpy() for each in tensors]

    def check_twice(self, function, *arrays):
        tensors = [autograd.tensor(each, requires_grad=True) for each in arrays]
        assert autograd.gradcheck(function, tensors)
        assert autograd.gradgradcheck(function, tensors)


class Lends:
    """An array that lends its memory by DLPack, whose library has no function of its own."""

    def __init__(self, array):
        self.array = np.array(array)

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class OfDlpack:
    name, types = "DLPack", ("float16", "float32", "float64")

    def call(self, function, *arrays):
        return function(*map(Lends, arrays))

    def dtype(self, name):
        return np.dtype(name)


LIBRARIES = (OfTorch, OfTorchWithGrad, OfTorchCompiled, OfJax, OfJaxCompiled, OfTape, OfDlpack)
WITH_GRADIENTS = (OfTorch, OfTorchCompiled, OfJax, OfJaxCompiled, OfTape)
TWICE = (OfTorch, OfJax, OfJaxCompiled, OfTape)


def each_of(libraries):
    return pytest.mark.parametrize("library", libraries, ids=lambda library: library.name)


def typed(array, dtype):
    with np.errstate(all="ignore"):
        return array.astype(dtype_of(dtype))


@pytest.mark.checked(shapes=("((4, 6), (4, 6))", "((4, 6), (6,))", "((4, 1), (1, 6))"))
@each_of(LIBRARIES)
@pytest.mark.parametrize("name", OF_ROWS)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_where(library, name, shapes):
    library, function = library(), getattr(numbaexp, name)
    mask = np.resize(MASK, shapes[1])
    for dtype in library.types:
        x = typed(np.resize(X, shapes[0]), dtype)
        result = library.call(lambda x, where: function(x, axis=-1, where=where), x, mask)
        assert_same_but_nan(result, function(x, axis=-1, where=mask))


@each_of(LIBRARIES)
@pytest.mark.parametrize("axis", [0, 1, None])
def test_factors(library, axis):
    library = library()
    for dtype in library.types:
        x, b = typed(X, dtype), typed(B, dtype)
        b[0, 0], b[1] = 0.0, -b[1]
        for mask in (None, MASK):
            for given in (b,) if library.name == "DLPack" else (b, b[:1], b[0]):
                result = library.call(lambda x, b, mask=mask: numbaexp.logsumexp(x, axis, b, where=mask), x, given)
                assert_same_but_nan(result, numbaexp.logsumexp(x, axis, given, where=mask))


@pytest.mark.checked(name="softmax")
@each_of(LIBRARIES)
@pytest.mark.parametrize("name", SOFTMAX_LIKE)
def test_dtype(library, name):
    library, function = library(), getattr(numbaexp, name)
    x = 4.0 * RNG.standard_normal((5, 33))
    for source in library.types:
        for wanted in library.types:
            if library.name == "DLPack" and np.dtype(wanted).itemsize < np.dtype(source).itemsize:
                continue
            given = typed(x, source)
            for dtype in (library.dtype(wanted), wanted):
                result = library.call(lambda x, dtype=dtype: function(x, dtype=dtype), given)
                assert_same_but_nan(result, function(typed(given, wanted)))
                result = library.call(lambda x, dtype=dtype: function(x, dtype=dtype, where=x == x), given)  # noqa: PLR0124
                assert_same_but_nan(result, function(typed(given, wanted)))


@each_of(LIBRARIES[:-2])
def test_integers(library):
    library, x = library(), np.array([[1, 3, 0, 2]], np.int32)
    for dtype in library.types[-2:]:
        result = library.call(lambda x, dtype=dtype: numbaexp.softmax(x, dtype=dtype, where=x > 0), x)
        assert_same_but_nan(result, numbaexp.softmax(x, dtype=dtype_of(dtype), where=x > 0))


@each_of(WITH_GRADIENTS)
@pytest.mark.parametrize("name", OF_ROWS)
def test_gradients_of_masked(library, name):
    """Each row's gradient is that of its elements that count, and 0 of the others, whatever they are."""
    library, function = library(), getattr(numbaexp, name)
    scale = RNG.standard_normal((4, 1) if name == "logsumexp" else X.shape)
    keepdims = {"keepdims": True} if name == "logsumexp" else {}
    (made,) = library.gradients(lambda x, g: function(x, axis=-1, where=MASK, **keepdims) * g, X, constants=[scale])
    assert not made[~MASK].any()
    for row in (0, 1, 3):
        kept = MASK[row]
        x = X[row, kept]
        if name == "logsumexp":
            wanted = scale[row] * numbaexp.softmax(x)
        else:
            wanted = getattr(numbaexp, f"{name}_backward")(scale[row, kept], function(x))
        np.testing.assert_allclose(made[row, kept], wanted, rtol=1e-13, atol=1e-15)


@each_of(WITH_GRADIENTS)
def test_gradients_of_factors(library):
    library, x, b = library(), np.where(MASK, X, 0.5), B.copy()
    b[1, 1], x[1, 1] = 0.0, np.inf
    of_x, of_b = library.gradients(lambda x, b: numbaexp.logsumexp(x, 1, b, where=MASK), x, b)
    assert not of_x[~MASK].any()
    assert not of_b[~MASK].any()
    assert of_x[1, 1] == 0.0
    for row in (0, 3):
        kept = MASK[row]
        terms = np.exp(x[row, kept])
        total = (terms * b[row, kept]).sum()
        np.testing.assert_allclose(of_x[row, kept], terms * b[row, kept] / total, rtol=1e-13)
        np.testing.assert_allclose(of_b[row, kept], terms / total, rtol=1e-13)


@pytest.mark.checked(library=("OfTorch", "OfJax", "OfTape"))
@pytest.mark.checked(name=("softmax", "logsumexp"))
@each_of(TWICE)
@pytest.mark.parametrize("name", OF_ROWS)
def test_second_gradients_of_masked(library, name):
    library, function = library(), getattr(numbaexp, name)
    x = RNG.standard_normal(X.shape)
    # A logarithm that is masked is -infinity, of which its exponential alone has a difference.
    last = numbaexp.softplus if name == "softmax" else numbaexp.exp
    library.check_twice(lambda x: last(function(x, axis=-1, where=MASK)), x)


@pytest.mark.checked(library=("OfTorch", "OfJax", "OfTape"))
@each_of(TWICE)
def test_second_gradients_of_factors(library):
    library, x = library(), RNG.standard_normal(X.shape)
    library.check_twice(lambda x, b: numbaexp.exp(numbaexp.logsumexp(x, 1, b, where=MASK)), x, B)


@each_of(WITH_GRADIENTS)
@pytest.mark.parametrize("name", SOFTMAX_LIKE)
def test_gradients_are_of_the_type_of_the_argument(library, name):
    library, function = library(), getattr(numbaexp, name)
    x = typed(X[[0, 3]], "float32")
    (made,) = library.gradients(lambda x: function(x, dtype=library.dtype("float64"), where=MASK[[0, 3]]), x)
    assert made.dtype == np.float32


@each_of(LIBRARIES)
def test_masks_refused(library):
    library = library()
    for call in (numbaexp.softmax, numbaexp.log_softmax, numbaexp.logsumexp):
        with pytest.raises(Exception, match="`where` must be of type bool; got float"):
            library.call(lambda x, call=call: call(x, where=x), np.ones(3, np.float32))


def test_names_of_an_axis():
    torch = pytest.importorskip("torch", reason="`dim` is PyTorch's name of an axis")
    x = torch.from_numpy(np.where(MASK, X, 0.5))
    for function in (numbaexp.softmax, numbaexp.log_softmax, numbaexp.logsumexp):
        assert torch.equal(function(x, dim=0), function(x, 0))
        with pytest.raises(TypeError, match=r"^`axis` and `dim` must not both be given; got 1 and 0$"):
            function(x, 1, dim=0)


def test_results_in_given_tensors():
    torch = pytest.importorskip("torch", reason="the tensors are PyTorch's")
    x, mask = torch.from_numpy(np.where(MASK, X, 0.5)), torch.from_numpy(MASK)
    for function in (numbaexp.softmax, numbaexp.log_softmax):
        out = torch.empty_like(x)
        assert function(x, out=out, where=mask) is out
        assert torch.equal(out, function(x, where=mask))
        narrow = torch.empty(x.shape, dtype=torch.float16)
        assert function(x, out=narrow, dtype=torch.float32) is narrow
        assert torch.equal(narrow, function(x, dtype=torch.float32).half())


def test_results_in_given_tensors_of_the_tape():
    x = autograd.tensor(np.where(MASK, X, 0.5), requires_grad=True)
    with autograd.no_grad():
        out = autograd.tensor(np.zeros(X.shape))
        assert numbaexp.softmax(x, out=out, where=MASK) is out
    assert_same_but_nan(out.numpy(), numbaexp.softmax(np.where(MASK, X, 0.5), where=MASK))


@pytest.mark.sampled(shape=("(5, 7)", "(2, 9000)"))
@pytest.mark.checked(name="softmax", shape=("(5, 7)", "(3, 33, 40)", "(0, 3)", "()"))
@pytest.mark.parametrize("name", SOFTMAX_LIKE)
@pytest.mark.parametrize(
    "shape", [(5, 7), (3, 33, 40), (2, 9000), (9000, 20), (300, 300), (2, 70000), (0, 3), ()], ids=str
)
def test_elements_of_another_type_are_converted_by_the_kernels(name, shape):
    """In all layouts, of every kernel."""
    torch = pytest.importorskip("torch", reason="the tensors are PyTorch's")
    function = getattr(numbaexp, name)
    for source, wanted in (("bfloat16", "float32"), ("float16", "float32"), ("float32", "float64")):
        dtype = getattr(torch, wanted)
        x = (4.0 * torch.from_numpy(np.asarray(RNG.standard_normal(shape)))).to(getattr(torch, source))
        for given in (x, x.movedim(0, -1) if x.ndim else x, torch.stack([x, x], -1)[..., 0]):
            for axis in range(-given.ndim, 0):
                out = torch.empty((*given.shape, 2), dtype=dtype)[..., 0]
                expected = to_numpy(function(given.to(dtype), axis))
                assert_same_but_nan(to_numpy(function(given, axis, dtype=dtype)), expected)
                assert_same_but_nan(to_numpy(function(given, axis, dtype=dtype, out=out)), expected)
