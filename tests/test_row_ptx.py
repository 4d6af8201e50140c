"""What the kernels of rows are compiled to, and how they are launched, without a GPU."""

import contextlib
import functools
import re
import types as python_types

import numpy as np
import pytest
from helpers import FLOATS, INTEGERS
from sampling import checked

pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")

# Where test_ptx is skipped this is.
from cuda.core import Linker, LinkerOptions, ObjectCode
from test_ptx import CAPABILITIES, Compiled, _linker, _no_device, for_each_capability  # noqa: F401 - fixtures

from numbaexp.cuda import kernels, launch, launch_rows, launcher
from numbaexp.cuda.row_kernels import ELEMENTS, KERNELS
from numbaexp.cuda.row_passes import ARGUMENTS, TYPES, make_kernels
from numbaexp.cuda.row_reductions import FIELDS, kept_memory, make_sum, part
from numbaexp.scalar.forms import mixed
from numbaexp.scalar.ieee import rounded_product, scalar
from numbaexp.scalar.row_order import CHUNK, LANES

pytestmark = pytest.mark.sampled(
    cc="(9, 0)",
    name=("softmax", "logsumexp", "weighted_logsumexp", "softmax_backward", "losses", "total"),
    dtype=("float32", "bfloat16 to float64"),
)

WAYS = ("of_warps", "of_blocks")
# Which multiply and add little, and which divide nothing.
SIMPLE = {"softmax_backward": 0, "expected_losses": 1, "total": 0}
WITHOUT_DIVISION = ("softmax_backward", "log_softmax_backward", "expected_losses", "total")
OF_ROWS = [(name, dtype, way) for name in KERNELS for dtype in FLOATS for way in WAYS if name != "total"]
OF_ROWS += [("total", "float64", way) for way in WAYS]
# Into a wider type.
MIXED = [mixed(source, to) for place, source in enumerate(FLOATS) for to in FLOATS[max(place + 1, 2) :]]
OF_ROWS += [(name, dtype, way) for name in ("softmax", "log_softmax") for dtype in MIXED for way in WAYS]
OF_ELEMENTS = [(name, dtype) for name in ELEMENTS for dtype in (INTEGERS if name == "targets" else FLOATS)]


@functools.cache
def kernel(name, dtype, way):
    return Compiled(getattr(KERNELS[name](dtype), way), TYPES)


@functools.cache
def kernel_of_elements(name, dtype):
    return Compiled(ELEMENTS[name](dtype), TYPES)


def is_checked(name, dtype, way=None):
    """Tell whether a kernel is compiled before a release: one of each kind in float32, and one in other types."""
    in_other_types = dtype in ("float64", "bfloat16 to float64") and name == "softmax"
    kinds = ("softmax", "weighted_logsumexp", "softmax_backward", "class_gradients", "expected_gradients")
    return in_other_types or (name == "total" and way == "of_blocks") or (dtype == "float32" and name in kinds)


OF_SHARED = [
    (name, dtype, way) for name, dtype, last in OF_ROWS if last == "of_blocks" for way in launch_rows.OF_SHARED
]
for_each_kernel_of_columns = pytest.mark.parametrize(
    ("name", "dtype"), checked([(name, dtype) for name, dtype, way in OF_ROWS if way == "of_blocks"], is_checked)
)
for_each_kernel_of_shared = pytest.mark.parametrize(("name", "dtype", "way"), checked(OF_SHARED, is_checked))
for_each_kernel = pytest.mark.parametrize(("name", "dtype", "way"), checked(OF_ROWS, is_checked))
for_each_kernel_of_elements = pytest.mark.parametrize(("name", "dtype"), OF_ELEMENTS)


@for_each_kernel
def test_fused_multiply_adds_are_those_written(name, dtype, way):
    """As many where NVVM may not fuse; and ptxas finds nothing to fuse."""
    compiled = kernel(name, dtype, way)
    fused = compiled.code(CAPABILITIES[-1]).fused
    assert fused >= SIMPLE.get(name, 8)
    assert fused == compiled.code(CAPABILITIES[-1], contraction=False).fused
    assert compiled.code(CAPABILITIES[-1]).bare_products_in_sums() == []


@for_each_capability
@for_each_kernel
def test_nothing_is_called_spilled_or_approximated(name, dtype, way, cc):
    compiled = kernel(name, dtype, way).code(cc)
    assert not re.search(r"\.local|\.approx|\.ftz|\.extern|\.sat\b", compiled.text)
    assert compiled.count(r"call.*") == 0
    # Of all memory it is said which it is.
    assert compiled.count(r"(ld|st|atom)\..*") == compiled.count(r"(ld\.param|(ld|st)\.global)\..*")
    assert compiled.divisions == compiled.count(r"(div|rcp)\.rn\.f64")
    assert (compiled.divisions == 0) == (name in WITHOUT_DIVISION)


