"""Processes in which a thread flushes subnormal numbers to zero, takes them for zeros, or rounds another way: the bits
are those of the default mode, which the caller's is again after the call, with the flags that were raised."""

import contextlib
import functools
import threading

import ml_dtypes
import numpy as np
import pytest
from float_modes import MODES, control, mode
from helpers import FORMS, FORMS_OF_GRADIENTS, SOFTMAX_LIKE, TESTS

import numbaexp
from numbaexp.scalar.family import FAMILY
from numbaexp.scalar.gradients import GRADIENTS

pytestmark = [pytest.mark.checked(layer="omp"), pytest.mark.sampled(layer="omp")]

DTYPES = ("float16", ml_dtypes.bfloat16, "float32", "float64")
LARGE = 1 << 19


def spread(dtype, n):
    """Arguments whose results, or those of whose functions, are normal, subnormal, and neither; small ones too."""
    dtype = np.dtype(dtype)
    info = ml_dtypes.finfo(dtype)
    tiny = float(info.smallest_subnormal)
    least, greatest = np.log(tiny) - 2, np.log(float(info.max))
    x = np.resize(np.concatenate([np.linspace(least, greatest, 1009), tiny * np.arange(1.0, 50.0)]), n)
    return x.astype(dtype)


def calls(dtypes, names, gradients):
    """Functions, gradients, and those of rows, each in each way that arguments are converted or cut: (label, call)."""
    made = []

    def add(label, function, *args, **kwargs):
        made.append((label, lambda: function(*args, **kwargs)))

    integers = np.array([2**63 - 1, 2**53 + 1, -(2**53) - 3, 7, 0])
    for dtype in dtypes:
        kind = np.dtype(dtype)
        small, large = spread(dtype, 2000), spread(dtype, LARGE)
        label = kind.name
        rows, many = small.reshape(4, -1), large.reshape(64, -1)
        for name in names:
            function = getattr(numbaexp, name)
            add(f"{name} {label}", function, small)
            add(f"{name} {label} strided", function, small[::-3])
            add(f"{name} {label} scalar", function, small[5])
            add(f"{name} {label} to wider", function, small, dtype="float64" if kind.itemsize > 2 else "float32")
        for name in gradients:
            add(f"{name} {label}", getattr(numbaexp, name), small, np.roll(small, 7))
        add(f"exp {label} large", numbaexp.exp, large)
        add(f"exp {label} large strided", numbaexp.exp, np.repeat(large, 2)[::2])
        for name in SOFTMAX_LIKE:
            function, backward = getattr(numbaexp, name), getattr(numbaexp, f"{name}_backward")
            add(f"{name} {label}", function, rows)
            add(f"{name} {label} axis 0", function, rows, 0)
            add(f"{name} {label} large", function, many)
            add(f"{name}_backward {label}", backward, rows, rows)
            add(f"{name}_backward {label} axis 0", backward, rows, rows, 0)
        add(f"logsumexp {label}", numbaexp.logsumexp, rows, 1)
        add(f"logsumexp {label} weighted", numbaexp.logsumexp, rows, 1, b=np.linspace(-1, 2, 500))
        add(f"logsumexp_backward {label}", numbaexp.logsumexp_backward, rows[:, 3], rows, 1)
        add(f"cross_entropy {label}", numbaexp.cross_entropy, rows, [1, 2, 3, 0], label_smoothing=0.1)
        add(f"cross_entropy {label} probabilities", numbaexp.cross_entropy, rows, numbaexp.softmax(rows))
        add(f"cross_entropy_backward {label}", numbaexp.cross_entropy_backward, 0.3, rows, [1, 2, 3, 0])
    if "float64" not in dtypes:
        return made
    double = spread("float32", 2000).astype(np.float64)
    for out in ("float16", "float32"):
        add(f"exp into {out}", numbaexp.exp, double, out=np.empty(2000, out), casting="same_kind")
        add(f"softmax of {out}", numbaexp.softmax, double.reshape(4, -1), dtype=out)
    for name in names:
        add(f"{name} of integers", getattr(numbaexp, name), integers)
    add("softmax of integers", numbaexp.softmax, integers)
    add("exp of Python's", numbaexp.exp, [-745.0, -708.5, 1.0])
    return made


