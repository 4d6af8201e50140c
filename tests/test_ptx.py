"""What the kernels are compiled to, without a GPU: they fuse, divide, call and load what is written, and no more."""

import functools
import re
import types as python_types

import numba
import numpy as np
import pytest

pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")

from numba import TypingError, cuda, types
from numba.cuda.core import config

if config.ENABLE_CUDASIM:
    pytest.skip("the simulator compiles no kernels", allow_module_level=True)

from cuda.core import Linker, LinkerOptions, ObjectCode
from helpers import HALVES
from numba.core.registry import CPUDispatcher
from numba.cuda import dispatcher
from numba.cuda.cudadrv import nvrtc, nvvm

try:
    nvvm.NVVM()
except nvvm.NvvmSupportError as error:
    pytest.skip(f"NVVM is not there: {error}", allow_module_level=True)

import numbaexp
from numbaexp.cuda import kernels
from numbaexp.cuda.compile import link, to_ptx
from numbaexp.cuda.memory import WIDTH, make_memory
from numbaexp.cuda.phases import one_result, without_flags
from numbaexp.scalar.family import FAMILY
from numbaexp.scalar.fast import fast_phase
from numbaexp.scalar.fast_gradients import fast_gradient
from numbaexp.scalar.forms import STORED_AS
from numbaexp.scalar.gradients import GRADIENTS
from numbaexp.scalar.ieee import rounded_product, scalar
from numbaexp.vector.level import CUDA

pytestmark = [
    pytest.mark.by_form,
    pytest.mark.checked(dtype=("float32", "float64"), form="contiguous"),
    pytest.mark.sampled(
        cc="(9, 0)", name=("exp", "sigmoid", "exp_backward", "sigmoid_backward"), dtype="float32", kind="float32"
    ),
]

ROWS = [(name, dtype) for name in FAMILY for dtype in FAMILY[name]]
SOURCES = {
    "float16": ("bool", "int8", "uint8"),
    "bfloat16": ("int32", "int64"),
    "float32": ("int16", "int64"),
    "float64": ("int32", "int64", "uint64"),
}
# (name, source, dtype); with no source the kernel is the contiguous one.
KERNELS = [(name, None, dtype) for name, dtype in ROWS]
KERNELS += [(name, dtype, dtype) for name, dtype in ROWS]
KERNELS += [("exp", source, dtype) for dtype, sources in SOURCES.items() for source in sources]

CAPABILITIES = [(8, 0), (9, 0)]
# The last fused multiply-add of ``whole`` takes the special value or not. With older versions of Numba the compiler
# makes that two branches here and there, each with one.
SLACK = 0 if numba.version_info[:2] >= (0, 68) else 1
# The PTX of the lesser one is the same but for the name: a release looks at what its linker makes of that.
for_each_capability = pytest.mark.parametrize(
    "cc",
    [pytest.param(cc, marks=[pytest.mark.whole] * (cc != CAPABILITIES[-1])) for cc in CAPABILITIES],
    ids=lambda cc: f"sm_{cc[0]}{cc[1]}",
)
for_each_row = pytest.mark.parametrize(("name", "dtype"), ROWS)
for_each_kernel = pytest.mark.parametrize(("name", "source", "dtype"), KERNELS)


