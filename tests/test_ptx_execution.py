"""What the kernels compute: their PTX, executed on the CPU, gives the bits of the CPU's own code.

All that is not there is a device: ``numbaexp.cuda.launch`` gets its kernels and launches them as ever, but they are run
by ``ptx_machine``.
"""

import contextlib
import functools
import hashlib
import os
import re
import types as python_types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")

from numba import cuda, types
from numba.cuda.core import config

if config.ENABLE_CUDASIM:
    pytest.skip("the simulator compiles no kernels", allow_module_level=True)

pytest.importorskip("cuda.core", reason="cuda.core is not installed")

import llvmlite.binding as llvm
from numba.cuda import dispatcher
from numba.cuda.cudadrv import nvrtc, nvvm

try:
    nvvm.NVVM()
except nvvm.NvvmSupportError as error:
    pytest.skip(f"NVVM is not there: {error}", allow_module_level=True)

from helpers import FLOATS, HALVES, are_nan, computed, differing, dtype_of, every_half, inside
from ptx_machine import Machine
from sampling import checked

import numbaexp
from numbaexp.cuda import custom_launch, kernels, launch, launcher, select
from numbaexp.cuda.compile import to_ptx
from numbaexp.jit import jit
from numbaexp.scalar.fast import fast_phase
from numbaexp.scalar.fast_gradients import fast_gradient
from numbaexp.scalar.gradients import GRADIENTS
from numbaexp.vector.level import CUDA
from numbaexp.verify import arguments, fingerprint
from numbaexp.verify.fingerprint_arguments import FIRST, sample

pytestmark = [
    # One function of each form, and one compiler of two but where a test says so.
    pytest.mark.by_form,
    pytest.mark.checked(device="sm_80", grid="(1, 256)"),
    pytest.mark.sampled(
        device="sm_80",
        function="exp",
        half="float16",
        grid="(1, 256)",
        dtype="float32",
        name="sigmoid_backward",
        kind="float32",
        layout=("reversed", "sliced in 4 dimensions"),
    ),
]

# NVVM is two compilers: one for devices below 10.0, whose PTX is the same for all of them, and one from there on.
CAPABILITIES = [(8, 0), (10, 0)]
DEVICES = {
    f"sm_{major}{minor}": python_types.SimpleNamespace(compute_capability=(major, minor), MULTIPROCESSOR_COUNT=2)
    for major, minor in CAPABILITIES
    if (major, minor) in nvrtc.get_supported_ccs()
}
# Of tests that try both compilers before a merge.
CHECKED_DEVICES = ("sm_80", "sm_100")
# Blocks, and threads in each. Those of a kernel that waits run in blocks of their own, and as many.
DTYPES = {name: dtype_of(name) for name in FLOATS}
GRIDS = [(1, 1), (3, 1), (1, 256)]
# The least number of threads that takes all elements before the first vector and behind the last, and the usual ones.
GRIDS_FOR_ENDS = [(15, 1), (1, 256), None]
# A prime, so that about 2**22 of the float32 are tried, and in all bits.
STRIDE = 1021
AT_ONCE = 1 << 24
GUARD = 64

# x86 has conversions of float16 to float32 and back since 2012. LLVM would call a library without them.
if "f16c" in llvm.get_host_cpu_features() and not llvm.get_host_cpu_features()["f16c"]:
    pytest.skip("this processor has no conversions of float16", allow_module_level=True)


class Compiled:
    """A kernel as Numba hands it to NVVM, which is the same for every device, but for names."""

    def __init__(self, kernel, count, contracted):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nvvm, "compile_ir", functools.partial(self._keep, nvvm.compile_ir))
            to_ptx(kernel, count, CAPABILITIES[0], contracted=contracted)

    def _keep(self, compile_ir, ir, **options):
        self.ir, self.options = ir, options
        return compile_ir(ir, **options)

    def ptx(self, capability):
        return nvvm.compile_ir(self.ir, **{**self.options, "arch": nvrtc.get_arch_option(*capability)}).decode()


class Launches:
    """Launches on devices that are not there; ``grid`` takes the place of every launch's own where it is given."""

    def __init__(self):
        self.grid = None
        self.compiled = {}
        # Instructions of float64 that all launches have executed.
        self.in_float64 = 0

    def kernel(self, make, name, count, digest=""):
        if (name, digest) not in self.compiled:
            self.compiled[name, digest] = Compiled(make(), count, not digest)
        return self.compiled[name, digest]

    def compile_kernel(self, make, name, modules, count, capability, digest):
        return Machine(self.kernel(make, name, count, digest).ptx(capability))

    def launch(self, stream, grid, kernel, *arguments):
        blocks, threads = self.grid or grid
        self.in_float64 += kernel(*((blocks * threads, 1) if kernel.waits else (blocks, threads)), *arguments)


@pytest.fixture(scope="module", name="launches")
def launches_of_module():
    known = [launch._contiguous_launch, launch.contiguous, launch.strided, launcher.processors, launcher.configured]
    known += select.compiled, custom_launch._contiguous_launch, custom_launch.contiguous, custom_launch.strided
    with pytest.MonkeyPatch.context() as patch:
        launches = Launches()
        patch.setattr(launcher, "on", lambda device: contextlib.nullcontext())
        patch.setattr(launcher, "cuda", python_types.SimpleNamespace(gpus=DEVICES))
        patch.setattr(launcher, "compile_kernel", launches.compile_kernel)
        patch.setattr(launcher, "Stream", python_types.SimpleNamespace(from_handle=lambda stream: stream))
        patch.setattr(launcher, "LaunchConfig", lambda grid, block: (grid, block))
        patch.setattr(launcher, "launch", launches.launch)
        # Numba asks the device for its compute capability where a kernel calls ``@njit`` functions.
        patch.setattr(dispatcher, "get_current_device", lambda: next(iter(DEVICES.values())))
        for cached in known:
            cached.cache_clear()
        yield launches
        for cached in known:
            cached.cache_clear()


@pytest.fixture(params=DEVICES)
def device(launches, request):
    """The name of a device, which stands for its number."""
    launches.grid = None
    return request.param


@pytest.fixture(params=DTYPES)
def dtype(request):
    return DTYPES[request.param]


def memory(size, dtype, place=0):
    """An array so many elements behind a multiple of 16 bytes, with guards before and behind it, and the guards."""
    before = GUARD + place * dtype.itemsize
    buffer = np.full(16 + before + size * dtype.itemsize + GUARD, 0xA5, np.uint8)
    buffer = buffer[-buffer.ctypes.data % 16 :]
    behind = before + size * dtype.itemsize
    return buffer[before:behind].view(dtype), (buffer[:before], buffer[behind:])


def run(function, x, out, device):
    launch.run(function, [strided_of(each, device) for each in (x, out)], ("x", "out"), 0)


def strided_of(array, device):
    return launch.Strided(array.ctypes.data, array.shape, array.strides, array.dtype.name, device)


def assert_as_on_cpu(function, x, device, out=None):
    """``x`` is of the type that is computed in."""
    guards = ()
    if out is None:
        out, guards = memory(x.size, x.dtype)
        out = out.reshape(x.shape)
    expected = computed(function, x)
    run(function, x, out, device)
    wrong = differing(out, expected)
    assert not wrong.any(), f"{np.count_nonzero(wrong)} of {x.size} differ, at {x[wrong][:5]}"
    assert all((guard == 0xA5).all() for guard in guards)


