"""On a GPU: the bits of the CPU for every input, on the user's stream and device, in the arrays of each library.

``python -m pytest -m gpu tests/test_gpu.py`` runs these, and so does ``benches/gpu.py``.
"""

import contextlib
import math
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest
from helpers import FORMATS, HALVES, OF_ROWS, SOFTMAX_LIKE, computed, dtype_of, to_numpy
from numba import njit, prange

import numbaexp
from numbaexp.cuda import usable
from numbaexp.scalar.family import FAMILY
from numbaexp.verify import arguments

pytestmark = [
    pytest.mark.gpu,
    # Other libraries may have something to say of a GPU or its driver: what is tested here are results.
    pytest.mark.filterwarnings("default"),
]


class Amounts(NamedTuple):
    """How much is tried: ``tests/test_gpu_report.py`` runs some of this file in the simulator, on less."""

    halves: int = 1 << 16
    float32: int = 1 << 32
    hard: int = 1 << 20
    random: int = 10**8
    beyond: int = (1 << 31) + (1 << 16)
    # What the host compares at once.
    piece: int = 1 << 26
    shape: tuple[int, ...] = (13, 11, 10, 9, 8)
    # Elements of rows: of one chunk, and of many.
    rows: tuple[int, int] = (1000, 10**6)


AMOUNTS = Amounts()

# Where results are ordinary.
ORDINARY = (-10.0, 10.0)


def lacking():
    """Why nothing can be tried here, or None."""
    if usable.missing() is not None:
        return usable.missing()
    return "NUMBA_ENABLE_CUDASIM is set: its simulator is no GPU" if usable.simulated() else None


@pytest.fixture(scope="module")
def cuda():
    """numba.cuda, which is not to be initialized by a run that tries nothing here."""
    reason = lacking()
    if reason is not None:
        pytest.skip(reason)
    from numba import cuda

    return cuda


@pytest.fixture(params=FORMATS)
def dtype(request):
    return dtype_of(request.param)


@pytest.fixture(params=HALVES)
def half(request):
    return dtype_of(request.param)


@pytest.fixture
def torch():
    torch = peer("torch")
    if not torch.cuda.is_available():
        pytest.skip("this PyTorch cannot use the GPU")
    return torch


@pytest.fixture
def cupy():
    return peer("cupy")


@pytest.fixture
def jax(monkeypatch):
    # Else JAX takes most of the GPU's memory at once.
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    jax = peer("jax")
    jax.config.update("jax_enable_x64", True)
    try:
        jax.devices("cuda")
    except RuntimeError:
        pytest.skip("this JAX cannot use the GPU")
    return jax


