"""Functions that XLA calls by its foreign function interface: the bits of NumPy's arrays, without Python, on any device
of the CPU and in other processes."""

import ctypes
import functools
import pathlib
import re

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="what calls is XLA")

import jax.numpy as jnp
from helpers import ELEMENTWISE, SOFTMAX_LIKE, assert_same_bits, computed

import numbaexp
from numbaexp.cpu import xla_state as at
from numbaexp.cpu import xla_target
from numbaexp.engine import ufuncs
from numbaexp.integrations.jax.foreign import KINDS
from numbaexp.operations import OPERATIONS, Kind
from numbaexp.target import SERIAL_BELOW

ml_dtypes = pytest.importorskip("ml_dtypes", reason="JAX's bfloat16 is that of ml_dtypes")

pytestmark = [pytest.mark.by_form, pytest.mark.sampled(name=("exp", "softmax", "logsumexp"), dtype="float32")]

ARRAYS = ("float16", "bfloat16", "float32")
# Rows alone and batched, in one chunk, in several and in more than are kept; none, and those without elements.
SHAPES = [(4,), (5, 40), (100, 3, 7), (2, 1, 5), (7, 1), (20, 300, 20), (3, 50_000), (40_000, 20), (0, 4), (3, 0, 4)]
ROWS = np.random.default_rng(3).normal(0, 3, (8, 6)).astype(np.float32)
TWO_DEVICES = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}


def arrays_like(shape, dtype, count):
    rng = np.random.default_rng(1)
    return [rng.normal(0, 3, shape).astype(jnp.dtype(dtype)) for _ in range(count)]


@pytest.mark.parametrize("dtype", ARRAYS)
@pytest.mark.parametrize("name", [*ELEMENTWISE, *(f"{name}_backward" for name in ELEMENTWISE)])
def test_elements(name, dtype):
    for size in (0, 1, 1000, 100_000):
        arrays = arrays_like(size, dtype, len(OPERATIONS[name].arrays))
        result = jax.jit(getattr(numbaexp, name))(*arrays)
        assert result.dtype == dtype
        assert_same_bits(result, computed(name, *arrays))


@pytest.mark.checked(name=("softmax", "logsumexp"), dtype=("float32", "bfloat16"))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ARRAYS)
@pytest.mark.parametrize("name", [*SOFTMAX_LIKE, "logsumexp"])
def test_rows(name, dtype, shape):
    for axis in range(len(shape)):
        x, grad = arrays_like(shape, dtype, 2)
        result = computed(name, x, axis=axis)
        assert_same_bits(jax.jit(functools.partial(getattr(numbaexp, name), axis=axis))(x), result)
        saved = result if name in SOFTMAX_LIKE else x
        grad = grad if name in SOFTMAX_LIKE else grad.sum(axis)
        backward = functools.partial(getattr(numbaexp, f"{name}_backward"), axis=axis)
        assert_same_bits(jax.jit(backward)(grad, saved), computed(f"{name}_backward", grad, saved, axis=axis))


@pytest.mark.parametrize("axis", [(), (0, 2), (1, 2), (0, 1, 3), None])
@pytest.mark.parametrize("name", [*SOFTMAX_LIKE, "logsumexp"])
def test_rows_along_several_axes(name, axis):
    (x,) = arrays_like((5, 3, 7, 2), "float32", 1)
    for keepdims in (False, True) if name == "logsumexp" else (None,):
        options = {"axis": axis, **({} if keepdims is None else {"keepdims": keepdims})}
        function = functools.partial(getattr(numbaexp, name), **options)
        assert_same_bits(jax.jit(function)(x), function(x))
        (gradient,) = jax.jit(lambda x, f=function: jax.vjp(f, x)[1](jnp.ones_like(f(x))))(x)
        saved = function(x) if name in SOFTMAX_LIKE else x
        ones = np.ones_like(np.asarray(function(x)))
        assert_same_bits(gradient, getattr(numbaexp, f"{name}_backward")(ones, saved, axis=axis))