class Code:
    """PTX: its text, and the registers of each instruction, the one that is written first."""

    def __init__(self, text):
        self.text = text
        found = re.findall(r"^\s+(?:@!?%p\d+\s+)?([a-z]\w*(?:\.\w+)*)\b\s*(.*);", text, re.MULTILINE)
        self.instructions = [(name, re.findall(r"%\w+", operands)) for name, operands in found]

    def without(self, pattern):
        """The opcodes of the instructions that are reached from the first one, past none that a pattern fits."""
        lines = [line.strip() for line in self.text[self.text.index("{\n", self.text.index(".entry")) :].splitlines()]
        places = {line[:-1]: place for place, line in enumerate(lines) if line.endswith(":")}
        reached, open_ = set(), [0]
        while open_:
            place = open_.pop()
            found = re.match(r"(@!?%p\d+\s+)?([a-z]\w*(?:\.\w+)*)\b(?:.*?(\S+);)?", lines[place])
            if place in reached or (found and re.fullmatch(pattern, found[2])):
                continue
            reached.add(place)
            condition, opcode, last = found.groups() if found else (None, "", None)
            jumps = opcode.startswith("bra")
            if jumps:
                open_.append(places[last])
            if condition or not (jumps or opcode == "ret"):
                open_.append(place + 1)
        return [found[1] for place in reached if (found := re.match(r"(?:@!?%p\d+\s+)?([a-z][\w.]*)", lines[place]))]

    def places(self, pattern):
        return [i for i, (name, _) in enumerate(self.instructions) if re.fullmatch(pattern, name)]

    def count(self, pattern):
        return len(self.places(pattern))

    @property
    def fused(self):
        return self.count(r"(fma|mad)\..*f(16|16x2|32|64)")

    @property
    def divisions(self):
        """Of floats."""
        return self.count(r"(div|rcp|sqrt|rsqrt)\..*f(16|32|64)")

    def bare_products_in_sums(self):
        """The sums that ptxas may fuse with a product: neither says how it rounds."""
        products, known = set(), -1
        while len(products) > known:
            known = len(products)
            for name, (target, *sources) in ((name, registers) for name, registers in self.instructions if registers):
                passes_on = re.fullmatch(r"(mov|neg|abs|selp)\.[fb](32|64)", name) and products.intersection(sources)
                if passes_on or re.fullmatch(r"mul\.f(32|64)", name):
                    products.add(target)
        return [
            (name, registers)
            for name, registers in self.instructions
            if re.fullmatch(r"(add|sub)\.f(32|64)", name) and products.intersection(registers[1:])
        ]


@pytest.fixture(scope="module", autouse=True)
def _no_device():
    """Numba asks the device for its compute capability where a kernel calls ``@njit`` functions."""
    device = python_types.SimpleNamespace(compute_capability=CAPABILITIES[-1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dispatcher, "get_current_device", lambda: device)
        yield


class Compiled:
    """A kernel as Numba hands it to NVVM, which is the same for each compute capability, but for names."""

    def __init__(self, kernel, arguments=4):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nvvm, "compile_ir", functools.partial(self._keep, nvvm.compile_ir))
            self.text = to_ptx(kernel, arguments, CAPABILITIES[-1])

    def _keep(self, compile_ir, ir, **options):
        self.ir, self.options = ir, options
        return compile_ir(ir, **options)

    @functools.cache  # noqa: B019
    def code(self, cc, contraction=True):
        """The PTX; without contraction NVVM may fuse nothing."""
        if contraction and cc == CAPABILITIES[-1]:
            return Code(self.text)
        options = {**self.options, "arch": nvrtc.get_arch_option(*cc)}
        if not contraction:
            options["fma"] = False
        return Code(nvvm.compile_ir(self.ir, **options).decode())


@functools.cache
def kernel(name, source, dtype):
    if source is None:
        return Compiled(kernels.make_contiguous(name, dtype), kernels.contiguous_types(name))
    return Compiled(kernels.make_strided(name, (source,), dtype), kernels.strided_types(1))


@functools.cache
def alone(function, dtype, results=1):
    """A kernel that is one call of a scalar."""
    get, put = make_memory(STORED_AS[dtype])[1:3]

    def one(x, y, first, n):
        put(y, first, function(get(x, first)))

    def two(x, y, first, n):
        a, b = function(get(x, first))
        put(y, first, a)
        put(y, n, b)

    return Compiled(one if results == 1 else two)


@functools.cache
def forms_alone(name, dtype):
    """Kernels of one call of each form of a row: the faster one, ``whole``, and the accurate one, or ``whole`` anew."""
    row, fast = FAMILY[name][dtype], fast_phase(name, dtype, CUDA)
    results = 1 if row.accurate is None else 2
    return (
        alone(row.inner, dtype, results) if fast is None or results == 2 else alone(fast.compute, dtype, 2),
        alone(without_flags(row), dtype, results),
        alone(row.accurate or row.whole, dtype),
    )