def peer(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an import, which is none of ours
        return pytest.importorskip(name, reason=f"{name} is not installed")


def halves_of(dtype):
    """Every value of a 16-bit type, in the order of their bit patterns."""
    step = (1 << 16) // AMOUNTS.halves
    return np.arange(0, 1 << 16, step, dtype=np.uint16).view(dtype)


def ordinary(dtype, size):
    return np.asarray(np.random.default_rng(0).uniform(*ORDINARY, size)).astype(dtype)


@njit(parallel=True)
def count_differing(a, b, but_sign, infinity):
    count = 0
    for i in prange(a.size):
        if a[i] != b[i] and not ((a[i] & but_sign) > infinity and (b[i] & but_sign) > infinity):
            count += 1
    return count


def differing(a, b):
    """How many bit patterns differ, but for those that are NaN in both."""
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    bits = np.dtype(f"u{a.itemsize}")
    # All bits but the sign, and those of infinity: what is greater is NaN.
    limits = bits.type(np.iinfo(bits).max >> 1), bits.type(FORMATS[a.dtype.name].infinity)
    return count_differing(*(np.ascontiguousarray(each).reshape(-1).view(bits) for each in (a, b)), *limits)


def put(cuda, array, stream=0):
    """A Numba device array. Numba cannot copy bfloat16 from the host, but its bits."""
    if array.dtype.name != "bfloat16":
        return cuda.to_device(array, stream)
    return cuda.to_device(array.view(np.uint16), stream).view(array.dtype)


def assert_numbas(cuda, result, expected):
    """A Numba device array with these results."""
    assert type(result) is type(cuda.device_array(1))
    assert tuple(result.shape) == expected.shape
    assert differing(result.copy_to_host(), expected) == 0


def test_the_comparison_can_fail(dtype):
    x = np.array([1, 0, np.nan, np.inf, 2], dtype)
    other = np.array([1, -0.0, -np.nan, np.nan, np.inf], dtype)
    assert differing(x, other) == 3
    assert differing(x, x.copy()) == 0


# Bits.


def test_every_half(cuda, function, half):
    x = halves_of(half)
    expected = computed(function, x)
    x_there, out = put(cuda, x), put(cuda, np.ones_like(x))
    compute = getattr(numbaexp, function)
    assert_numbas(cuda, compute(x_there), expected)
    assert compute(x_there, out=out) is out
    assert_numbas(cuda, out, expected)
    assert getattr(numbaexp, f"{function}_")(x_there) is x_there
    assert_numbas(cuda, x_there, expected)


def test_every_float32(cuda, function):
    """In place, in pieces: the host computes while the device does."""
    x, result = (cuda.pinned_array(AMOUNTS.piece, np.float32) for _ in range(2))
    patterns, expected = x.view(np.uint32), np.empty_like(x)
    patterns[:] = np.arange(AMOUNTS.piece, dtype=np.uint32)
    there = cuda.device_array(AMOUNTS.piece, np.float32)
    compute_in_place = getattr(numbaexp, f"{function}_")
    checked = 0
    while checked < AMOUNTS.float32:
        there.copy_to_device(x)
        compute_in_place(there)
        computed(function, x, out=expected)
        there.copy_to_host(result)
        assert differing(result, expected) == 0, f"from the bit pattern {patterns[0]:#x} on"
        patterns += np.uint32(AMOUNTS.piece)
        checked += AMOUNTS.piece


def check_float64(cuda, function, x):
    expected = computed(function, x)
    assert_numbas(cuda, getattr(numbaexp, function)(cuda.to_device(x)), expected)


def test_float64_hard(cuda, function):
    """So many that whole blocks of threads have nothing but undecided arguments."""
    x = np.concatenate([arguments.hard(function), arguments.odd(function)])
    check_float64(cuda, function, x)
    check_float64(cuda, function, np.resize(x, AMOUNTS.hard))


@pytest.mark.parametrize("source", ["where results change", "ordinary", "any bits"])
def test_float64_random(cuda, function, source):
    rng, number = np.random.default_rng(1), -(-AMOUNTS.random // 3)
    if source == "where results change":
        x = arguments.random(function, number, rng)
    elif source == "ordinary":
        x = rng.uniform(*ORDINARY, number)
    else:
        x = rng.integers(0, 2**64, number, np.uint64).view(np.float64)
    check_float64(cuda, function, x)


# Of a gapless array of five dimensions: what is read, and what is written of another one.
LAYOUTS = {
    "gapless": (lambda a: a, lambda a: a),
    "misaligned alike": (lambda a: a.ravel()[1:], lambda a: a.ravel()[1:]),
    "misaligned apart": (lambda a: a.ravel()[1:], lambda a: a.ravel()[:-1]),
    "every other one read": (lambda a: a.ravel()[::2], lambda a: a.ravel()[: -(-a.size // 2)]),
    "every other one written": (lambda a: a.ravel()[: a.size // 2], lambda a: a.ravel()[1::2]),
    "read backwards": (lambda a: a.ravel()[::-1], lambda a: a.ravel()),
    "written backwards": (lambda a: a.ravel(), lambda a: a.ravel()[::-1]),
    "transposed": (lambda a: a.T, lambda a: a.reshape(a.T.shape)),
    "sliced in five dimensions": (lambda a: a[1:, ::2, 1:, ::2, 1:], lambda a: a[:-1, ::2, :-1, ::2, :-1]),
    "one row for all": (lambda a: np.broadcast_to(a[:1], a.shape), lambda a: a),
    "0-d": (lambda a: a[0, 1, 2, 1, 1, ...], lambda a: a[0, 1, 0, 1, 0, ...]),
    "empty": (lambda a: a[:0], lambda a: a[:, 1:1].reshape(0, *a.shape[1:])),
}


class Mirror:
    """An array of the host and its copy on the device, where any view of it has an address."""

    def __init__(self, cuda, array):
        from numbaexp.backends import cuda_memory

        self.array, self._there = array, cuda.to_device(array.view(f"u{array.itemsize}"))
        self._address = cuda_memory.address(self._there)

    def strided(self, view):
        from numbaexp.layout import Strided

        first, of_view = (a.__array_interface__["data"][0] for a in (self.array, view))
        return Strided(self._address + of_view - first, view.shape, view.strides, view.dtype.name, 0)

    def fetch(self):
        return self._there.copy_to_host().view(self.array.dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(cuda, function, dtype, layout):
    """What lies beside the elements that are written stays as it was."""
    from numbaexp.cuda import launch

    of_x, of_out = LAYOUTS[layout]
    values = ordinary(dtype, AMOUNTS.shape)
    x, out = Mirror(cuda, values), Mirror(cuda, np.ones_like(values))
    view, view_of_out = of_x(x.array), of_out(out.array)
    launch.run(function, (x.strided(view), out.strided(view_of_out)), ("x", "out"), 0)
    computed(function, view, out=view_of_out)
    assert differing(out.fetch(), out.array) == 0


@pytest.mark.parametrize("layout", ["gapless", "misaligned alike", "every other one read", "sliced in five dimensions"])
def test_layouts_in_place(cuda, dtype, layout):
    from numbaexp.cuda import launch

    x = Mirror(cuda, ordinary(dtype, AMOUNTS.shape))
    view = LAYOUTS[layout][0](x.array)
    there = x.strided(view)
    launch.run("exp", (there, there), ("x", "out"), 0)
    computed("exp", view, out=view)
    assert differing(x.fetch(), x.array) == 0


def test_views_of_device_arrays(cuda, dtype):
    x = ordinary(dtype, 200)
    for view in (slice(1, None), slice(None, None, 2), slice(5, 5)):
        there, out = put(cuda, x), put(cuda, np.zeros_like(x))
        result = numbaexp.exp(there[view])
        assert tuple(result.shape) == x[view].shape
        numbaexp.exp(there[view], out=out[view])
        expected = np.zeros_like(x)
        expected[view] = computed("exp", x[view])
        assert differing(out.copy_to_host(), expected) == 0
        assert differing(result.copy_to_host(), expected[view].copy()) == 0


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1, 1), (2, 3)])
def test_shapes_of_device_arrays(cuda, shape):
    x = ordinary(np.float32, shape)
    assert_numbas(cuda, numbaexp.exp(cuda.to_device(x)), np.asarray(computed("exp", x)))


@pytest.mark.parametrize("code", "?bBhHiIlL")
def test_integers(cuda, code):
    x = np.arange(100).astype(code)
    assert_numbas(cuda, numbaexp.exp(put(cuda, x)), computed("exp", x))


@pytest.fixture
def beyond(cuda):
    """(values that are repeated, pieces, memory for so many of them on the device)"""
    values = np.resize(halves_of(np.dtype(np.float16)), AMOUNTS.piece)
    free = cuda.current_context().get_memory_info().free
    if free < 2.1 * 2 * AMOUNTS.beyond:
        pytest.skip(f"needs {4.2e-9 * AMOUNTS.beyond:.0f} GB of device memory, {free / 1e9:.0f} GB are free")
    pieces = [slice(i, min(i + values.size, AMOUNTS.beyond)) for i in range(0, AMOUNTS.beyond, values.size)]
    there = cuda.device_array(AMOUNTS.beyond, np.float16)
    for piece in pieces:
        there[piece].copy_to_device(values[: piece.stop - piece.start])
    return values, pieces, there


def test_more_elements_than_an_int32_counts(beyond):
    """In place, on all but the first and the last."""
    values, pieces, there = beyond
    inner = there[1:-1]
    numbaexp.exp(inner, out=inner)
    expected = computed("exp", values)
    for piece in pieces:
        result = there[piece].copy_to_host()
        right = expected[: result.size].copy()
        if piece.start == 0:
            right[0] = values[0]
        if piece.stop == AMOUNTS.beyond:
            right[-1] = values[result.size - 1]
        assert differing(result, right) == 0, piece


def test_more_elements_than_an_int32_counts_strided(cuda, beyond):
    """Read backwards."""
    from numbaexp.backends import cuda_memory
    from numbaexp.cuda import launch

    values, pieces, there = beyond
    out = cuda.device_array(AMOUNTS.beyond, np.float16)
    last = cuda_memory.address(there) + 2 * (AMOUNTS.beyond - 1)
    x = launch.Strided(last, (AMOUNTS.beyond,), (-2,), "float16", 0)
    launch.run("exp", (x, x._replace(pointer=cuda_memory.address(out), strides=(2,))), ("x", "out"), 0)
    # The number of elements is a multiple of that of the different values.
    expected = np.resize(computed("exp", halves_of(values.dtype))[::-1], values.size)
    for piece in pieces:
        result = out[piece].copy_to_host()
        assert differing(result, expected[: result.size]) == 0, piece


# Streams, devices, threads, and kernels of users.

# Elements, and steps of a thread that waits: some tenths of a second.
LATE, STEPS = 1 << 12, 30_000_000


@contextlib.contextmanager
def numbas_stream(cuda):
    """One that does not wait for the default stream, nor that for it."""
    from cuda.bindings import driver

    error, handle = driver.cuStreamCreate(driver.CUstream_flags.CU_STREAM_NON_BLOCKING)
    assert error == driver.CUresult.CUDA_SUCCESS
    stream = cuda.external_stream(int(handle))
    yield stream, lambda array: put(cuda, array, stream)
    stream.synchronize()
    driver.cuStreamDestroy(handle)


@contextlib.contextmanager
def torchs_stream(cuda):
    torch = peer("torch")
    if not torch.cuda.is_available():
        pytest.skip("this PyTorch cannot use the GPU")
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        yield cuda.external_stream(stream.cuda_stream), lambda array: torch.from_numpy(array).cuda()


@contextlib.contextmanager
def cupys_stream(cuda):
    cupy = peer("cupy")
    with cupy.cuda.Stream(non_blocking=True) as stream:
        yield cuda.external_stream(stream.ptr), cupy.asarray


STREAMS = {"numba": numbas_stream, "torch": torchs_stream, "cupy": cupys_stream}


@pytest.mark.parametrize("library", STREAMS)
@pytest.mark.parametrize("form", ["new", "out", "in place"])
def test_streams(cuda, library, form):
    """A call returns before its kernel has run, which runs after what its stream was given before."""

    @cuda.jit
    def write_late(x, values, steps, one):
        delay = one
        for _ in range(steps):
            delay = delay * 0.5 + 0.5 * one
        i = cuda.grid(1)
        if i < x.size:
            x[i] = values[i] * delay

    values = ordinary(np.float32, LATE)
    late = cuda.to_device(values)
    with STREAMS[library](cuda) as (stream, make):
        x, out = make(np.zeros(LATE, np.float32)), make(np.zeros(LATE, np.float32))
        target = cuda.as_cuda_array(x, sync=False)
        launch_late = write_late[LATE // 256, 256, stream]
        launch_late(target, late, 1, np.float32(1))
        # What is compiled, loaded and allocated may wait for the device.
        numbaexp.exp(x, out=out)
        kept = numbaexp.exp(x)
        stream.synchronize()
        target.copy_to_device(np.zeros(LATE, np.float32), stream)
        stream.synchronize()
        del kept

        launch_late(target, late, STEPS, np.float32(1))
        result = numbaexp.exp(x, out={"new": None, "out": out, "in place": x}[form])
        done = cuda.event()
        done.record(stream)
        # Numba keeps no memory for new arrays, and the driver may wait for the device before it gives any.
        if (library, form) != ("numba", "new"):
            assert not done.query()
        stream.synchronize()
        assert done.query()
        assert differing(cuda.as_cuda_array(result).copy_to_host(), computed("exp", values)) == 0


def test_several_devices(cuda):
    if len(cuda.gpus) < 2:
        pytest.skip("there is one device")
    from numbaexp.backends.cuda_memory import address, device_of

    values = ordinary(np.float64, 1000)
    with cuda.gpus[1]:
        x = cuda.to_device(values)
    here = cuda.to_device(values)
    result = numbaexp.exp(x)
    assert device_of(address(result)) == 1
    with cuda.gpus[1]:
        assert_numbas(cuda, result, computed("exp", values))
    with pytest.raises(ValueError, match="`x` is on cuda:1 and `out` on cuda:0"):
        numbaexp.exp(x, out=here)
    assert_numbas(cuda, numbaexp.exp(here), computed("exp", values))


def test_first_calls_of_two_threads_at_once(cuda, run_script, tmp_path):
    """In a new process, which has nothing compiled and no context."""
    run_script(
        """
        import threading
        from concurrent.futures import ThreadPoolExecutor
        import numpy as np
        import numbaexp
        from numba import cuda
        x = np.linspace(-9, 9, 100_000)
        expected, start = numbaexp.exp(x), threading.Barrier(2)
        def work(_):
            start.wait()
            return all((numbaexp.exp(cuda.to_device(x)).copy_to_host() == expected).all() for _ in range(50))
        with ThreadPoolExecutor(2) as pool:
            assert all(pool.map(work, range(2)))
        """,
        NUMBA_CACHE_DIR=str(tmp_path),
    )


def test_threads(cuda):
    """Each with arrays and a stream of its own."""
    values = {name: ordinary(np.float32, 10_000 + 1000 * place) for place, name in enumerate(FAMILY)}
    expected = {name: computed(name, x) for name, x in values.items()}
    start = threading.Barrier(len(values))

    def count_wrong(name):
        stream, wrong = cuda.stream(), 0
        start.wait()
        for _ in range(100):
            result = getattr(numbaexp, name)(cuda.to_device(values[name], stream))
            host = result.copy_to_host(stream=stream)
            stream.synchronize()
            wrong += differing(host, expected[name])
        return wrong

    with ThreadPoolExecutor(len(values)) as pool:
        assert list(pool.map(count_wrong, values)) == [0] * len(values)


def test_no_warnings(cuda):
    """Numba would warn of grids that leave most of the device idle, as those of small arrays do."""
    x = cuda.to_device(np.linspace(-900, 900, 100))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        numbaexp.exp(x)
        numbaexp.exp(x[::2])


# Functions that a kernel calls, one beside the other.
CALLED = ("exp", "exp2", "exp10", "expm1", "sigmoid", "softplus", "log")


@pytest.mark.parametrize("name", [*FORMATS, "int64", "bool"])
def test_in_kernels_of_users(cuda, name):
    @cuda.jit
    def kernel(x, y):
        i = cuda.grid(1)
        if i < x.size:
            y[0, i] = numbaexp.exp(x[i])
            y[1, i] = numbaexp.exp2(x[i])
            y[2, i] = numbaexp.exp10(x[i])
            y[3, i] = numbaexp.expm1(x[i])
            y[4, i] = numbaexp.sigmoid(x[i])
            y[5, i] = numbaexp.softplus(x[i])
            y[6, i] = numbaexp.log(x[i])

    dtype = dtype_of(name)
    if name in HALVES:
        x = halves_of(dtype)
    elif name in FORMATS:
        rng = np.random.default_rng(2)
        bits = rng.integers(0, 1 << 8 * dtype.itemsize, AMOUNTS.hard // 2, f"u{dtype.itemsize}")
        hard = [arguments.hard(function) for function in CALLED] if name == "float64" else []
        x = np.concatenate([bits.view(dtype), ordinary(dtype, AMOUNTS.hard // 2), *hard])
    else:
        x = np.arange(-50, 50).astype(dtype)
    in_float = dtype if name in FORMATS else np.dtype(np.float64)
    y = put(cuda, np.ones((len(CALLED), x.size), in_float))
    kernel[-(-x.size // 256), 256](put(cuda, x), y)
    for function, result in zip(CALLED, y.copy_to_host(), strict=True):
        assert differing(result, computed(function, x.astype(in_float))) == 0, function


# Owners.


def assert_torchs(torch, result, expected):
    """Alike in all but the device, on which the expected values are not."""
    assert type(result) is torch.Tensor
    assert result.is_cuda
    assert (result.dtype, result.shape, result.stride()) == (expected.dtype, expected.shape, expected.stride())
    assert differing(to_numpy(result), to_numpy(expected)) == 0


@pytest.mark.parametrize("name", FORMATS)
def test_torch(cuda, torch, function, name):
    kind = getattr(torch, name)
    x = torch.from_numpy(np.arange(1 << 16, dtype=np.uint16).view(np.int16))
    x = x.view(kind) if name in HALVES else x.to(kind) / 300
    compute = getattr(numbaexp, function)
    expected, there = compute(x), x.cuda()
    assert_torchs(torch, compute(there), expected)
    out = torch.ones_like(there)
    assert compute(there, out=out) is out
    assert_torchs(torch, out, expected)
    assert getattr(numbaexp, f"{function}_")(there) is there
    assert_torchs(torch, there, expected)


TENSORS = {
    "transposed": lambda t: t.permute(3, 1, 0, 2),
    "sliced": lambda t: t[::2, 1:, :, ::3],
    "expanded": lambda t: t[:1, :, :1].expand(5, 3, 4, 10),
    "misaligned": lambda t: t.reshape(-1)[1:],
    "0-d": lambda t: t[0, 1, 2, 3],
    "empty": lambda t: t[:, :0],
}


@pytest.mark.parametrize("layout", TENSORS)
@pytest.mark.parametrize("name", [*FORMATS, "int64", "uint8", "bool"])
def test_layouts_of_torch(cuda, torch, layout, name):
    there = torch.arange(240, device="cuda").reshape(2, 3, 4, 10).to(getattr(torch, name))
    x = TENSORS[layout](there)
    result = numbaexp.exp(x)
    peers = torch.exp(x)
    assert (result.device, result.stride()) == (x.device, peers.stride())
    # Of views that share elements, PyTorch's copy to the host is gapless.
    expected = torch.empty_strided(peers.shape, peers.stride(), dtype=peers.dtype).copy_(numbaexp.exp(x.cpu()))
    assert_torchs(torch, result, expected)


def test_torch_out_of_another_type(cuda, torch):
    x = torch.linspace(-5, 5, 1000, device="cuda")
    out = torch.empty(1000, dtype=torch.float64, device="cuda")
    assert numbaexp.exp(x, out=out) is out
    assert torch.equal(out, numbaexp.exp(x).double())


def test_torch_refuses(cuda, torch):
    x = torch.ones(4, device="cuda")
    for given, out in ((x, x.cpu()), (x.cpu(), x)):
        with pytest.raises(ValueError, match="copies nothing between devices"):
            numbaexp.exp(given, out=out)
    with pytest.raises(ValueError, match="copies nothing between devices"):
        numbaexp.exp(x, out=np.ones(4, np.float32))
    with pytest.raises(NotImplementedError, match="`x` requires grad"):
        numbaexp.exp(x.requires_grad_())


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_cupy(cuda, cupy, function, name):
    x = ordinary(name, 60_000)
    expected, there = computed(function, x), cupy.asarray(x)
    compute = getattr(numbaexp, function)
    out = cupy.ones_like(there)
    assert compute(there, out=out) is out
    for result in (compute(there), out, getattr(numbaexp, f"{function}_")(there)):
        assert type(result) is cupy.ndarray
        assert result.device == there.device
        assert differing(result.get(), expected) == 0
    rows = cupy.asarray(x).reshape(200, 300)[::2, ::-1]
    assert differing(compute(rows).get(), computed(function, x.reshape(200, 300)[::2, ::-1])) == 0


def test_cupy_of_integers_and_out_elsewhere(cuda, cupy):
    x = cupy.arange(20)
    result = numbaexp.exp(x)
    assert result.dtype == np.float64
    assert differing(result.get(), numbaexp.exp(np.arange(20))) == 0
    with pytest.raises(ValueError, match="copies nothing between devices"):
        numbaexp.exp(x, out=np.empty(20))


@pytest.mark.parametrize("name", FORMATS)
def test_jax(cuda, jax, function, name):
    (device, *_) = jax.devices("cuda")
    x = ordinary(dtype_of(name), 60_000)
    there = jax.device_put(x, device)
    result = getattr(numbaexp, function)(there)
    assert isinstance(result, jax.Array)
    assert result.devices() == {device}
    assert differing(np.asarray(result), computed(function, x)) == 0
    rows = there.reshape(200, 300).T
    assert differing(np.asarray(getattr(numbaexp, function)(rows)), computed(function, x.reshape(200, 300).T)) == 0


class Owner:
    """An array of a library that nobody has heard of."""

    def __init__(self, array):
        self.__cuda_array_interface__ = array.__cuda_array_interface__
        self._keep = array


def test_other_owners(cuda, function):
    x = ordinary(np.float32, 1000)
    given, out = Owner(cuda.to_device(x)), cuda.device_array(1000, np.float32)
    compute = getattr(numbaexp, function)
    assert_numbas(cuda, compute(given), computed(function, x))
    owner_of_out = Owner(out)
    assert compute(given, out=owner_of_out) is owner_of_out
    assert_numbas(cuda, out, computed(function, x))


def test_out_elsewhere(cuda):
    there, here = cuda.to_device(np.ones(3)), np.ones(3)
    for x, out in ((there, here), (here, there)):
        with pytest.raises(ValueError, match="copies nothing between devices"):
            numbaexp.exp(x, out=out)


def test_host_arrays(cuda, function, dtype):
    compute = getattr(numbaexp, function)
    x = ordinary(dtype, math.prod(AMOUNTS.shape)).reshape(AMOUNTS.shape)
    views = (x, x.T, x[::2, ::-1], x[:0], x[0, 0, 0, 0, 0, ...])
    expected = [computed(function, view) for view in views]
    with numbaexp.use_target("cuda"):
        for view, right in zip(views, expected, strict=True):
            result = compute(view)
            assert type(result) is type(right)
            assert differing(np.asarray(result), np.asarray(right)) == 0
        out = np.zeros_like(x)
        assert compute(x, out=out, where=x > 0) is out
    assert differing(out, np.where(x > 0, expected[0], np.zeros_like(x))) == 0


ROWS = (*OF_ROWS, *(f"{name}_backward" for name in SOFTMAX_LIKE))


@pytest.mark.parametrize("name", ROWS)
def test_rows(cuda, name, dtype):
    """The softmax family: rows of a warp, of a block and across memory, some with special values."""
    short, long = AMOUNTS.rows
    for shape, axis in (((300, short), 1), ((5, long), 1), ((short, 70), 0), ((4, short, 33), 1)):
        x = np.random.default_rng(0).normal(0, 5, shape).astype(dtype)
        rows = np.moveaxis(x, axis, -1)
        rows[..., :3] = -np.inf
        rows[0, ..., 3], rows[1, ..., 3], rows[2] = np.nan, np.inf, -np.inf
        arguments_of = [x]
        if name.endswith("_backward"):
            output = getattr(numbaexp, name.removesuffix("_backward"))(x, axis)
            arguments_of = [np.random.default_rng(1).normal(0, 1, shape).astype(dtype), output]
        compute = getattr(numbaexp, name)
        on_the_cpu = compute(*arguments_of, axis)
        with numbaexp.use_target("cuda"):
            on_the_gpu = compute(*arguments_of, axis)
        assert on_the_gpu.dtype == on_the_cpu.dtype
        assert differing(on_the_gpu, on_the_cpu) == 0


def test_sums_with_factors(cuda, dtype):
    """And their signs: rows of a warp, of a block and across memory, of both signs, with special values."""
    short, long = AMOUNTS.rows
    for shape, axis in (((300, short), 1), ((5, long), 1), ((short, 70), 0), ((4, short, 33), 1)):
        generator = np.random.default_rng(0)
        a, b = (generator.normal(0, scale, shape).astype(dtype) for scale in (5, 1))
        rows, factors = np.moveaxis(a, axis, -1), np.moveaxis(b, axis, -1)
        rows[..., :3], factors[..., 3] = -np.inf, 0
        rows[0, ..., 4], rows[1, ..., 4], rows[2, ..., 5:7], factors[3, ..., 4] = np.nan, np.inf, np.inf, np.inf
        on_the_cpu = numbaexp.logsumexp(a, axis, b), *numbaexp.logsumexp(a, axis, b, return_sign=True)
        with numbaexp.use_target("cuda"):
            on_the_gpu = numbaexp.logsumexp(a, axis, b), *numbaexp.logsumexp(a, axis, b, return_sign=True)
        for result, expected in zip(on_the_gpu, on_the_cpu, strict=True):
            assert differing(result, expected) == 0


@pytest.mark.parametrize("name", SOFTMAX_LIKE)
@pytest.mark.parametrize("to", ["float32", "float64"])
def test_wider_results(cuda, half, to, name):
    """The bits of the function of elements that are converted first."""
    from numbaexp.cpu.row_functions import Operands
    from numbaexp.cuda import host
    from numbaexp.scalar.forms import mixed

    short, long = AMOUNTS.rows
    for shape, axis in (((300, short), 1), ((5, long), 1), ((short, 70), 0)):
        x, out = np.random.default_rng(0).normal(0, 5, shape).astype(half), np.empty(shape, to)
        host.rows(name, mixed(half.name, to), Operands(x.view(np.uint16) if half == "bfloat16" else x, out), (axis,))
        assert differing(out, getattr(numbaexp, name)(x.astype(to), axis)) == 0


def test_selections(cuda, dtype):
    from numbaexp.cuda import select
    from numbaexp.cuda.runtime import launcher
    from numbaexp.layout import Strided

    x = ordinary(dtype, math.prod(AMOUNTS.shape)).reshape(AMOUNTS.shape)
    arrays = cuda.to_device(x > 0), put(cuda, x), put(cuda, x)
    described = []
    for array in arrays:
        pointer, device = launcher.address_and_device(array)
        described.append(Strided(pointer, array.shape, array.strides, array.dtype.name, device))
    for value in (0.0, -np.inf):
        select.run(*described[:2], value, described[2], 0)
        assert differing(arrays[2].copy_to_host(), np.where(x > 0, x, np.array(value, dtype))) == 0


@pytest.mark.parametrize("kind", ["classes", "probabilities"])
def test_cross_entropy(cuda, dtype, kind):
    """And its gradient, of classes and of what smoothing makes of them."""
    for shape in ((300, AMOUNTS.rows[0]), (5, AMOUNTS.rows[1]), (4, 21, 33)):
        generator = np.random.default_rng(0)
        logits, classes = generator.normal(0, 5, shape).astype(dtype), shape[1]
        logits[0, :3], logits[1, 3] = -np.inf, np.nan
        targets = generator.integers(0, classes, shape[:1] + shape[2:])
        targets[2] = -100
        if kind == "probabilities":
            targets = (generator.random(shape) / classes).astype(dtype)
        weight = generator.random(classes).astype(dtype)
        for options in ({}, {"label_smoothing": 0.125, "weight": weight}):
            for reduction in ("mean", "none"):

                def both(options=options, reduction=reduction, logits=logits, targets=targets):
                    loss = numbaexp.cross_entropy(logits, targets, reduction=reduction, **options)
                    grad = np.ones(loss.shape)
                    return loss, numbaexp.cross_entropy_backward(grad, logits, targets, reduction=reduction, **options)

                on_the_cpu = both()
                with numbaexp.use_target("cuda"):
                    on_the_gpu = both()
                for result, expected in zip(on_the_gpu, on_the_cpu, strict=True):
                    assert result.dtype == expected.dtype
                    assert differing(np.asarray(result), np.asarray(expected)) == 0