def test_the_mode_of_xlas_threads():
    """XLA computes without subnormal numbers."""
    x = np.linspace(-104, -86, 300_000, dtype=np.float32)
    few = np.float32([[1e-40, -3e-39, 2.0]]).T
    rows = np.zeros((3, 2), np.float32)
    assert_same_bits(jax.jit(numbaexp.exp)(x), numbaexp.exp(x))
    backward = functools.partial(numbaexp.logsumexp_backward, axis=1)
    assert_same_bits(jax.jit(backward)(few, rows), backward(few, rows))
    assert_same_bits(jax.jit(numbaexp.softmax)(x), numbaexp.softmax(x))


def test_donated_arrays():
    function = jax.jit(lambda x, y: (numbaexp.exp(x), numbaexp.softmax(y)), donate_argnums=(0, 1))
    x, y = jnp.asarray(ROWS), jnp.asarray(ROWS)
    for result, expected in zip(function(x, y), (numbaexp.exp(ROWS), numbaexp.softmax(ROWS)), strict=True):
        assert_same_bits(result, expected)


def test_what_is_lowered_is_the_same_everywhere(run_script):
    """No address of this process, and no call of Python's."""
    functions = "numbaexp.exp, numbaexp.softmax_backward, lambda x, y: numbaexp.logsumexp(x * y)"
    script = f"""
        import jax, jax.numpy as jnp, numbaexp
        for function in ({functions}):
            arrays = (jnp.ones((3, 4)),) * (1 if function is numbaexp.exp else 2)
            print(jax.jit(function).lower(*arrays).as_text())
    """
    text = run_script(script)
    assert text == run_script(script)
    assert text.count("custom_call @numbaexp(") == text.count("custom_call") == 3


FUNCTION = """
    import jax, jax.numpy as jnp, numpy as np, numbaexp
    x = np.linspace(-3, 3, 12, dtype=np.float32).reshape(3, 4)
    def function(x):
        gradient = jax.grad(lambda x: numbaexp.logsumexp(x, 1).sum())(x)
        return numbaexp.exp(x), numbaexp.softmax(x), gradient, numbaexp.softmax(x, 0)
    expected = (
        numbaexp.exp(x), numbaexp.softmax(x), numbaexp.logsumexp_backward(np.ones(3, np.float32), x, axis=1),
        numbaexp.softmax(x, 0),
    )
    def check(results):
        for result, wanted in zip(results, expected, strict=True):
            assert np.asarray(result).tobytes() == wanted.tobytes()
"""
IMPORTS = {"numbaexp first": "import numbaexp, jax", "JAX first": "import jax, numbaexp"}


@pytest.mark.checked(shape="float32[a, b]", imports="numbaexp first")
@pytest.mark.parametrize("imports", IMPORTS)
@pytest.mark.parametrize("shape", ["float32[3, 4]", "float32[a, b]"])
def test_exported(run_script, tmp_path, imports, shape):
    """Called in a process that has called nothing yet, and has no kernels on its disk."""
    pytest.importorskip("flatbuffers", reason="JAX serializes by it")
    run_script(f"""{FUNCTION}
    from jax import export
    allowed = [export.DisabledSafetyCheck.custom_call("numbaexp")]
    dtype, _, dimensions = {shape!r}.strip("]").partition("[")
    given = jax.ShapeDtypeStruct(export.symbolic_shape(dimensions), dtype)
    made = export.export(jax.jit(function), disabled_checks=allowed)(given)
    open({str(tmp_path / "exported")!r}, "wb").write(made.serialize(vjp_order=1))
    """)
    run_script(
        f"""
    import sys
    {IMPORTS[imports]}
    from jax import export
    assert "numbaexp.integrations.jax.foreign" not in sys.modules
    read = export.deserialize(bytearray(open({str(tmp_path / "exported")!r}, "rb").read()))
    given = __import__("numpy").linspace(-3, 3, 12, dtype="float32").reshape(3, 4)
    results = read.call(given)
    gradient = read.vjp().call(given, *results)
{FUNCTION}
    check(results)
    wanted = jax.jit(lambda x, y: jax.vjp(function, x)[1](y)[0])(x, expected)
    assert np.asarray(gradient[0]).tobytes() == np.asarray(wanted).tobytes()
        """,
        NUMBAEXP_CACHE_DIR=str(tmp_path / "kernels"),
    )