@functools.cache
def rounded_alone(name, dtype):
    """A kernel of one call of the form of one result."""
    return alone(one_result(name, dtype), dtype)


def decides_domain(name, dtype):
    """Whether the fast phase decides all that is inside a domain: of any other number NVVM omits the arithmetic."""
    return FAMILY[name][dtype].domain is not None and dtype in HALVES and (name, dtype) != ("log1p", "bfloat16")


def forms_in(source, name, dtype, cc):
    """How often a kernel's text has each form."""
    lanes = WIDTH // np.dtype(STORED_AS[dtype]).itemsize
    settles = FAMILY[name][dtype].accurate is not None
    is_fast = not settles and fast_phase(name, dtype, CUDA) is not None
    whole_alone = not decides_domain(name, dtype)
    if source is None:
        # Two vectors, and an element before the first or behind the last. Where two forms are the same NVVM has one.
        faster = 0 if (name, dtype) == ("tanh", "float64") else 2 * lanes
        return (2 * lanes + 1, 2 + whole_alone, 0) if is_fast else (faster, 2 * lanes + 1, settles)
    count = elements(kernel(name, source, dtype), cc)
    return (count, count * whole_alone, 0) if is_fast else (0, count, count * settles)


def elements(compiled, cc):
    """How many elements a strided kernel's text treats: NVVM unrolls its loop."""
    return compiled.code(cc).count(r"ld\.global\.(?!nc).*")


@for_each_capability
@for_each_row
def test_fused_multiply_adds_are_those_written(name, dtype, cc):
    """As many as the scalars alone have, and as many where NVVM may not fuse: then none but those written are left."""
    fused = [form.code(cc).fused for form in forms_alone(name, dtype)]
    assert min(fused[:2]) >= 8
    for source in (None, dtype):
        compiled, counts = kernel(name, source, dtype), forms_in(source, name, dtype, cc)
        assert compiled.code(cc).fused == compiled.code(cc, contraction=False).fused
        written = sum(count * of_form for count, of_form in zip(counts, fused, strict=True))
        assert abs(compiled.code(cc).fused - written) <= counts[1] * SLACK
    # The strided kernel has the form of one result.
    difference = compiled.code(cc).fused - elements(compiled, cc) * rounded_alone(name, dtype).code(cc).fused
    assert abs(difference) <= elements(compiled, cc) * SLACK


@for_each_capability
@pytest.mark.parametrize("dtype", SOURCES)
def test_fused_multiply_adds_of_converted_arguments(dtype, cc):
    of_scalar = rounded_alone("exp", dtype).code(cc).fused
    for source in SOURCES[dtype]:
        compiled = kernel("exp", source, dtype)
        assert abs(compiled.code(cc).fused - elements(compiled, cc) * of_scalar) <= elements(compiled, cc) * SLACK


@for_each_capability
@for_each_kernel
def test_no_bare_product_feeds_a_sum(name, source, dtype, cc):
    assert kernel(name, source, dtype).code(cc).bare_products_in_sums() == []


@for_each_capability
@for_each_kernel
def test_nothing_is_called_spilled_or_approximated(name, source, dtype, cc):
    compiled = kernel(name, source, dtype).code(cc)
    assert not re.search(r"\.local|\.approx|\.ftz|\.extern|\.sat\b", compiled.text)
    assert compiled.count(r"call.*") == 0
    # Of all memory it is said which it is.
    assert compiled.count(r"(ld|st|atom)\..*") == compiled.count(r"(ld\.param|(ld|st|atom)\.(global|shared))\..*")


# Divisions in ``whole``, of float32 and narrower types and of float64, and in the accurate phase, if there are any.
DIVISIONS = {
    **dict.fromkeys(("sigmoid", "softplus"), (1, 1, 0)),
    **dict.fromkeys(("sinh", "cosh", "log_sigmoid"), (1, 0, 0)),
    **dict.fromkeys(("log", "log2", "log10", "log1p"), (0, 0, 1)),
    "tanh": (1, 1, 1),
    "logit": (2, 2, 0),
}