def bits(results):
    return {label: np.asarray(result).tobytes() for label, result in results}


def computed(made):
    with np.errstate(all="ignore"):
        return bits((label, function()) for label, function in made)


@pytest.fixture(
    scope="module",
    params=[
        "float32",
        pytest.param("other types", marks=pytest.mark.thorough),
        pytest.param("every function", marks=pytest.mark.whole),
    ],
)
def known(request):
    if request.param == "every function":
        made = calls(DTYPES, FAMILY, GRADIENTS)
    else:
        dtypes = [dtype for dtype in DTYPES if (dtype == "float32") == (request.param == "float32")]
        made = calls(dtypes, FORMS, FORMS_OF_GRADIENTS)
    return made, computed(made)


def differing(results, expected):
    return [label for label in expected if results[label] != expected[label]]


@pytest.mark.sampled(name="all")
@pytest.mark.parametrize("name", MODES)
def test_main_thread(known, name):
    made, expected = known
    with mode(MODES[name]):
        results = computed(made)
    assert differing(results, expected) == []


@pytest.mark.sampled(name="flush and zeros")
@pytest.mark.parametrize("name", ["flush and zeros", "rounding 2"])
def test_other_threads(known, name):
    """Of a thread that was started in the mode, and of one that sets the mode itself."""
    made, expected = known
    found = []

    def compute():
        found.append(computed(made))

    def compute_in_mode():
        with mode(MODES[name]):
            compute()

    for target in (compute, compute_in_mode):
        thread = threading.Thread(target=target)
        if target is compute:
            with mode(MODES[name]):
                thread.start()
        else:
            thread.start()
        thread.join()
    assert [differing(results, expected) for results in found] == [[], []]


@pytest.mark.sampled(target="parallel")
@pytest.mark.parametrize("target", ["cpu", "parallel"])
def test_targets(known, target):
    made, expected = known
    with mode(MODES["all"]), numbaexp.use_target(target):
        results = computed(made)
    assert differing(results, expected) == []


def losses():
    """The arrays and options of a cross entropy whose mean depends on the mode."""
    x = np.linspace(-3, 3, 24).reshape(4, 6)
    weight = np.linspace(0.1, 0.7, 6)
    return (x, np.array([1, 2, 3, 0]), weight), {"ignore_index": -100, "reduction": "mean", "label_smoothing": 0.1}


def test_operators_of_torch(torch):
    """They are called by graphs that PyTorch has compiled, too, in the mode of whatever thread."""
    arrays, options = losses()
    tensors = [torch.from_numpy(array) for array in arrays]
    for name, before in (("cross_entropy", []), ("cross_entropy_backward", [torch.tensor(0.3, dtype=torch.float64)])):
        call = functools.partial(getattr(torch.ops.numbaexp, name), *before, *tensors, *options.values(), None)
        expected = call()
        for each in MODES.values():
            with mode(each):
                result = call()
            assert torch.equal(result, expected)


def test_callbacks_of_jax():
    """XLA calls back from threads of its own."""
    pytest.importorskip("jax", reason="a call from JAX")
    from numbaexp.integrations.jax.function import _compute

    arrays, options = losses()
    given = (*options.items(), ("axis", None))
    for name, before in (("cross_entropy", []), ("cross_entropy_backward", [np.float64(0.3)])):
        expected = _compute(name, given, 0, *before, *arrays)
        for each in MODES.values():
            with mode(each):
                result = _compute(name, given, 0, *before, *arrays)
            assert result.tobytes() == expected.tobytes()


def test_flags_are_kept():
    """Those that were raised before a call, and those that the call raises, which NumPy reports."""
    x = np.array([1000.0])
    with mode(MODES["all"]):
        with pytest.warns(RuntimeWarning, match="overflow"):
            numbaexp.exp(x)
        with np.errstate(under="raise"), pytest.raises(FloatingPointError, match="underflow"):
            numbaexp.exp(-x)