def test_compiled_in_another_process(run_script, tmp_path):
    run_script(f"""{FUNCTION}
    import pickle
    from jax.experimental import serialize_executable
    made = serialize_executable.serialize(jax.jit(function).lower(x).compile())
    open({str(tmp_path / "compiled")!r}, "wb").write(pickle.dumps(made))
    """)
    run_script(f"""
    import pickle, numbaexp, numpy as np
    from jax.experimental import serialize_executable
    read = pickle.loads(open({str(tmp_path / "compiled")!r}, "rb").read())
    results = serialize_executable.deserialize_and_load(*read)(np.linspace(-3, 3, 12, dtype="float32").reshape(3, 4))
{FUNCTION}
    check(results)
    """)


def test_the_cache_of_jax(run_script, tmp_path):
    kept = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    script = f"""{FUNCTION}
    seen = []
    jax.monitoring.register_event_listener(lambda event, **_: seen.append(event))
    check(jax.jit(function)(x))
    print([event.rpartition("/")[2] for event in seen if event.endswith(("/cache_hits", "/cache_misses"))])
    """
    assert run_script(script, **kept).strip() == "['cache_misses']"
    assert run_script(script, **kept).strip() == "['cache_hits']"


def test_python_is_asked_once(run_script):
    run_script("""
    import jax, numpy as np, numbaexp
    from numbaexp.cpu import xla_handler
    asked, answer = [], xla_handler._answer
    xla_handler._answer = lambda *args: asked.append(args[2:]) or answer(*args)
    both = jax.jit(lambda x: (numbaexp.exp(x), numbaexp.softmax(x)))
    for shape, times in (((3, 50), 2), ((5, 60), 2), ((1000, 1000), 3), ((1000, 1001), 3)):
        for _ in range(3):
            jax.block_until_ready(both(np.ones(shape, np.float32)))
        assert len(asked) == times, asked
    """)


def test_who_calls_first_compiles(run_script, tmp_path):
    """Of several threads one; an error is raised by the call, and the next call compiles."""
    run_script(
        """
    import threading
    import jax, numpy as np, numbaexp
    from numbaexp.cpu import ufunc
    x = np.ones(100, np.float32)
    serial_loop, has_memory = ufunc.serial_loop, False
    def failing(name, dtype):
        if has_memory:
            return serial_loop(name, dtype)
        raise MemoryError(f"{name} {dtype}")
    ufunc.serial_loop = failing
    for _ in range(2):
        try:
            jax.jit(numbaexp.exp)(x).block_until_ready()
        except jax.errors.JaxRuntimeError as error:
            assert "MemoryError: exp float32" in str(error), error
        else:
            raise AssertionError
    has_memory, results = True, []
    threads = [threading.Thread(target=lambda: results.append(np.asarray(jax.jit(numbaexp.exp)(x)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.tobytes() for result in results] == [numbaexp.exp(x).tobytes()] * 4
        """,
        NUMBAEXP_CACHE_DIR=str(tmp_path),
    )