@for_each_capability
@for_each_kernel
def test_divisions_are_those_meant(name, source, dtype, cc):
    compiled = kernel(name, source, dtype).code(cc)
    divisions = [form.code(cc).divisions for form in forms_alone(name, dtype)]
    counts = forms_in(source, name, dtype, cc)
    assert compiled.divisions == sum(count * of_form for count, of_form in zip(counts, divisions, strict=True))
    of_narrow, of_float64, of_accurate = DIVISIONS.get(name, (0, 0, 0))
    of_whole = of_float64 if dtype == "float64" else of_narrow
    assert divisions[1:] == [of_whole, of_whole if FAMILY[name][dtype].accurate is None else of_accurate]
    assert compiled.divisions == compiled.count(r"(div|rcp)\.rn\.f(32|64)")
    of_integers = compiled.count(r"(div|rem)\.[us].*")
    if source is None:
        assert of_integers == 0
    else:
        # Three for an element's place, and where the loop is unrolled one for how often it runs, in 32 bits or in 64.
        assert compiled.count(r"div\.u32") - of_integers in (0, -1)
        assert compiled.count(r"div\.u64") <= 1
        assert compiled.count(r"div\.u32") >= 3


NARROW = ("float16", "bfloat16", "float32")


def assert_float64_is_rare(code):
    """All results can be stored, and the end reached, past no instruction of float64."""
    reached = code.without(r".*\.f64\b.*")
    for pattern in (r"st\.global\..*", r"ret"):
        assert sum(bool(re.fullmatch(pattern, opcode)) for opcode in reached) == code.count(pattern)


@for_each_capability
@pytest.mark.parametrize(("name", "source", "dtype"), [each for each in KERNELS if each[2] in NARROW])
def test_ordinary_results_need_no_float64(name, source, dtype, cc):
    assert_float64_is_rare(kernel(name, source, dtype).code(cc))


@for_each_capability
def test_float64_on_the_way_is_found(cc):
    code = alone(FAMILY["exp"]["float32"].whole, "float32").code(cc)
    assert code.count(r".*\.f64\b.*") > 10
    with pytest.raises(AssertionError):
        assert_float64_is_rare(code)


@for_each_capability
@for_each_row
def test_contiguous_kernels_move_16_bytes(name, dtype, cc):
    """Two vectors are loaded before the first is stored."""
    compiled = kernel(name, None, dtype).code(cc)
    vector = {2: "v4.u32", 4: "v4.f32", 8: "v2.f64"}[np.dtype(STORED_AS[dtype]).itemsize]
    loads, stores = compiled.places(rf"ld\.global\.{vector}"), compiled.places(rf"st\.global\.{vector}")
    assert len(loads) == len(stores) == 2
    assert max(loads) < min(stores)
    # One element at a time: before the first vector and behind the last, and those that were undecided.
    one_by_one = 1 if FAMILY[name][dtype].accurate is None else 2
    assert compiled.count(r"ld\.global\.[^v]\w+") == compiled.count(r"st\.global\.[^v]\w+") == one_by_one


@pytest.fixture(scope="module")
def _linker():
    """nvJitLink, which needs no driver."""
    nvjitlink = pytest.importorskip("cuda.bindings.nvjitlink", reason="cuda.bindings has no nvJitLink")
    try:
        nvjitlink.version()
    except RuntimeError as error:
        pytest.skip(f"nvJitLink is not there: {error}")


@pytest.mark.usefixtures("_linker")
@for_each_capability
@for_each_kernel
def test_registers(name, source, dtype, cc):
    assert_fits(kernel(name, source, dtype).code(cc).text, cc)


def assert_fits(text, cc):
    """ptxas needs no stack and spills nothing, and two blocks fit a processor of 65536 registers."""
    options = LinkerOptions(arch="sm_{}{}".format(*cc), verbose=True, ptxas_options="-v")
    linker = Linker(ObjectCode.from_ptx(text.encode()), options=options)
    linker.link("cubin")
    told = linker.get_info_log()
    assert int(re.search(r"used (\d+) registers", told)[1]) * kernels.THREADS * 2 <= 65536
    assert re.search(r"\b0 stack", told)
    assert re.search(r"\b0 bytes lmem", told)
    assert set(re.findall(r"(\d+) bytes spill", told)) <= {"0"}