@for_each_kernel_of_shared
def test_kernels_of_shared_rows(name, dtype, way):
    """Hold what holds of the others; warps meet where a block has a row."""
    compiled = kernel(name, dtype, way)
    code = compiled.code(CAPABILITIES[-1])
    assert code.fused == compiled.code(CAPABILITIES[-1], contraction=False).fused
    assert code.bare_products_in_sums() == []
    assert not re.search(r"\.local|\.approx|\.ftz|\.extern|\.sat\b", code.text)
    assert code.count(r"call.*") == 0
    assert code.count(r"(ld|st|atom)\..*") == code.count(r"(ld\.param|(ld|st)\.global)\..*")
    assert code.divisions == code.count(r"(div|rcp)\.rn\.f64")
    assert (code.count(r"bar\.sync") > 0) <= (way == "totals")
    assert code.count(r"bar\..*|barrier\..*") == code.count(r"bar\.sync")


@pytest.mark.usefixtures("_linker")
@for_each_capability
@for_each_kernel_of_columns
def test_kernels_of_rows_beside_each_other(name, dtype, cc):
    """What is asked of the others; the threads of a block tell each other by its own memory."""
    compiled = kernel(name, dtype, "of_columns")
    assert compiled.code(CAPABILITIES[-1]).fused == compiled.code(CAPABILITIES[-1], contraction=False).fused
    code = compiled.code(cc)
    assert code.bare_products_in_sums() == []
    assert not re.search(r"\.local|\.approx|\.ftz|\.extern|\.sat\b", code.text)
    assert code.count(r"call.*") == code.count(r"shfl.*") == 0
    assert code.count(r"(ld|st|atom)\..*") == code.count(r"(ld\.param|(ld|st)\.(global|shared))\..*")
    assert code.count(r"st\.shared.*") > 0
    assert code.divisions == code.count(r"(div|rcp)\.rn\.f64")
    check_registers(code.text, cc, 1)


@pytest.mark.checked(dtype=("bfloat16", "float32", "float64", "int64", "uint8"))
@for_each_capability
@for_each_kernel_of_elements
def test_kernels_of_elements(name, dtype, cc):
    """What is asked of the others; and no lane waits for another."""
    compiled = kernel_of_elements(name, dtype)
    fused = compiled.code(CAPABILITIES[-1]).fused
    assert fused == compiled.code(CAPABILITIES[-1], contraction=False).fused
    code = compiled.code(cc)
    assert code.bare_products_in_sums() == []
    assert not re.search(r"\.local|\.approx|\.ftz|\.extern|\.sat\b", code.text)
    assert code.count(r"(call|shfl|bar|barrier).*") == 0
    assert code.count(r"(ld|st|atom)\..*") == code.count(r"(ld\.param|(ld|st)\.global)\..*")
    assert code.divisions == code.count(r"(div|rcp)\.rn\.f64")
    assert (code.divisions > 0) == (name in ("means", "numbers"))


@for_each_kernel
def test_lanes_tell_each_other(name, dtype, way):
    """Down the halves, and then all of them: at least a sum. Warps wait for each other where they share a row alone."""
    compiled = kernel(name, dtype, way).code(CAPABILITIES[-1])
    halves = LANES.bit_length() - 1
    assert compiled.count(r"shfl\.sync\.down\.b32") >= 2 * halves
    assert compiled.count(r"shfl\.sync\.down\.b32") == halves * compiled.count(r"shfl\.sync\.idx\.b32")
    assert compiled.count(r"shfl\..*") == (halves + 1) * compiled.count(r"shfl\.sync\.idx\.b32")
    # Before what is kept of a row's chunks is read, and before it is overwritten; where sums of exponentials may be of
    # no use, for their greatest elements and once more.
    of_sums = ("softmax", "logsumexp_backward", "class_gradients", "expected_gradients")
    waits = 4 if name in of_sums or (name == "logsumexp" and dtype != "float64") else 2
    assert compiled.count(r"bar\.sync") == (0 if way == "of_warps" else waits)
    assert compiled.count(r"bar\..*|barrier\..*") == compiled.count(r"bar\.sync")


@pytest.mark.usefixtures("_linker")
@for_each_capability
@for_each_kernel
def test_registers(name, dtype, way, cc):
    """ptxas needs no stack and spills nothing, and two blocks fit a processor of 65536 registers; of the largest kernel
    one."""
    blocks = 1 if name == "expected_gradients" else 2
    check_registers(kernel(name, dtype, way).code(cc).text, cc, blocks)