def test_devices(run_script):
    """Each of several computes its part, of functions of elements whichever axis is shared out."""
    run_script(
        """
    import re
    import jax, jax.numpy as jnp, numpy as np, numbaexp
    from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
    mesh = Mesh(jax.devices(), ("a",))
    x = np.random.default_rng(0).normal(0, 3, (8, 6)).astype(np.float32)
    def check(function, given, expected, part):
        compiled = jax.jit(function).lower(given).compile()
        result, text = compiled(given), compiled.as_text()
        assert np.asarray(result).tobytes() == np.asarray(expected).tobytes(), function
        assert re.findall(r"f32\\[([\\d,]*)\\]\\S* custom-call", text) == [part], text
        assert ("all-gather" in text) == (part == "8,6"), text
    by_row, by_column = (jax.device_put(x, NamedSharding(mesh, spec)) for spec in (P("a"), P(None, "a")))
    check(numbaexp.exp, by_row, numbaexp.exp(x), "4,6,1")
    check(numbaexp.exp, by_column, numbaexp.exp(x), "8,3,1")
    check(numbaexp.softmax, by_row, numbaexp.softmax(x), "4,6")
    check(numbaexp.softmax, by_column, numbaexp.softmax(x), "8,6")
    check(lambda x: numbaexp.logsumexp(x, 1), by_row, numbaexp.logsumexp(x, 1), "4")
    for function in (numbaexp.exp, numbaexp.softmax):
        expected = np.asarray(function(x))
        assert np.asarray(jax.pmap(function)(x.reshape(2, 4, 6))).tobytes() == expected.tobytes()
        mapped = jax.shard_map(function, mesh=mesh, in_specs=P("a"), out_specs=P("a"))
        assert np.asarray(jax.jit(mapped)(x)).tobytes() == expected.tobytes()
        assert np.asarray(mapped(x)).tobytes() == expected.tobytes()
    gradient = jax.jit(jax.grad(lambda x: (numbaexp.softmax(x) * x).sum()))
    assert np.asarray(gradient(by_row)).tobytes() == np.asarray(gradient(x)).tobytes()
        """,
        **TWO_DEVICES,
    )


def test_devices_at_once(run_script, layer):
    """On large arrays, for which threads are shared, under each of Numba's threading layers."""
    run_script(
        """
    import jax, numpy as np, numbaexp
    x = np.random.default_rng(0).normal(0, 3, (2, 300, 1000)).astype(np.float32)
    for function in (numbaexp.exp, numbaexp.softmax, lambda x: numbaexp.logsumexp(x, -1)):
        mapped, expected = jax.pmap(function), np.asarray(function(x)).tobytes()
        results = [mapped(x) for _ in range(5)]
        assert all(np.asarray(result).tobytes() == expected for result in results)
        """,
        **layer,
        **TWO_DEVICES,
    )


@pytest.mark.parametrize(
    ("arrays", "attributes"),
    [
        ((ROWS,), {"function": "expo"}),
        ((ROWS,), {"function": "exp_backward"}),
        ((ROWS, ROWS), {"function": "exp"}),
        ((ROWS.astype(np.int32),), {"function": "exp"}),
        ((ROWS, ROWS.astype(np.float16)), {"function": "exp_backward"}),
        ((ROWS,), {}),
        ((ROWS,), {"function": np.int64(3)}),
        ((ROWS,), {"function": "softmax"}),
        ((ROWS,), {"function": "softmax", "axis": np.int64(-3), "axes": np.int64(1)}),
        ((ROWS,), {"function": "softmax", "axis": np.int64(-1), "axes": np.int64(2)}),
    ],
)
def test_other_calls_are_refused(arrays, attributes):
    def call(*arrays):
        result = jax.ShapeDtypeStruct(arrays[-1].shape, arrays[-1].dtype)
        return jax.ffi.ffi_call("numbaexp", result)(*arrays, **attributes)

    jax.jit(numbaexp.exp)(1.0)
    with pytest.raises(jax.errors.JaxRuntimeError, match=r"INVALID_ARGUMENT: .*numbaexp has no such function of such"):
        jax.jit(call)(*arrays).block_until_ready()