def test_errors_leave_the_mode():
    with mode(MODES["all"]):
        for wrong in (lambda: numbaexp.exp("a"), lambda: numbaexp.softmax("a"), lambda: numbaexp.logsumexp("a")):
            with pytest.raises(TypeError):
                wrong()


def test_threads_of_numba_that_were_started_in_a_mode(run_script, layer):
    run_script(
        f"""
        import sys; sys.path.insert(0, {str(TESTS)!r})
        import numba, numpy as np
        from float_modes import MODES, mode

        @numba.njit(parallel=True)
        def start(x):
            for i in numba.prange(x.size):
                x[i] = i

        with mode(MODES["all"]):
            start(np.empty(100))
            import numbaexp
            x = np.linspace(-750, -700, 1 << 20)
            y, rows = numbaexp.exp(x), numbaexp.softmax(x.reshape(64, -1))
        assert (y == numbaexp.exp(x)).all() and (y[-1] > 0) and (rows == numbaexp.softmax(x.reshape(64, -1))).all()
        with numbaexp.use_target("cpu"):
            assert (y == numbaexp.exp(x)).all() and (rows == numbaexp.softmax(x.reshape(64, -1))).all()
        """,
        **{**layer, "NUMBA_NUM_THREADS": "2"},
    )


@pytest.mark.thorough
@pytest.mark.parametrize(
    "dtypes", [("float32",), pytest.param(("float16", "float64"), marks=pytest.mark.whole)], ids=" ".join
)
def test_imported_and_compiled_in_a_mode(run_script, tmp_path, dtypes):
    """No constant is folded, and no kernel is kept, that has another mode in it."""
    check = f"""
        import sys; sys.path.insert(0, {str(TESTS)!r})
        import hashlib
        import numpy as np
        from float_modes import MODES, mode
        x = np.concatenate([np.linspace(-750, 710, 3000), np.linspace(-1e-307, 1e-307, 1001)])
        np.seterr(all="ignore")
        given = [x.astype(dtype) for dtype in {dtypes}]
        with mode(MODES[{{name!r}}]):
            import numbaexp
            results = [getattr(numbaexp, name)(x) for name in ('exp', 'softplus', 'softmax') for x in given]
        print(hashlib.sha256(b"".join(map(np.ndarray.tobytes, results))).hexdigest())
    """
    fresh = {"PYTHONPYCACHEPREFIX": str(tmp_path / "pyc"), "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "timeout": 600}
    in_mode = run_script(check.format(name="all"), **fresh)
    default = run_script(check.replace("MODES[{name!r}]", "0"))
    assert in_mode == default


def test_of_torch(run_script):
    torch = pytest.importorskip("torch")
    x = torch.linspace(-104, -80, 1000)
    large = torch.linspace(-104, -80, 1 << 20).requires_grad_()
    functions = (numbaexp.exp, numbaexp.sigmoid, lambda x: numbaexp.softmax(x, 0), lambda x: numbaexp.logsumexp(x, 0))

    def results():
        made = [function(x).numpy().tobytes() for function in functions]
        for function in functions:
            (grad,) = torch.autograd.grad(function(large).sum(), large)
            made.append(grad.numpy().tobytes())
        return made

    expected, before = results(), control()
    torch.set_flush_denormal(True)
    try:
        assert results() == expected
    finally:
        torch.set_flush_denormal(False)
    assert control() == before


def test_of_jax():
    """XLA has modes of its own while it computes, and leaves another than the caller's behind."""
    jax = pytest.importorskip("jax")
    x = np.linspace(-104, -80, 1000, dtype=np.float32)
    expected = numbaexp.exp(x).tobytes(), numbaexp.softmax(x).tobytes()
    compute = jax.jit(lambda x: (numbaexp.exp(x), numbaexp.softmax(x)))
    given = jax.numpy.asarray(x)
    assert tuple(np.asarray(result).tobytes() for result in compute(given)) == expected
    with contextlib.suppress(AssertionError), mode(MODES["all"]):
        results = compute(given)
    assert tuple(np.asarray(result).tobytes() for result in results) == expected