@pytest.mark.usefixtures("_linker")
def test_machine_code():
    for cc in CAPABILITIES:
        assert link(kernel("exp", None, "float32").code(cc).text, cc).startswith(b"\x7fELF")


GRADIENT_ROWS = [(name, dtype) for name in GRADIENTS for dtype in GRADIENTS[name]]
for_each_gradient = pytest.mark.parametrize(("name", "dtype"), GRADIENT_ROWS)
for_each_form = pytest.mark.parametrize("form", ["contiguous", "strided"])
# Gradients that divide by nothing, and those that do so in float32 and narrower types alone.
UNDIVIDED = ("exp_backward", "exp2_backward", "exp10_backward", "expm1_backward")
UNDIVIDED_IN_FLOAT64 = ("sinh_backward", "cosh_backward")
# Gradients of which no product feeds a sum.
WITHOUT_SUMS = ("exp_backward", *(f"{name}_backward" for name in ("log", "log2", "log10", "log1p", "logit")))


@functools.cache
def gradient_kernel(form, name, dtype):
    if form == "contiguous":
        return Compiled(kernels.make_contiguous(name, dtype), kernels.contiguous_types(name))
    return Compiled(kernels.make_strided(name, (dtype, dtype), dtype), kernels.strided_types(2))


@functools.cache
def gradient_alone(gradient, dtype, results=1):
    """A kernel that is one call of a scalar of two numbers; of a fast phase, with both results."""
    get, put = make_memory(STORED_AS[dtype])[1:3]

    def one(g, x, y, i):
        put(y, i, gradient(get(g, i), get(x, i)))

    def two(g, x, y, i):
        value, undecided = gradient(get(g, i), get(x, i))
        put(y, i, value)
        put(x, i, undecided)

    return Compiled(one if results == 1 else two, 4)


def gradient_forms(name, dtype, cc):
    """The forms alone and how often the contiguous kernel and an element of the strided one have them."""
    lanes, fast = WIDTH // np.dtype(STORED_AS[dtype]).itemsize, fast_gradient(name, dtype, CUDA)
    whole = gradient_alone(GRADIENTS[name][dtype], dtype).code(cc)
    if fast is None:
        return [(whole, 2 * lanes + 1, 1)]
    return [(gradient_alone(fast.compute, dtype, 2).code(cc), 2 * lanes + 1, 1), (whole, 3, 1)]


@for_each_capability
@for_each_gradient
def test_fused_multiply_adds_of_gradients_are_those_written(name, dtype, cc):
    forms = gradient_forms(name, dtype, cc)
    contiguous, strided = (gradient_kernel(form, name, dtype) for form in ("contiguous", "strided"))
    for compiled in (contiguous, strided):
        assert compiled.code(cc).fused == compiled.code(cc, contraction=False).fused
    assert contiguous.code(cc).fused == sum(count * code.fused for code, count, _ in forms)
    count = elements(strided, cc) // 2
    assert strided.code(cc).fused == count * sum(code.fused for code, _, _ in forms)


@for_each_capability
@for_each_form
@for_each_gradient
def test_gradients_call_spill_and_approximate_nothing(form, name, dtype, cc):
    compiled = gradient_kernel(form, name, dtype).code(cc)
    assert compiled.bare_products_in_sums() == []
    assert not re.search(r"\.local|\.approx|\.ftz|\.extern|\.sat\b", compiled.text)
    assert compiled.count(r"call.*") == 0
    assert compiled.count(r"(ld|st|atom)\..*") == compiled.count(r"(ld\.param|(ld|st|atom)\.(global|shared))\..*")
    assert compiled.divisions == compiled.count(r"(div|rcp)\.rn\.f(32|64)")
    undivided = (*UNDIVIDED, *UNDIVIDED_IN_FLOAT64) if dtype == "float64" else UNDIVIDED
    assert (compiled.divisions == 0) == (name in undivided)