def check_registers(text, cc, blocks):
    options = LinkerOptions(arch="sm_{}{}".format(*cc), verbose=True, ptxas_options="-v")
    linker = Linker(ObjectCode.from_ptx(text.encode()), options=options)
    linker.link("cubin")
    told = linker.get_info_log()
    assert int(re.search(r"used (\d+) registers", told)[1]) * kernels.THREADS * blocks <= 65536
    assert re.search(r"\b0 stack", told)
    assert re.search(r"\b0 bytes lmem", told)
    assert set(re.findall(r"(\d+) bytes spill", told)) <= {"0"}


@pytest.mark.parametrize("way", WAYS)
def test_a_product_that_does_not_say_how_it_rounds_is_found(way):
    put = kept_memory.put

    @part
    def write(views, start, count, of_row):
        put(views[2][0], views[2][1], of_row[1] + of_row[2])

    def of_products(multiplied):
        get = kept_memory.get

        @part
        def addend(views, i):
            return multiplied(get(views[0][0], i), get(views[1][0], i)), 0.0

        made = make_kernels(lambda team: (make_sum(addend, team), write))
        return Compiled(getattr(made, way), TYPES)

    @scalar
    def product(a, b):
        return a * b

    @scalar
    def product_as_meant(a, b):
        return rounded_product(a, b)

    cc = CAPABILITIES[-1]
    plain, meant = of_products(product), of_products(product_as_meant)
    assert plain.code(cc).fused > plain.code(cc, contraction=False).fused or plain.code(cc).bare_products_in_sums()
    assert meant.code(cc).fused == meant.code(cc, contraction=False).fused == 0
    assert meant.code(cc).bare_products_in_sums() == []


# Launches, of kernels that only write down what they are given.

PROCESSORS = 3


class Buffer:
    def __init__(self, size, stream, events):
        self.handle, self.size, self.stream, self.events = 0x5000, size, stream, events

    def close(self, stream):
        self.events.append(("freed", self.size, stream))


@pytest.fixture
def events(monkeypatch):
    """What happens, in order: memory that is taken, launches and memory that is given back."""
    found = []

    class Device:
        def __init__(self, number):
            assert number == 0

        def set_current(self):
            pass

        def allocate(self, size, stream):
            found.append(("taken", size, stream))
            return Buffer(size, stream, found)

    def note(stream, grid, kernel, *arguments):
        found.append((kernel, grid, stream, *arguments))

    device = python_types.SimpleNamespace(compute_capability=(9, 0), MULTIPROCESSOR_COUNT=PROCESSORS)
    gpus = python_types.SimpleNamespace(gpus=[device])
    streams = python_types.SimpleNamespace(from_handle=lambda stream: f"stream {stream}")
    monkeypatch.setattr(launcher, "cuda", gpus)
    monkeypatch.setattr(launcher, "Stream", streams)
    monkeypatch.setattr(launcher, "on", lambda device: contextlib.nullcontext())
    monkeypatch.setattr(launcher, "Device", Device)
    monkeypatch.setattr(launcher, "compile_kernel", lambda make, name, modules, count, *_: (name, count))
    monkeypatch.setattr(launcher, "LaunchConfig", lambda grid, block: (grid, block))
    monkeypatch.setattr(launcher, "launch", note)
    known = [launcher.processors, launcher.configured, launch_rows.compiled]
    for cached in known:
        cached.cache_clear()
    yield found
    for cached in known:
        cached.cache_clear()


def run(name, *arrays, axes=(1,)):
    operands = [launch.Strided(x.ctypes.data, x.shape, x.strides, x.dtype.name, 0) for x in arrays]
    launch_rows.run(name, operands, axes, 7)


COUNT = 4 + ARGUMENTS


@pytest.mark.parametrize(("rows", "blocks"), [(1, 1), (8, 1), (9, 2), (20, 4), (10_000, 8 * PROCESSORS)])
def test_short_rows_are_launched(events, rows, blocks):
    """A warp a row."""
    x, out = np.zeros((rows, CHUNK), np.float16), np.zeros((CHUNK, rows), np.float16).T
    run("softmax", x, out)
    steps = 0, CHUNK, 1, out.ctypes.data, 0, 1, rows
    if rows == 1:
        steps = 0, 0, 1, out.ctypes.data, 0, 0, 1
    label = ("softmax float16 of_warps", TYPES)
    expected = (label, (blocks, kernels.THREADS), "stream 7", rows, rows, CHUNK, 0, x.ctypes.data, *steps)
    assert events == [expected + (0,) * (3 + COUNT - len(expected))]