class TestStructures:
    """Frames of another version than XLA's."""

    @pytest.fixture
    def frame(self):
        """A call without arguments, by the sizes that are expected; and the messages of its errors."""
        messages = []

        @ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p)
        def create(given):
            messages.append(ctypes.c_char_p.from_address(given + 16).value.decode())
            return 7

        api, frame = (ctypes.c_int64 * 8)(), (ctypes.c_int64 * 22)()
        api[at.ERROR_CREATE // 8] = ctypes.cast(create, ctypes.c_void_p).value
        frame[0], frame[at.API // 8], frame[at.STAGE // 8] = at.FRAME_SIZE, ctypes.addressof(api), at.EXECUTE
        frame[at.ARGUMENTS // 8] = frame[at.RESULTS // 8] = at.BUFFERS_SIZE
        frame[at.ATTRIBUTES // 8] = at.ATTRIBUTES_SIZE
        frame.keep = create, api
        return frame, messages

    def call(self, frame):
        return ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p)(xla_target.address())(ctypes.addressof(frame))

    def test_as_expected(self, frame):
        frame, messages = frame
        assert self.call(frame) == 7
        assert re.match("ValueError: numbaexp has no such function", messages.pop())
        frame[at.STAGE // 8] = at.EXECUTE - 1
        assert self.call(frame) == 0

    @pytest.mark.parametrize("place", [0, at.ARGUMENTS, at.RESULTS, at.ATTRIBUTES])
    def test_smaller(self, frame, place):
        frame, messages = frame
        frame[place // 8] -= 8
        assert self.call(frame) == 7
        assert re.match("RuntimeError: this version of XLA's foreign function interface is not", messages.pop())

    def test_of_another_major_version(self, frame):
        frame, messages = frame
        frame.keep[1][at.API_MAJOR // 8] = at.MAJOR + 1
        assert self.call(frame) == 7
        assert re.match("RuntimeError: this version of XLA's foreign function interface is not", messages.pop())

    def test_the_version_is_told(self, frame):
        frame, _ = frame
        metadata, extension = (ctypes.c_int32 * 12)(*[-1] * 12), (ctypes.c_int64 * 4)()
        extension[at.EXTENSION_TYPE // 8] = at.METADATA_EXTENSION
        extension[at.METADATA // 8] = ctypes.addressof(metadata)
        frame[at.EXTENSION // 8] = ctypes.addressof(extension)
        assert self.call(frame) == 0
        told = [metadata[place // 4] for place in (at.MAJOR_AT, at.MINOR_AT, at.TRAITS_AT)]
        assert told == [at.MAJOR, at.MINOR, 0]


def test_the_header_of_xla():
    """The offsets are those of the installed header."""
    header = f"{jax.ffi.include_dir()}/xla/ffi/api/c_api.h"
    text = re.sub(r"//.*", "", pathlib.Path(header).read_text())
    assert int(re.search(r"XLA_FFI_API_MAJOR (\d+)", text)[1]) == at.MAJOR
    assert int(re.search(r"XLA_FFI_API_MINOR (\d+)", text)[1]) >= at.MINOR
    numbers = dict(re.findall(r"XLA_FFI_DataType_(\w+) = (\d+)", text))
    assert [int(numbers[name]) for name in ("F16", "F32", "F64", "BF16")] == list(at.FLOATS.values())
    assert int(numbers["S64"]) == at.INT64


class TestSmall:
    """Small arrays that nothing traces, of which XLA compiles the second call."""

    @pytest.mark.parametrize("dtype", ARRAYS)
    @pytest.mark.parametrize("name", [name for name, each in OPERATIONS.items() if each.kind in KINDS])
    def test_bits(self, name, dtype):
        operation = OPERATIONS[name]
        labels = [label for label in operation.arrays if label not in operation.optional]
        given = arrays_like((3, 37), dtype, len(labels))
        given = [
            array[:, 0] if label in operation.per_row else array for label, array in zip(labels, given, strict=True)
        ]
        options = {} if operation.kind is Kind.ELEMENTWISE else {"axis": 1}
        expected = computed(name, *given, **options)
        for _ in range(3):
            result = getattr(numbaexp, name)(*map(jnp.asarray, given), **options)
            assert not result.weak_type
            assert_same_bits(result, expected)

    def test_from_the_second_call_on(self, monkeypatch):
        called, compute = [], ufuncs.run_on_elements
        monkeypatch.setattr(ufuncs, "run_on_elements", lambda *args: called.append(args[1]) or compute(*args))
        x = jnp.ones((3, 41), "bfloat16")
        for _ in range(3):
            numbaexp.exp(x)
        assert called == ["auto"]
        with numbaexp.use_target("cpu"):
            numbaexp.exp(x)
        with jax.disable_jit():
            numbaexp.exp(x)
        assert called == ["auto", "cpu", "auto"]
        for _ in range(3):
            numbaexp.exp(jnp.ones(SERIAL_BELOW))
        assert len(called) == 6

    @pytest.mark.parametrize(
        ("call", "error", "said"),
        [
            (
                lambda x: numbaexp.exp10(x + 1j),
                TypeError,
                "`x` must be of a float, integer or bool type; got complex64",
            ),
            (lambda x: numbaexp.exp_backward(x[0], x), ValueError, "must be of the shape of"),
            (lambda x: numbaexp.exp_backward(x.astype("float16"), x), TypeError, "must be of the type of"),
            (lambda x: numbaexp.exp_backward(np.ones((8, 6), "f"), x), TypeError, "must be arrays of one library"),
            (lambda x: numbaexp.softmax(x, 2), np.exceptions.AxisError, "axis 2 is out of bounds"),
            (lambda x: numbaexp.softmax(x, 1.0), TypeError, "`axis` must be an int, a tuple of int or None; got 1.0"),
            (lambda x: numbaexp.softmax(x, [0, 0]), ValueError, "repeated axis"),
            (lambda x: numbaexp.exp(x, where=True), TypeError, "does not take `where`"),
            (lambda x: numbaexp.exp(x, out=x), TypeError, "`out` must not be a JAX array"),
            (lambda x: numbaexp.logsumexp_backward(x[0], x, axis=1), ValueError, r"must be of the shape \(8,\) or"),
        ],
    )
    def test_errors_stay(self, call, error, said):
        numbaexp.softmax(jnp.asarray(ROWS), 1)
        for _ in range(3):
            with pytest.raises(error, match=said):
                call(jnp.asarray(ROWS))

    def test_types_of_weak_numbers(self):
        weak = jax.jit(lambda: jax.lax.full((), 1.0))() * jax.jit(lambda x: x)(1.0)
        for x in (jax.jit(lambda x: x)(1.0), weak):
            for _ in range(3):
                result = numbaexp.exp(x)
                assert (result.dtype, result.weak_type) == (np.float32, False)
                with pytest.raises(TypeError, match="must be of the type of"):
                    numbaexp.exp_backward(x, jnp.ones((), "bfloat16"))

    def test_placement_is_kept(self, run_script):
        run_script(
            """
        import jax, jax.numpy as jnp, numpy as np, numbaexp
        first, second = jax.devices()
        with jax.default_device(second):
            there = jnp.ones(3)
        for x in (jnp.ones(3), there, jax.device_put(np.ones(3), first), jax.device_put(np.ones(3), second)):
            for device in (None, first, second):
                with jax.default_device(device):
                    for _ in range(3):
                        result = numbaexp.exp(x)
                        assert (result.devices(), result.committed) == (x.devices(), x.committed)
        one, other = (jax.device_put(np.ones(3), device) for device in (first, second))
        for _ in range(3):
            try:
                numbaexp.exp_backward(one, other)
            except ValueError as error:
                assert "must be" in str(error), error
            else:
                print("computed")
            """,
            **TWO_DEVICES,
        )