@for_each_capability
@for_each_form
@pytest.mark.parametrize(("name", "dtype"), [each for each in GRADIENT_ROWS if each[1] in NARROW])
def test_ordinary_gradients_need_no_float64(form, name, dtype, cc):
    assert_float64_is_rare(gradient_kernel(form, name, dtype).code(cc))


@for_each_capability
@for_each_gradient
def test_contiguous_gradients_move_16_bytes(name, dtype, cc):
    """Two vectors of each argument are loaded before the first is stored. NVVM unrolls the loop of a short scalar."""
    compiled = gradient_kernel("contiguous", name, dtype).code(cc)
    vector = {2: "v4.u32", 4: "v4.f32", 8: "v2.f64"}[np.dtype(STORED_AS[dtype]).itemsize]
    loads, stores = compiled.places(rf"ld\.global\.{vector}"), compiled.places(rf"st\.global\.{vector}")
    assert len(loads) == 2 * len(stores)
    assert len(stores) in (2, 6, 10)
    for i in range(len(stores) // 2):
        assert max(loads[4 * i : 4 * i + 4]) < min(stores[2 * i : 2 * i + 2])
    assert compiled.count(r"ld\.global\.[^v]\w+") == 2
    assert compiled.count(r"st\.global\.[^v]\w+") == 1


@pytest.mark.usefixtures("_linker")
@for_each_capability
@for_each_form
@for_each_gradient
def test_registers_of_gradients(form, name, dtype, cc):
    assert_fits(gradient_kernel(form, name, dtype).code(cc).text, cc)


# What tells in the tests above has to be able to tell.


def rewritten(function, old, new):
    """A scalar with all that it calls, compiled anew with something else in the place of ``old``."""

    def of(value):
        if value is old:
            return new
        return rewritten(value, old, new) if isinstance(value, CPUDispatcher) else value

    inner = function.py_func
    names = {name: of(inner.__globals__[name]) for name in inner.__code__.co_names if name in inner.__globals__}
    cells = tuple(python_types.CellType(of(cell.cell_contents)) for cell in inner.__closure__ or ())
    names["__name__"] = inner.__module__
    return scalar(python_types.FunctionType(inner.__code__, names, closure=cells))


@scalar
def product(a, b):
    return a * b


@pytest.mark.parametrize("name", [name for name in FAMILY if name not in ("exp", "tanh")])
def test_a_product_that_does_not_say_how_it_rounds_is_found(name):
    dtype = "float64"
    rounded, cc = one_result(name, dtype), CAPABILITIES[-1]
    plain = alone(rewritten(rounded, rounded_product, product), dtype)
    changed = plain.code(cc)
    assert changed.fused > plain.code(cc, contraction=False).fused or changed.bare_products_in_sums()
    # It is not the rewriting that does it.
    same = alone(rewritten(rounded, product, product), dtype).code(cc)
    as_written = rounded_alone(name, dtype).code(cc)
    assert [opcode for opcode, _ in same.instructions] == [opcode for opcode, _ in as_written.instructions]


@pytest.mark.parametrize("name", [name for name in GRADIENTS if name not in WITHOUT_SUMS])
def test_a_product_of_a_gradient_that_does_not_say_how_it_rounds_is_found(name):
    gradient, cc = GRADIENTS[name]["float64"], CAPABILITIES[-1]
    plain = gradient_alone(rewritten(gradient, rounded_product, product), "float64")
    changed = plain.code(cc)
    assert changed.fused > plain.code(cc, contraction=False).fused or changed.bare_products_in_sums()


def test_a_product_that_nvvm_does_not_fuse_is_found():
    @scalar
    def through_a_choice(x):
        return (x * x if x > 1 else x) + 3

    @scalar
    def rounded(x):
        return (rounded_product(x, x) if x > 1 else x) + 3

    cc = CAPABILITIES[-1]
    assert alone(through_a_choice, "float64").code(cc).bare_products_in_sums()
    assert not alone(rounded, "float64").code(cc).bare_products_in_sums()


@pytest.mark.parametrize("between", ["mov.f64", "neg.f64", "abs.f64", "mov.b64"])
@pytest.mark.parametrize("last", ["add.f64", "sub.f64"])
def test_a_product_is_followed(between, last):
    text = f"""
        mul.f64 %fd3, %fd1, %fd2;
        {between} %fd4, %fd3;
        selp.f64 %fd5, %fd1, %fd4, %p1;
        {last} %fd6, %fd1, %fd5;
    """
    assert Code(text).bare_products_in_sums() == [(last, ["%fd6", "%fd1", "%fd5"])]
    assert Code(text.replace("mul.f64", "mul.rn.f64")).bare_products_in_sums() == []
    assert Code(text.replace(last, f"{last[:3]}.rn.f64")).bare_products_in_sums() == []
    assert Code(text.replace("%fd1, %fd5;", "%fd1, %fd2;")).bare_products_in_sums() == []


USERS = {
    types.float16: ("float16", types.float16),
    cuda.types.bfloat16: ("bfloat16", cuda.types.bfloat16),
    types.float32: ("float32", types.float32),
    types.float64: ("float64", types.float64),
    types.int32: ("float64", types.float64),
    types.uint8: ("float64", types.float64),
    types.boolean: ("float64", types.float64),
}


def users_kernel(function, kind, result, cc):
    def written(x, y):
        i = cuda.grid(1)
        if i < x.size:
            y[i] = function(x[i])

    return Code(cuda.compile_ptx(written, types.void(kind[::1], result[::1]), cc=cc)[0])


@for_each_capability
@pytest.mark.parametrize("kind", USERS, ids=str)
@pytest.mark.parametrize("name", FAMILY)
def test_in_users_kernels(name, kind, cc):
    dtype, result = USERS[kind]
    compiled = users_kernel(getattr(numbaexp, name), kind, result, cc)
    assert compiled.fused == rounded_alone(name, dtype).code(cc).fused
    assert compiled.bare_products_in_sums() == []
    assert compiled.divisions == rounded_alone(name, dtype).code(cc).divisions
    assert compiled.count(r"call.*") == 0
    assert not re.search(r"\.approx|\.ftz", compiled.text)
    if dtype in NARROW:
        assert_float64_is_rare(compiled)


def test_in_users_kernels_by_any_name():
    from numbaexp import exp, expit

    def written(x, y):
        y[0] = numbaexp.exp(x[0])
        y[1] = exp(x[1])
        y[2] = numbaexp.expit(x[2])
        y[3] = expit(x[3])

    kind, cc = types.float32, CAPABILITIES[-1]
    compiled = Code(cuda.compile_ptx(written, types.void(kind[::1], kind[::1]), cc=cc)[0])
    of_each = (rounded_alone(name, "float32").code(cc).fused for name in ("exp", "sigmoid"))
    assert compiled.fused == 2 * sum(of_each)
    assert compiled.count(r"call.*") == 0


@pytest.mark.sampled(kind="complex64")
@pytest.mark.parametrize("kind", [types.complex64, types.complex128], ids=str)
def test_other_types_are_refused_at_compile_time(kind):
    with pytest.raises(TypingError, match="No implementation of function"):
        users_kernel(numbaexp.exp, kind, kind, CAPABILITIES[-1])


@pytest.mark.checked(first=("import numbaexp", "from numba import cuda"))
@pytest.mark.parametrize("first", ["import numbaexp", "from numba import cuda", "import numba"])
def test_imported_before_or_after_numba_cuda(first, run_script):
    run_script(f"""
        {first}
        import types as python_types
        import numbaexp
        from numba import cuda, types
        from numba.cuda import dispatcher

        device = python_types.SimpleNamespace(compute_capability=(9, 0))
        dispatcher.get_current_device = lambda: device

        def written(x, y):
            y[0] = numbaexp.exp(x[0])

        text, _ = cuda.compile_ptx(written, types.void(types.float32[::1], types.float32[::1]), cc=(9, 0))
        assert "fma.rn.f64" in text and "call" not in text
    """)