@pytest.mark.parametrize(
    ("source", "to", "label"),
    [
        (np.float32, np.float64, "float32 to float64"),
        (np.float16, np.float32, "float16 to float32"),
        (np.float16, np.float16, "float16"),
    ],
)
def test_the_type_of_the_result_is_computed_in(events, source, to, label):
    names = ("softmax", "log_softmax")
    for name in names:
        run(name, np.zeros((3, 8), source), np.zeros((3, 8), to))
    assert [event[0] for event in events] == [(f"{name} {label} of_warps", TYPES) for name in names]


@pytest.mark.parametrize("signs", [False, True], ids=["without signs", "with signs"])
def test_factors_are_given_with_or_without_signs(events, signs):
    x, out, sign = np.zeros((3, 8), np.float16), np.zeros((3, 1), np.float16), np.zeros((3, 1))
    run("weighted_logsumexp", x, x, out, *[sign] * signs)
    (launched,) = events
    assert launched[0] == ("weighted_logsumexp float16 of_warps", TYPES)
    assert launched[7:23:4] == (*[x.ctypes.data] * 2, out.ctypes.data, sign.ctypes.data if signs else 0)


@pytest.mark.parametrize(("rows", "blocks"), [(1, 1), (7, 7), (100, 8 * PROCESSORS)])
def test_long_rows_are_launched(events, rows, blocks):
    """A block a row, with memory for its chunks as long as the stream needs it."""
    x, out = np.zeros((rows, CHUNK + 1), np.float32), np.zeros((rows, 1), np.float32)
    run("logsumexp", x, out)
    taken, launched, freed = events
    size = 2 * FIELDS * 8 * blocks
    assert (taken, freed) == (("taken", size, "stream 7"), ("freed", size, "stream 7"))
    assert launched[:7] == (
        ("logsumexp float32 of_blocks", TYPES),
        (blocks, kernels.THREADS),
        "stream 7",
        rows,
        rows,
        CHUNK + 1,
        0x5000,
    )
    assert launched[7:12] == (x.ctypes.data, 0, CHUNK + 1 if rows > 1 else 0, 1, out.ctypes.data)
    assert launched[14] == 0  # the result stays where it is along the row
    assert len(launched) == 3 + COUNT


@pytest.mark.parametrize(("rows", "blocks"), [(8, 1), (9, 2), (10_000, 8 * PROCESSORS)])
@pytest.mark.parametrize("length", [2, CHUNK + 1])
def test_rows_beside_each_other_are_launched(events, rows, blocks, length):
    """A block takes as many as it has warps, with memory for the chunks of each."""
    x = np.zeros((length, rows), np.float32)
    run("softmax", x, x, axes=(0,))
    taken, launched, freed = events
    size = 8 * FIELDS * -(-length // CHUNK) * 8 * blocks
    assert (taken, freed) == (("taken", size, "stream 7"), ("freed", size, "stream 7"))
    assert launched[:7] == (
        ("softmax float32 of_columns", TYPES),
        (blocks, kernels.THREADS),
        "stream 7",
        rows,
        rows,
        length,
        0x5000,
    )
    assert launched[7:11] == (x.ctypes.data, 0, 1, rows)


def test_few_rows_of_many_chunks_are_launched(events):
    """By blocks that share them, with memory for all chunks and what the rows are reduced to."""
    chunks, rows = launch_rows.MANY_CHUNKS, PROCESSORS - 1
    x = np.zeros((rows, CHUNK * chunks), np.float32)
    run("softmax", x, x)
    taken, *launched, freed = events
    size = 8 * rows * (FIELDS * chunks + 5)
    assert (taken, freed) == (("taken", size, "stream 7"), ("freed", size, "stream 7"))
    assert [event[0][0] for event in launched] == [f"softmax float32 {way}" for way in ("sums", "totals", "finish")]
    assert [event[1] for event in launched] == [(blocks, kernels.THREADS) for blocks in (8, 2, 8)]
    for event in launched:
        assert event[2:7] == ("stream 7", rows, rows, CHUNK * chunks, 0x5000)


def test_rows_across_are_launched_in_pieces(events):
    """Of dimensions that cannot be taken together each is gone through but the last two."""
    x, out = np.zeros((4, 3, 6, 10), np.float64)[::2, ::2, ::2], np.zeros((2, 2, 3, 10), np.float64)
    run("log_softmax", x, out, axes=(3,))
    assert [event[3:6] for event in events] == [(6, 3, 10)] * 2
    assert [event[7] - x.ctypes.data for event in events] == [0, x.strides[0]]
    assert [event[8:11] for event in events] == [(2 * 60, 2 * 10, 1)] * 2


def test_nothing_is_launched_of_nothing(events):
    run("softmax", np.zeros((0, 3)), np.zeros((0, 3)))
    run("logsumexp", np.zeros((0, 3)), np.zeros((0, 1)))
    assert events == []