def some_of(dtype):
    """Numbers of all magnitudes, special ones among them, and more of them that are ordinary."""
    rng = np.random.default_rng(3)
    bits = rng.integers(0, 1 << 8 * dtype.itemsize, 300, np.dtype(f"u{dtype.itemsize}"))
    special = np.array([0, -0.0, 1, np.inf, -np.inf, np.nan, -np.nan, np.finfo(np.float16).max])
    return np.concatenate([bits.view(dtype), special.astype(dtype), rng.uniform(-20, 20, 400).astype(dtype)])


# Bits.


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("half", HALVES)
def test_every_half(launches, function, half, grid, device):
    launches.grid = grid
    assert_as_on_cpu(function, every_half(DTYPES[half]), device)


@pytest.mark.checked(function="exp")
@pytest.mark.parametrize("half", HALVES)
def test_every_half_strided(function, half, device):
    x = every_half(DTYPES[half])
    assert_as_on_cpu(function, np.stack([x, x])[::-1, ::-1].T, device)


@pytest.mark.checked(device=CHECKED_DEVICES)
def test_float32_at_a_stride(function, device):
    x = np.arange(0, 1 << 32, STRIDE, np.uint64).astype(np.uint32).view(np.float32)
    assert_as_on_cpu(function, x, device)
    assert_as_on_cpu(function, x[: 1 << 20][::-2], device)


@pytest.mark.whole
def test_every_float32(function, device):
    def check(start):
        assert_as_on_cpu(function, np.arange(start, start + AT_ONCE, dtype=np.uint32).view(np.float32), device)

    check(0)  # what is compiled by the first launch need not be by several
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        assert len(list(threads.map(check, range(0, 1 << 32, AT_ONCE)))) == (1 << 32) // AT_ONCE


@pytest.mark.checked(function="exp", device="sm_80")
def test_fingerprint(function, dtype, device):
    """The published SHA-256, which the CPU's own code has at each level."""
    inputs = fingerprint.EVERY if dtype.itemsize == 2 else fingerprint.SAMPLED
    x = every_half(dtype) if dtype.itemsize == 2 else sample(FIRST, dtype.name)
    out, _ = memory(x.size, dtype)
    run(function, x, out, device)
    found = hashlib.sha256(fingerprint.canonical(out)).hexdigest()
    assert found == fingerprint.published()[function, dtype.name, inputs].sha256


def is_decided(function, x):
    """Whether the fast phase decides how the results are rounded."""
    fast = fast_phase(function, x.dtype.name, CUDA)
    if fast is None:
        return np.ones(x.size, bool)
    compute = fast.compute

    @jit(forceinline=False)
    def fill(x, decided):
        for i in range(x.size):
            decided[i] = not compute(x[i])[1]

    decided = np.empty(x.size, bool)
    fill(x if x.itemsize > 2 else x.view(np.uint16), decided)
    return decided


@pytest.mark.checked(strided="False")
@pytest.mark.parametrize("strided", [False, True], ids=["contiguous", "strided"])
@pytest.mark.parametrize("dtype", [*HALVES, "float32"], indirect=True)
def test_ordinary_results_need_no_float64(launches, function, dtype, device, strided):
    """None but what is undecided, which two arguments in a thousand are at most; of logit, whose logarithms cancel near
    1/2, two in a hundred."""
    x = np.random.default_rng(8).uniform(-4, 4, 100_000)
    x[:2000] = 0
    x = inside(function, x).astype(dtype)
    decided = is_decided(function, x)
    assert np.count_nonzero(decided) > (0.98 if function == "logit" else 0.998) * x.size
    executed = []
    for some in (x[decided], x[~decided]):
        launches.in_float64 = 0
        assert_as_on_cpu(function, np.repeat(some, 2)[::2] if strided else some, device)
        executed.append(launches.in_float64)
    assert executed[0] == 0
    assert executed[1] >= np.count_nonzero(~decided)


@pytest.mark.checked(function=("exp", "log"), device=CHECKED_DEVICES)
def test_float64_hard(function, device):
    x = np.concatenate([arguments.hard(function), arguments.odd(function)])
    assert x.size > 50
    assert_as_on_cpu(function, x, device)
    assert_as_on_cpu(function, np.tile(x, (2, 1)).T, device)


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_float64_random(launches, function, grid, device):
    """Where results change, which they do among subnormal numbers as well; where they are ordinary; any bits."""
    launches.grid = grid
    rng, third = np.random.default_rng(GRIDS.index(grid)), 350_000
    x = np.concatenate(
        [
            arguments.random(function, third, rng),
            rng.uniform(-10, 10, third),
            rng.integers(0, 1 << 64, third, np.uint64).view(np.float64),
        ]
    )
    assert_as_on_cpu(function, x, device)


def test_subnormal_results_are_among_those_tried():
    rng = np.random.default_rng(0)
    y = computed("exp", arguments.random("exp", 350_000, rng))
    assert np.count_nonzero((y > 0) & (y < np.finfo(np.float64).tiny)) > 1000


# Gradients.


def gradient_arguments(dtype):
    """Gradients and what is saved: every half beside others of any bits and ordinary ones; float32 of any bits, small
    ones, and ordinary ones."""
    rng, bits = np.random.default_rng(10), np.dtype(f"u{dtype.itemsize}")
    if dtype.itemsize == 2:
        x = np.tile(every_half(dtype), 4)
        g = rng.integers(0, 1 << 16, x.size, bits).view(dtype)
        g[x.size // 2 :] = rng.normal(0, 1, x.size // 2).astype(dtype)
        return g, x
    any_bits = rng.integers(0, 1 << 8 * dtype.itemsize, (2, 100_000), bits).view(dtype)
    return tuple(
        np.concatenate([each, rng.normal(0, 1e-19, 50_000).astype(dtype), rng.normal(0, 3, 200_000).astype(dtype)])
        for each in any_bits
    )


def run_gradient(name, g, x, out, device):
    launch.run(name, [strided_of(each, device) for each in (g, x, out)], ("grad_output", "saved", "out"), 0)


@pytest.mark.parametrize(
    ("name", "strided"),
    checked(
        [(name, strided) for name in GRADIENTS for strided in (False, True)],
        lambda name, strided: name == "exp_backward" or not strided,
    ),
)
def test_gradients(launches, name, dtype, device, strided):
    """The bits of the CPU; of ordinary ones that are decided without an instruction of float64."""
    fast = fast_gradient(name, dtype.name, CUDA)
    of_float64 = dtype.itemsize == 8
    g, x = gradient_arguments(dtype)
    with np.errstate(all="ignore"):
        expected = getattr(numbaexp, name)(g, x)
    decided = np.zeros(x.size, bool) if of_float64 else np.ones(x.size, bool)
    if fast is not None:
        compute = fast.compute

        @jit(forceinline=False)
        def fill(g, x, decided):
            for i in range(x.size):
                decided[i] = not compute(g[i], x[i])[1]

        fill(*(each.view(np.uint16) if each.itemsize == 2 else each for each in (g, x)), decided)
        ordinary = np.abs(x.astype(np.float32)) < 20
        ordinary &= (np.abs(g.astype(np.float32)) < 20) & (np.abs(g.astype(np.float32)) > 1e-3)
        ordinary &= np.abs(x.astype(np.float32)) > 1e-3
        # float64 rounds results that are subnormal in float16.
        ordinary &= np.abs(expected.astype(np.float32)) >= np.finfo(np.float16).smallest_normal
        assert np.count_nonzero(decided & ordinary) > 0.998 * np.count_nonzero(ordinary)
    for chosen, in_float64 in ((decided, False), (~decided, fast is not None or of_float64)):
        step = 2 if strided else 1
        some_g, some_x = (np.repeat(each[chosen], step)[::step] for each in (g, x))
        launches.in_float64 = 0
        out = np.empty(some_x.size, dtype)
        run_gradient(name, some_g, some_x, out, device)
        wrong = differing(out, expected[chosen])
        assert not wrong.any(), f"{np.count_nonzero(wrong)} differ, at {some_g[wrong][:5]}, {some_x[wrong][:5]}"
        assert (launches.in_float64 > 0) == in_float64


# Layouts.


@pytest.mark.checked(function=("exp", "log"))
def test_in_place(launches, function, dtype, device):
    for launches.grid in GRIDS_FOR_ENDS:
        for steps in (slice(None), slice(None, None, -3)):
            x = some_of(dtype)
            others = np.delete(np.arange(x.size), np.arange(x.size)[steps])
            expected, untouched = computed(function, x[steps]), x[others]
            run(function, x[steps], x[steps], device)
            assert not differing(x[steps], expected).any()
            assert not differing(x[others], untouched).any()


def test_heads_and_tails(launches, dtype, device):
    """Elements before the first whole vector and behind the last, and nothing beside them, wherever an array begins."""
    values = some_of(dtype)
    lanes = 16 // dtype.itemsize
    for launches.grid in GRIDS_FOR_ENDS:
        for place in range(lanes):
            for size in (*range(1, 3 * lanes + 2), 9 * lanes + 1):
                x, _ = memory(size, dtype, place)
                x[:] = values[-size:]
                # Where the two begin at different places the strided kernel takes them.
                for place_of_out in {place, 0}:
                    out, guards = memory(size, dtype, place_of_out)
                    assert_as_on_cpu("exp", x, device, out)
                    assert all((guard == 0xA5).all() for guard in guards)


LAYOUTS = {
    "reversed": lambda a: a[::-1],
    "every other": lambda a: a[::2],
    "transposed": lambda a: a.reshape(2, 5, 6, 7)[:, ::-1].transpose(3, 1, 0, 2),
    "sliced in 4 dimensions": lambda a: a.reshape(2, 5, 6, 7)[::-1, 1:, ::-2, ::3],
    "broadcast": lambda a: np.broadcast_to(a[:12].reshape(3, 1, 4), (2, 3, 5, 4)),
    "6 dimensions": lambda a: a.reshape(2, 2, 5, 3, 7, 1)[:, :, ::2, :, ::-2].transpose(4, 0, 2, 5, 1, 3),
    "0 dimensions": lambda a: a[3, ...],
    "one element": lambda a: a[5:6],
    "empty": lambda a: a[:0],
}


@pytest.mark.checked(dtype=("float16", "float32"))
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(launches, dtype, layout, device):
    x = LAYOUTS[layout](np.linspace(-12, 12, 420).astype(dtype))
    for launches.grid in (None, *GRIDS):
        assert_as_on_cpu("exp", x, device)
        # And into memory of other strides.
        wide, guards = memory(2 * x.size, dtype)
        assert_as_on_cpu("exp", x, device, wide[::2].reshape(x.shape))
        assert (np.ascontiguousarray(wide[1::2]).view(np.uint8) == 0xA5).all()
        assert all((guard == 0xA5).all() for guard in guards)


SOURCES = {
    "float16": ("bool", "int8", "uint8"),
    "bfloat16": ("int16", "int32", "int64"),
    "float32": ("bool", "int16", "uint16", "int64"),
    "float64": ("int8", "int32", "uint32", "int64", "uint64"),
}


@pytest.mark.checked(source=("bool", "int64", "uint32"))
@pytest.mark.parametrize(
    ("source", "dtype"),
    [(source, dtype) for dtype, sources in SOURCES.items() for source in sources],
    indirect=["dtype"],
)
def test_integers(source, dtype, device):
    """They are rounded to the nearest float first."""
    rng = np.random.default_rng(4)
    if source == "bool":
        x = rng.integers(0, 2, 100).astype(bool)
    else:
        limits = np.iinfo(source)
        x = rng.integers(limits.min, limits.max, 500, source, endpoint=True)
        x[:5] = limits.min, limits.max, 0, 1, 9
        x[5:100] %= 90
    out, _ = memory(x.size, dtype)
    run("exp", x, out, device)
    assert not differing(out, computed("exp", x.astype(dtype))).any()


@pytest.mark.parametrize(("source", "dtype"), [("int64", "float32"), ("uint64", "float64"), ("int64", "bfloat16")])
def test_integers_between_floats(source, dtype, device):
    """softplus of what is so great is itself, and tells how it was rounded."""
    x = np.random.default_rng(5).integers(1 << 53, 1 << 63, 10_000, source)
    x[::2] >>= np.random.default_rng(6).integers(0, 30, 5000).astype(source)
    out, _ = memory(x.size, DTYPES[dtype])
    run("softplus", x, out, device)
    assert not differing(out, x.astype(DTYPES[dtype])).any()


def test_launches_by_the_size(launches, monkeypatch, device):
    """As they are but where a test says otherwise."""
    grids = []
    monkeypatch.setattr(launcher, "launch", lambda stream, grid, *_: grids.append(grid))
    launcher.configured.cache_clear()
    launch._contiguous_launch.cache_clear()
    for size in (1, 2000, 10_000, 1_000_000):
        x = np.zeros(size, np.float32)
        run("exp", x, x, device)
    launcher.configured.cache_clear()
    launch._contiguous_launch.cache_clear()
    assert grids == [(1, 256), (1, 256), (8, 256), (16, 256)]


# Selections.


@pytest.mark.checked(dtype=("float16", "float64"))
@pytest.mark.parametrize("layout", LAYOUTS)
def test_selections(launches, dtype, layout, device):
    """Of any bits and in any layout, from a mask of another."""
    values = np.random.default_rng(11).integers(0, 1 << 8 * dtype.itemsize, 420, f"u{dtype.itemsize}").view(dtype)
    x = LAYOUTS[layout](values)
    mask = np.random.default_rng(12).integers(0, 2, x.shape[::-1], np.uint8).view(bool).T
    for value in (0.0, -np.inf):
        for launches.grid in (None, *GRIDS):
            wide, guards = memory(2 * x.size, dtype)
            out = wide[::2].reshape(x.shape)
            select.run(*(strided_of(each, device) for each in (mask, x)), value, strided_of(out, device), 0)
            expected = np.where(mask, x, dtype.type(value))
            np.testing.assert_array_equal(out.view(f"u{dtype.itemsize}"), expected.view(f"u{dtype.itemsize}"))
            assert (np.ascontiguousarray(wide[1::2]).view(np.uint8) == 0xA5).all()
            assert all((guard == 0xA5).all() for guard in guards)


@pytest.mark.checked(source=("bool", "int64", "uint32"))
@pytest.mark.parametrize(
    ("source", "dtype"),
    [(source, dtype) for dtype, sources in SOURCES.items() for source in sources],
    indirect=["dtype"],
)
def test_selections_of_integers(source, dtype, device):
    """They are converted as a function's argument; one mask serves all rows."""
    x = np.random.default_rng(13).integers(0, 255, (6, 70), np.uint8).astype(source)
    mask = np.broadcast_to(np.arange(70) % 3 == 0, x.shape)
    out, _ = memory(x.size, dtype)
    out = out.reshape(x.shape)
    select.run(*(strided_of(each, device) for each in (mask, x)), -np.inf, strided_of(out, device), 0)
    np.testing.assert_array_equal(out, np.where(mask, x.astype(dtype), dtype.type(-np.inf)))


def test_selections_in_place_and_of_nothing(device):
    x = np.arange(10.0)
    select.run(strided_of(x > 4, device), strided_of(x, device), 0.0, strided_of(x, device), 0)
    np.testing.assert_array_equal(x, [0] * 5 + [5, 6, 7, 8, 9])
    nothing = strided_of(x[:0], device)
    select.run(nothing._replace(dtype="bool"), nothing, 0.0, nothing, 0)


def test_selections_from_what_is_misaligned_are_refused(device):
    x = strided_of(np.arange(10.0), device)
    mask = strided_of(np.ones(10, bool), device)
    with pytest.raises(ValueError, match=r"^`x` must be aligned to its elements of 8 bytes"):
        select.run(mask, x._replace(pointer=x.pointer + 1), 0.0, x, 0)
    with pytest.raises(ValueError, match=r"^`out` must be aligned to its elements of 8 bytes"):
        select.run(mask, x, 0.0, x._replace(strides=(12,)), 0)


# Kernels of users.

USERS = {
    "float16": (types.float16, types.float16),
    "bfloat16": (cuda.types.bfloat16, cuda.types.bfloat16),
    "float32": (types.float32, types.float32),
    "float64": (types.float64, types.float64),
    "int64": (types.int64, types.float64),
    "bool": (types.boolean, types.float64),
}


# What they call, one beside the other.
CALLED = ("exp", "exp2", "exp10", "expm1", "sigmoid", "softplus", "log")


def flat(array):
    """An array as Numba hands it to a kernel."""
    return 0, 0, array.size, array.itemsize, array.ctypes.data, *array.shape, *array.strides


@pytest.mark.parametrize(
    ("kind", "fastmath"), [*((kind, False) for kind in USERS), *((kind, True) for kind in USERS if kind in DTYPES)]
)
def test_in_users_kernels(launches, kind, device, fastmath):
    def written(x, y):
        i = cuda.grid(1)
        if i < x.size:
            y[0, i] = numbaexp.exp(x[i])
            y[1, i] = numbaexp.exp2(x[i])
            y[2, i] = numbaexp.exp10(x[i])
            y[3, i] = numbaexp.expm1(x[i])
            y[4, i] = numbaexp.sigmoid(x[i])
            y[5, i] = numbaexp.softplus(x[i])
            y[6, i] = numbaexp.log(x[i])

    of, to = USERS[kind]
    capability = DEVICES[device].compute_capability
    ptx = cuda.compile_ptx(written, types.void(of[::1], to[:, ::1]), cc=capability, fastmath=fastmath)[0]
    assert (".ftz" in ptx) == (fastmath and kind in (*HALVES, "float32"))
    dtype = DTYPES.get(kind, DTYPES["float64"])
    if kind == "float64":
        x = np.concatenate([*map(arguments.hard, CALLED), some_of(dtype)])
    elif kind in HALVES:
        x = every_half(dtype)
    elif kind == "float32":
        rng = np.random.default_rng(9)
        subnormal = rng.integers(1, 1 << 23, 1000, np.int32).view(dtype)
        x = np.concatenate([some_of(dtype), subnormal, -subnormal, rng.uniform(-100, 100, 20_000).astype(dtype)])
    else:
        x = np.arange(-50, 50).astype(kind)
    y = np.empty((len(CALLED), x.size), dtype)
    Machine(ptx)(-(-x.size // 64), 64, *flat(x), *flat(y))
    for function, result in zip(CALLED, y, strict=True):
        assert not differing(result, computed(function, x.astype(dtype))).any(), function


def gradients_of_users(x, y):
    i = cuda.grid(1)
    if i < x.size:
        y[0, i] = numbaexp.exp_backward(x[i], x[x.size - 1 - i])
        y[1, i] = numbaexp.exp2_backward(x[i], x[x.size - 1 - i])
        y[2, i] = numbaexp.exp10_backward(x[i], x[x.size - 1 - i])
        y[3, i] = numbaexp.expm1_backward(x[i], x[x.size - 1 - i])
        y[4, i] = numbaexp.sigmoid_backward(x[i], x[x.size - 1 - i])
        y[5, i] = numbaexp.softplus_backward(x[i], x[x.size - 1 - i])
        y[6, i] = numbaexp.log_backward(x[i], x[x.size - 1 - i])


@numbaexp.elementwise
def growth(x, rate):
    return numbaexp.exp(x * rate) - 1 if x < rate else x / (1 + x * x)


@numbaexp.elementwise
def both(x, y):
    z = numbaexp.sigmoid(x)
    return growth(z, y), z * y


def functions_of_users(x, y):
    i = cuda.grid(1)
    if i < x.size:
        y[0, i] = growth(x[i], x[x.size - 1 - i])
        y[1, i], y[2, i] = both(x[i], x[x.size - 1 - i])
        y[3, i], y[4, i] = growth.backward(x[0], x[i], x[x.size - 1 - i])


@pytest.mark.checked(kind=("float16", "float32", "float64"))
@pytest.mark.parametrize("written", [gradients_of_users, functions_of_users])
@pytest.mark.parametrize(
    ("kind", "fastmath"), [*((kind, False) for kind in USERS), *((kind, True) for kind in USERS if kind in DTYPES)]
)
def test_functions_of_several_numbers_in_users_kernels(launches, kind, written, device, fastmath):
    of, to = USERS[kind]
    capability = DEVICES[device].compute_capability
    ptx = cuda.compile_ptx(written, types.void(of[::1], to[:, ::1]), cc=capability, fastmath=fastmath)[0]
    rng, dtype = np.random.default_rng(11), DTYPES.get(kind, DTYPES["float64"])
    special = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-5, *np.geomspace(1e-44, 1e-30, 100)]
    x = rng.permutation(np.concatenate([rng.uniform(-20, 20, 3000), special]))
    x = x.astype(dtype) if kind in DTYPES else np.arange(-50, 50).astype(kind)
    x[0] = 1
    y = np.empty((len(CALLED), x.size), dtype)
    Machine(ptx)(-(-x.size // 64), 64, *flat(x), *flat(y))
    given, other = x.astype(dtype), x[::-1].astype(dtype)
    if written is gradients_of_users:
        expected = [computed(f"{name}_backward", given, other) for name in CALLED]
    else:
        expected = [growth(given, other), *both(given, other), *growth.backward(given[0], given, other)]
    for k, result in enumerate(expected):
        assert not differing(y[k], result).any(), k


# The devices between those tried.


@pytest.mark.parametrize("form", ["contiguous", "strided"])
def test_ptx_is_the_same_from_8_0_to_9_0(launches, dtype, form):
    name = dtype.name
    if form == "contiguous":
        make, label = functools.partial(kernels.make_contiguous, "exp", name), f"exp {name} contiguous"
        arguments = kernels.contiguous_types("exp")
    else:
        make, label = functools.partial(kernels.make_strided, "exp", (name,), name), f"exp {name} strided from {name}"
        arguments = kernels.strided_types(1)
    compiled = launches.kernel(make, label, arguments)
    texts = [compiled.ptx(capability) for capability in ((8, 0), (9, 0))]
    assert texts[0] != texts[1]
    assert texts[0].replace("sm_80", "sm_90") == texts[1]


# What is wrong is seen.


def unfused(match):
    kind, (target, a, b, c) = match[1], re.split(r",\s*", match[2])
    return f"""{{ .reg .{kind} %product;
        mul.rn.{kind} %product, {a}, {b};
        add.rn.{kind} {target}, %product, {c};
    }}"""


def last_bit_flipped(match):
    return f"{match[1]}{int(match[2], 16) ^ 1:0{len(match[2])}X}"


def changed_in_one_place(text, pattern, change):
    """The text with one match after the other changed."""
    for match in re.finditer(pattern, text):
        yield text[: match.start()] + change(match) + text[match.end() :]


def count_wrong(ptx, x, expected):
    out, _ = memory(x.size, x.dtype)
    steps, lengths = (0, 0, 0, 1), (1, 1, x.size)
    Machine(ptx)(1, 1, x.ctypes.data, *steps, out.ctypes.data, *steps, x.size, *lengths)
    return np.count_nonzero(differing(out, expected))


@pytest.mark.parametrize(
    ("dtype", "pattern", "change"),
    [
        ("float64", r"fma\.rn\.(f64)\s+([^;]*);", unfused),
        *((name, r"\b(0[df])([0-9A-F]{8,16})\b", last_bit_flipped) for name in DTYPES),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
    indirect=["dtype"],
)
def test_a_change_is_seen(launches, dtype, pattern, change):
    """There are places where it matters; at most of them it is rounded away."""
    name = dtype.name
    make = functools.partial(kernels.make_strided, "exp", (name,), name)
    label = f"exp {name} strided from {name}"
    text = launches.kernel(make, label, kernels.strided_types(1)).ptx(CAPABILITIES[0])
    x = every_half(dtype) if name in HALVES else np.linspace(-20, 20, 100_000, dtype=dtype)
    x = x[~are_nan(x)]
    expected = computed("exp", x)
    assert count_wrong(text, x, expected) == 0
    assert any(count_wrong(changed, x, expected) for changed in changed_in_one_place(text, pattern, change))


# The machine itself.

NAN, INF = np.nan, np.inf
SNIPPET = """
.version 8.0
.target sm_80
.address_size 64
.visible .shared .align 8 .b8 several[16];
.visible .shared .align 4 .b8 one[4];
.global .align 8 .b8 table[8] = {{1, 0, 0, 0, 254, 255, 0, 128}};
.visible .entry snippet(
    .param .u64 arguments,
    .param .u64 result
)
{{
    .reg .pred %p<4>;
    .reg .b16 %h<4>;
    .reg .b32 %r<8>;
    .reg .f64 %fd<4>;
    .reg .b64 %rd<8>;
    {registers}
    ld.param.u64 %rd6, [arguments];
    ld.param.u64 %rd7, [result];
    {loads}
    {text}
    st.global.b{width} [%rd7], %y;
    ret;
}}
"""


def executed(text, kind, *values):
    """What ``text`` leaves in %y, of a NumPy type, for the values in %a, %b and so on."""
    kind = np.dtype(kind)
    memory = np.zeros(len(values) + 1, np.int64)
    registers, loads = [f".reg .b{8 * kind.itemsize} %y;"], []
    for place, (name, value) in enumerate(zip("abc", values, strict=False)):
        memory[place : place + 1].view(value.dtype)[0] = value
        registers.append(f".reg .b{8 * value.itemsize} %{name};")
        loads.append(f"ld.global.b{8 * value.itemsize} %{name}, [%rd6+{8 * place}];")
    ptx = SNIPPET.format(registers="\n".join(registers), loads="\n".join(loads), text=text, width=8 * kind.itemsize)
    Machine(ptx)(1, 1, memory.ctypes.data, memory[-1:].ctypes.data)
    return memory[-1:].view(kind)[0]


f2, f4, f8 = np.float16, np.float32, np.float64
i4, i8, u2, u4, u8 = np.int32, np.int64, np.uint16, np.uint32, np.uint64
ULP4, ULP8 = f4(2**-23), f8(2**-52)
# text, values, result
KNOWN = [
    # A product and a sum, rounded twice and once.
    ("mul.f64 %fd0, %a, %b; add.f64 %y, %fd0, %c;", (1 + ULP8, 1 - ULP8, f8(-1)), f8(0)),
    ("mul.rn.f64 %fd0, %a, %b; sub.rn.f64 %y, %fd0, %c;", (1 + ULP8, 1 - ULP8, f8(1)), f8(0)),
    ("fma.rn.f64 %y, %a, %b, %c;", (1 + ULP8, 1 - ULP8, f8(-1)), f8(-(2.0**-104))),
    ("mul.f32 %r0, %a, %b; add.f32 %y, %r0, %c;", (1 + ULP4, 1 - ULP4, f4(-1)), f4(0)),
    ("fma.rn.f32 %y, %a, %b, %c;", (1 + ULP4, 1 - ULP4, f4(-1)), f4(-(2.0**-46))),
    ("add.f32 %y, %a, %b;", (f4(1), ULP4 / 2), f4(1)),
    ("add.rn.f32 %y, %a, %b;", (1 + ULP4, ULP4 / 2), 1 + 2 * ULP4),
    ("sub.f32 %y, %a, %b;", (f4(2.0**-126), f4(2.0**-149)), f4(2.0**-126) - f4(2.0**-149)),
    ("sub.rn.f32.f16 %y, %a, %b;", (f2(2.0**-24), f4(1)), f4(2.0**-24 - 1)),
    ("add.f32.f16 %y, %a, %b;", (f2(2), f4(2.0**-23)), f4(2)),
    ("add.f32.f16 %y, %a, %b;", (f2(2), f4(3 * 2.0**-23)), f4(2 + 2.0**-21)),
    ("mul.rn.f32 %y, %a, %b;", (f4(2.0**-100), f4(2.0**-49)), f4(2.0**-149)),
    ("rcp.rn.f64 %y, %a;", (f8(49),), 1 / f8(49)),
    ("rcp.rn.f64 %y, %a;", (f8(-0.0),), f8(-INF)),
    ("div.rn.f64 %y, %a, %b;", (f8(5), f8(49)), f8(5) / f8(49)),
    ("rcp.rn.f32 %y, %a;", (f4(49),), 1 / f4(49)),
    ("div.rn.f32 %y, %a, %b;", (f4(5), f4(49)), f4(5) / f4(49)),
    ("sqrt.rn.f64 %y, %a;", (f8(7),), np.sqrt(f8(7))),
    ("sqrt.rn.f32 %y, %a;", (f4(7),), np.sqrt(f4(7))),
    ("sqrt.rn.f32 %y, %a;", (f4(-7),), u4(0x7FFFFFFF)),
    ("mov.b16 %y, 0xBC01;", (), u2(0xBC01)),
    ("prmt.b32 %y, %a, %b, 4180;", (u4(0x12345678), u4(0x9ABCDEF0)), u4(0x5678DEF0)),
    # Numbers of all bits, and a NaN of the bits that NVIDIA's float32 has.
    ("add.f32 %y, %a, 0f3F800000;", (f4(1),), f4(2)),
    ("add.f64 %y, %a, 0dBFF0000000000000;", (f8(1),), f8(0)),
    ("add.f32 %y, %a, %a;", (f4(NAN),), u4(0x7FFFFFFF)),
    ("sub.f32 %y, %a, %a;", (f4(INF),), u4(0x7FFFFFFF)),
    ("cvt.rn.f32.f64 %y, %a;", (f8(-NAN),), u4(0x7FFFFFFF)),
    ("cvt.rn.f16.f32 %y, %a;", (f4(-NAN),), u2(0x7FFF)),
    ("mov.b32 %y, %a;", (u4(0xFFC12345),), u4(0xFFC12345)),
    # Signs alone.
    ("neg.f64 %y, %a;", (f8(0),), f8(-0.0)),
    ("abs.f64 %y, %a;", (f8(-0.0),), f8(0)),
    ("neg.f32 %y, %a;", (f4(2.0**-149),), f4(-(2.0**-149))),
    ("neg.ftz.f32 %y, %a;", (f4(2.0**-149),), f4(-0.0)),
    ("abs.f32 %y, %a;", (f4(-3),), f4(3)),
    ("neg.f64 %y, %a;", (u8(0x7FF8000000000001),), u8(0xFFF8000000000001)),
    ("abs.f64 %y, %a;", (u8(0xFFF8000000000001),), u8(0x7FF8000000000001)),
    ("copysign.f64 %y, %a, %b;", (f8(-3), f8(5)), f8(-5)),
    ("copysign.f64 %y, %a, %b;", (f8(3), f8(-5)), f8(5)),
    *((f"{name}.f64 %y, %a, %b;", (f8(a), f8(b)), f8(result)) for name, a, b, result in (
        ("min", 1, 2, 1), ("max", 1, 2, 2), ("min", 2, -1, -1), ("max", 2, -1, 2), ("min", NAN, 1, 1),
        ("max", NAN, 1, 1), ("min", 1, NAN, 1), ("max", 1, NAN, 1), ("min", 0.0, -0.0, -0.0), ("min", -0.0, 0.0, -0.0),
        ("max", 0.0, -0.0, 0.0), ("max", -0.0, 0.0, 0.0), ("max", -INF, NAN, -INF),
    )),
    ("max.f64 %y, %a, %a;", (f8(-NAN),), u8(0x7FFFFFFFFFFFFFFF)),
    # Rounding to fewer bits: ties, into subnormal numbers, to infinity.
    *((("cvt.rn.f32.f64 %y, %a;"), (f8(a),), f4(result)) for a, result in (
        (1 + 2.0**-24, 1), (1 + 3 * 2.0**-24, 1 + 2.0**-22), (1 + 2.0**-24 + 2.0**-52, 1 + 2.0**-23),
        (2.0**-150, 0), (3 * 2.0**-150, 2.0**-148), (2.0**128 - 2.0**103, INF), (-0.0, -0.0),
    )),
    *((("cvt.rn.f16.f32 %y, %a;"), (f4(a),), f2(result)) for a, result in (
        (1 + 2.0**-11, 1), (1 + 3 * 2.0**-11, 1 + 2.0**-9), (1 + 2.0**-11 + 2.0**-23, 1 + 2.0**-10),
        (2.0**-25, 0), (3 * 2.0**-25, 2.0**-23), (65519.996, 65504), (65520, INF),
    )),
    ("cvt.f32.f16 %y, %a;", (f2(2.0**-24),), f4(2.0**-24)),
    ("cvt.f64.f16 %y, %a;", (f2(-65504),), f8(-65504)),
    ("cvt.f64.f32 %y, %a;", (f4(2.0**-149),), f8(2.0**-149)),
    ("cvt.rn.f64.u64 %y, %a;", (u8(2**64 - 1),), f8(2.0**64)),
    ("cvt.rn.f64.u64 %y, %a;", (u8(2**63 + 1025),), f8(2.0**63 + 2048)),
    ("cvt.rn.f64.s64 %y, %a;", (i8(-1),), f8(-1)),
    ("cvt.rn.f32.s64 %y, %a;", (i8(2**24 + 1),), f4(2**24)),
    ("cvt.rn.f32.s64 %y, %a;", (i8(2**61 + 2**37 + 1),), f4(2.0**61 + 2.0**38)),
    ("cvt.rn.f32.u32 %y, %a;", (u4(2**32 - 1),), f4(2.0**32)),
    ("cvt.rn.f16.s16 %y, %a;", (u2(0xFFFF),), f2(-1)),
    ("cvt.rn.f16.u16 %y, %a;", (u2(2049),), f2(2048)),
    # Integers of one width as those of another.
    *(("cvt.rzi.s64.f64 %y, %a;", (f8(a),), i8(result)) for a, result in (
        (2.0**62 + 1024, 2**62 + 1024), (-2.75, -2), (1e30, 2**63 - 1), (-INF, -(2**63)), (NAN, -(2**63)),
    )),
    ("cvt.s64.s32 %y, %a;", (i4(-2),), i8(-2)),
    ("cvt.u64.u32 %y, %a;", (i4(-2),), i8(2**32 - 2)),
    ("cvt.u32.u64 %y, %a;", (u8(2**40 + 7),), u4(7)),
    ("cvt.u16.u32 %y, %a;", (u4(2**20 + 7),), u2(7)),
    ("cvt.s16.s8 %y, %a;", (u2(0x0180),), u2(0xFF80)),
    ("cvt.u16.u8 %y, %a;", (u2(0x0180),), u2(0x80)),
    ("ld.global.s8 %y, [%rd6+1];", (u4(0x8000),), i4(-128)),
    ("ld.global.u8 %y, [%rd6+1];", (u4(0x8000),), i4(128)),
    # Sums and products of integers.
    ("add.s32 %y, %a, 1;", (i4(2**31 - 1),), i4(-(2**31))),
    ("add.s16 %y, %a, -1;", (u2(0x8000),), u2(0x7FFF)),
    ("sub.s64 %y, %a, %b;", (i8(3), i8(5)), i8(-2)),
    ("add.cc.s64 %rd0, %a, %b; addc.cc.s64 %y, %c, %c;", (u8(2**64 - 1), u8(1), u8(5)), u8(11)),
    ("add.cc.s64 %rd0, %a, %b; addc.cc.s64 %y, %c, %c;", (u8(2**64 - 2), u8(1), u8(5)), u8(10)),
    ("add.cc.s64 %rd0, %a, %a; addc.cc.s64 %rd1, %a, %b; addc.cc.s64 %y, %b, 0;", (u8(2**64 - 1), u8(0)), u8(1)),
    ("sub.cc.s64 %rd0, %a, %b; subc.cc.s64 %y, %c, 2;", (u8(1), u8(2), u8(9)), u8(6)),
    ("sub.cc.s64 %rd0, %a, %b; subc.cc.s64 %y, %c, 2;", (u8(2), u8(2), u8(9)), u8(7)),
    ("sub.cc.s64 %rd0, 0, %a; subc.cc.s64 %rd1, 0, 0; subc.cc.s64 %y, 0, 0;", (u8(1),), i8(-1)),
    ("mul.lo.s64 %y, %a, %b;", (i8(2**62 + 3), i8(-4)), i8(-12)),
    ("mul.hi.u64 %y, %a, %b;", (u8(2**64 - 1), u8(2**64 - 1)), u8(2**64 - 2)),
    ("mul.wide.s32 %y, %a, %b;", (i4(-(2**31)), i4(3)), i8(-3 * 2**31)),
    ("mul.wide.u32 %y, %a, %b;", (u4(2**31), u4(3)), i8(3 * 2**31)),
    ("mul.wide.u16 %y, %a, 8192;", (u2(0xFC01),), u4(0xFC01 * 8192)),
    ("mad.lo.s64 %y, %a, %b, %c;", (i8(7), i8(-3), i8(1)), i8(-20)),
    ("div.u32 %y, %a, %b;", (u4(2**32 - 1), u4(10)), u4(429496729)),
    ("div.u64 %y, %a, %b;", (u8(2**64 - 1), u8(2**63)), u8(1)),
    ("div.u32 %r0, %a, 0; mov.b32 %y, 5;", (u4(1),), u4(5)),
    ("neg.s64 %y, %a;", (i8(5),), i8(-5)),
    ("neg.s32 %y, %a;", (i4(5),), i4(-5)),
    ("abs.s64 %y, %a;", (i8(-5),), i8(5)),
    ("abs.s64 %y, %a;", (i8(5),), i8(5)),
    ("min.s64 %y, %a, %b;", (i8(-1), i8(1)), i8(-1)),
    ("min.u64 %y, %a, %b;", (i8(-1), i8(1)), i8(1)),
    ("max.s32 %y, %a, -3;", (i4(-5),), i4(-3)),
    ("max.u16 %y, %a, %b;", (u2(0xFFFF), u2(1)), u2(0xFFFF)),
    # Shifts by as many bits as there are and more.
    *((f"{name} %y, %a, %b;", (a, u4(by)), type(a)(result)) for name, a, by, result in (
        ("shl.b64", u8(3), 63, 2**63), ("shl.b64", u8(3), 64, 0), ("shl.b64", u8(3), 2**32 - 1, 0),
        ("shl.b32", u4(3), 32, 0), ("shl.b32", u4(3), 4, 48), ("shr.u64", u8(2**63), 63, 1),
        ("shr.u64", u8(2**63), 64, 0),
        ("shr.s64", i8(-8), 2, -2), ("shr.s64", i8(-8), 64, -1), ("shr.s64", i8(8), 99, 0), ("shr.s32", i4(-8), 33, -1),
        ("shr.u32", u4(2**31), 31, 1), ("shr.u32", u4(2**31), 32, 0), ("shr.u16", u2(0x8000), 15, 1),
        ("shr.u16", u2(0x8000), 16, 0),
    )),
    ("shf.l.wrap.b32 %y, %a, %b, 31;", (u4(2), u4(3)), u4(0x80000001)),
    ("shf.l.wrap.b32 %y, %a, %b, 32;", (u4(2), u4(3)), u4(3)),
    # Bits.
    ("bfi.b32 %y, %a, %b, 1, 1;", (u4(3), u4(0xF0)), u4(0xF2)),
    ("bfi.b32 %y, %a, %b, 4, 8;", (u4(0xABC), u4(0xFFFFFFFF)), u4(0xFFFFFBCF)),
    ("bfi.b32 %y, %a, %b, 28, 8;", (u4(0xAB), u4(5)), u4(0xB0000005)),
    ("clz.b64 %y, %a;", (u8(0),), u4(64)),
    ("clz.b64 %y, %a;", (u8(1),), u4(63)),
    ("and.b32 %y, %a, -4;", (u4(7),), u4(4)),
    ("or.b64 %y, %a, 8;", (u8(1),), u8(9)),
    ("xor.b32 %y, %a, %b;", (u4(6), u4(3)), u4(5)),
    ("and.b16 %y, %a, 31744;", (u2(0xFC01),), u2(0x7C00)),
    ("not.b64 %y, %a;", (u8(1),), u8(2**64 - 2)),
    ("mov.b32 {%h0, %h1}, %a; mov.b32 %y, {%h1, %h0};", (u4(0x12345678),), u4(0x56781234)),
    ("mov.b32 {_, %h1}, %a; mov.b32 %y, {%h1, %h1};", (u4(0x12345678),), u4(0x12341234)),
    ("mov.b64 {%r0, %r1}, %a; mov.b64 %y, {%r1, %r0};", (u8(2**32 + 5),), u8(5 * 2**32 + 1)),
    # Choices, predicates, and where to go on.
    ("setp.lt.s32 %p0, %a, 0; selp.b32 %y, 7, 9, %p0;", (i4(-1),), u4(7)),
    ("setp.lt.u32 %p0, %a, 0; selp.b32 %y, 7, 9, %p0;", (i4(-1),), u4(9)),
    ("setp.gt.u64 %p0, %a, 1; selp.f64 %y, 0d3FF0000000000000, %b, %p0;", (i8(-1), f8(3)), f8(1)),
    ("setp.eq.s16 %p0, %a, -1024; selp.b32 %y, 1, 0, %p0;", (u2(0xFC00),), u4(1)),
    ("mov.b32 %y, 1; setp.eq.s32 %p0, %a, 3; @%p0 mov.b32 %y, 2;", (i4(3),), u4(2)),
    ("mov.b32 %y, 1; setp.eq.s32 %p0, %a, 3; @!%p0 mov.b32 %y, 2;", (i4(3),), u4(1)),
    ("mov.pred %p0, -1; not.pred %p1, %p0; xor.pred %p2, %p0, %p1; selp.u32 %y, 1, 0, %p2;", (), u4(1)),
    ("mov.pred %p0, 0; mov.pred %p1, 1; or.pred %p2, %p0, %p1; selp.u32 %y, 1, 0, %p2;", (), u4(1)),
    ("mov.pred %p0, 0; mov.pred %p1, 1; and.pred %p2, %p0, %p1; selp.u32 %y, 1, 0, %p2;", (), u4(0)),
    ("mov.b32 %y, 0; again: add.s32 %y, %y, %a; setp.lt.s32 %p0, %y, 20; @%p0 bra again; bra.uni on; on:",
     (i4(7),), i4(21)),
    ("mov.pred %p0, 1; { .reg .pred %p0; mov.pred %p0, 0; } selp.u32 %y, 1, 0, %p0;", (), u4(1)),
    # A table.
    ("mov.u64 %rd0, table; ld.global.nc.b32 %y, [%rd0+4];", (), u4(0x8000FFFE)),
    ("mov.u64 %rd0, table; add.s64 %rd0, %rd0, 5; ld.global.nc.u8 %y, [%rd0];", (), u4(255)),
    # One thread: its place in the grid, what it shares, and whom it waits for.
    ("mov.u32 %r0, %ntid.x; mov.u32 %r1, %nctaid.x; mov.u32 %r2, %tid.x; mov.u32 %r3, %ctaid.x;"
     "add.s32 %r0, %r0, %r1; add.s32 %r2, %r2, %r3; sub.s32 %y, %r0, %r2;", (), u4(2)),
    ("ld.shared.u32 %y, [one];", (), u4(0xA5A5A5A5)),
    ("st.shared.u32 [one], %a; bar.sync 0; atom.shared.add.u32 %r0, [one], 2; atom.shared.add.u32 %y, [one], 1;",
     (u4(5),), u4(7)),
    ("mov.u64 %rd0, several; st.shared.u64 [%rd0+8], %a; add.s64 %rd0, %rd0, 8; ld.shared.u64 %y, [%rd0];",
     (u8(5),), u8(5)),
    ("setp.eq.s32 %p0, %a, 3; bar.red.or.pred %p1, 0, %p0; selp.u32 %y, 1, 0, %p1;", (i4(3),), u4(1)),
    ("setp.eq.s32 %p0, %a, 3; bar.red.or.pred %p1, 0, %p0; selp.u32 %y, 1, 0, %p1;", (i4(4),), u4(0)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "values", "result"), KNOWN)
def test_known_results(text, values, result):
    bits = np.dtype(f"u{result.itemsize}")
    assert executed(text, bits, *values) == result.view(bits)


COMPARISONS = {
    "eq": (False, True, False), "ne": (True, False, True), "lt": (True, False, False),
    "le": (True, True, False), "gt": (False, False, True), "ge": (False, True, True),
}  # fmt: skip


@pytest.mark.sampled(name="lt")
@pytest.mark.parametrize("width", [32, 64])
@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons_of_floats(name, width):
    """Beside a NaN none hold, but for those that end in u."""
    kind = f4 if width == 32 else f8
    for suffix, beside_nan in (("", False), ("u", True)):
        text = f"setp.{name}{suffix}.f{width} %p0, %a, %b; selp.u32 %y, 1, 0, %p0;"
        for a, right in zip((-1, 0.0, 1), COMPARISONS[name], strict=True):
            assert executed(text, u4, kind(a), kind(-0.0)) == right
        for a, b in ((NAN, 1), (1, NAN), (NAN, NAN)):
            assert executed(text, u4, kind(a), kind(b)) == beside_nan
            assert executed(f"setp.nan.f{width} %p0, %a, %b; selp.u32 %y, 1, 0, %p0;", u4, kind(a), kind(b)) == 1
            assert executed(f"setp.num.f{width} %p0, %a, %b; selp.u32 %y, 1, 0, %p0;", u4, kind(a), kind(b)) == 0


@pytest.mark.sampled(name="lt")
@pytest.mark.parametrize("sign", ["s", "u"])
@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons_of_integers(name, sign):
    for width, kind in ((16, u2), (32, u4), (64, u8)):
        text = f"setp.{name}.{sign}{width} %p0, %a, %b; selp.u32 %y, 1, 0, %p0;"
        for a, right in zip((3, 4, 5), COMPARISONS[name], strict=True):
            assert executed(text, u4, kind(a), kind(4)) == right
        assert executed(text, u4, ~kind(0), kind(4)) == COMPARISONS[name][0 if sign == "s" else 2]


@pytest.mark.parametrize(
    "text",
    [
        "ld.global.v4.u32 {%r0, %r1, %r2, %r3}, [%rd6+8];",
        "ld.global.v2.f64 {%fd0, %fd1}, [%rd6+8];",
        "st.global.v2.f64 [%rd7+8], {%fd0, %fd1};",
        "ld.global.u64 %rd0, [%rd6+4];",
        "ld.global.u16 %h0, [%rd6+1];",
        "ld.shared.u32 %r0, [several+2];",
        "ld.shared.u32 %r0, [several+20];",
        "mov.u64 %rd0, one; st.shared.u32 [%rd0+4], %r0;",
        "mov.u64 %rd0, several; sub.s64 %rd0, %rd0, 8; ld.shared.u64 %rd0, [%rd0];",
    ],
)
def test_wrong_addresses(text):
    """A GPU would end the kernel too. Nothing behind them is done."""
    memory = np.zeros(8, np.int64)
    memory = memory[memory.ctypes.data % 16 // 8 :]
    ptx = SNIPPET.format(registers=".reg .b32 %y;", loads="", text=f"{text} mov.b32 %y, 1;", width=32)
    with pytest.raises(MemoryError, match="1 threads"):
        Machine(ptx)(1, 1, memory.ctypes.data, memory.ctypes.data)
    assert not memory.any()


@pytest.mark.parametrize(
    "text",
    [
        "ex2.approx.f32 %y, %y;", "fma.rz.f32 %y, %y, %y, %y;", "add.rz.f64 %y, %y, %y;",
        "div.full.f32 %y, %y, %y;",
        "cvt.rni.f32.f32 %y, %y;", "cvt.rn.f16.s32 %h0, %y;", "fma.rn.f16 %h0, %h0, %h0, %h0;", "call.uni f;",
        "bar.sync 1;", "mov.u32 %y, %tid.y;", "mov.u32 %y, %unknown;", "mov.u32 %y, unknown;", ".local .b8 a;",
        "add.s32 %y, %y, 0x1;", "prmt.b32 %y, %y, %y, 128;",
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused(text):
    with pytest.raises(NotImplementedError):
        executed(text, u4)


def test_what_is_refused_is_named():
    with pytest.raises(NotImplementedError, match=r"the instruction sqrt\.approx\.f32"):
        executed("sqrt.approx.f32 %y, %y;", u4)


@pytest.mark.parametrize("text", ["", ".func f() {}", ".entry f(.param .f32 a) {ret;}"])
def test_other_modules_are_refused(text):
    with pytest.raises(NotImplementedError):
        Machine(text)


def test_threads_that_wait_are_refused():
    ptx = ".entry f() { bar.sync 0; ret; }"
    Machine(ptx)(3, 1)
    with pytest.raises(NotImplementedError, match="those of a block wait"):
        Machine(ptx)(1, 2)
    with pytest.raises(TypeError, match="takes 0 arguments"):
        Machine(ptx)(1, 1, 5)


def test_a_grid():
    """Each thread of each block runs once."""
    ptx = """.entry f(.param .u64 a) {
        .reg .b32 %r<4>; .reg .b64 %rd<3>;
        ld.param.u64 %rd0, [a];
        mov.u32 %r0, %ctaid.x; mov.u32 %r1, %ntid.x; mov.u32 %r2, %tid.x;
        mul.wide.u32 %rd1, %r0, %r1; cvt.u64.u32 %rd2, %r2; add.s64 %rd1, %rd1, %rd2; shl.b64 %rd1, %rd1, 2;
        add.s64 %rd0, %rd0, %rd1; ld.global.u32 %r3, [%rd0]; add.s32 %r3, %r3, 1; st.global.u32 [%rd0], %r3;
        ret;
    }"""
    counts = np.zeros(40, np.int32)
    Machine(ptx)(5, 7, counts.ctypes.data)
    assert (counts[:35] == 1).all()
    assert (counts[35:] == 0).all()
