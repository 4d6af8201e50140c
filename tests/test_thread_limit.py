"""How many threads a call uses: no more than the environment, Numba, PyTorch and the processors allow, and as many."""

import os
import textwrap
from types import SimpleNamespace

import numba
import pytest

from numbaexp.backends.adapter import on_threads_of
from numbaexp.cpu import thread_limit
from numbaexp.cpu.library_limit import of_call

pytestmark = [pytest.mark.checked(layer="omp"), pytest.mark.sampled(layer="omp")]

needs_affinity = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the processors cannot be chosen")
needs_two = pytest.mark.skipif(
    hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) < 2, reason="one processor"
)

PRELUDE = """
import os, threading, time
import numpy as np, numba, numbaexp

x = np.linspace(-5, 5, 1 << 20)
rows, g, targets = x.reshape(-1, 128), np.ones(1 << 20), np.arange(1 << 13) % 128
apart = np.zeros((1 << 13, 256))[:, ::2]
apart[...] = rows

def in_parallel():
    with numbaexp.use_target("parallel"):
        return numbaexp.exp(x)

CALLS = {
    "one piece": lambda: numbaexp.exp(x),
    "a piece in the loop of a ufunc": lambda: numbaexp.exp(x[:300_000]),
    "slabs": lambda: numbaexp.exp(apart),
    "rows": lambda: numbaexp.softmax(rows),
    "columns": lambda: numbaexp.softmax(rows, 0),
    "a reduction": lambda: numbaexp.logsumexp(rows, -1),
    "a gradient": lambda: numbaexp.sigmoid_backward(g, x),
    "a gradient of rows": lambda: numbaexp.softmax_backward(rows, rows),
    "a loss": lambda: numbaexp.cross_entropy(rows, targets),
}
with numbaexp.use_target("cpu"):
    EXPECTED = {name: call() for name, call in CALLS.items()}
CALLS["all by name"], EXPECTED["all by name"] = in_parallel, EXPECTED["one piece"]

def of_others(call, times=3):
    "The share of the processors' time that other threads take."
    time.sleep(0.02)  # those of the last call may go on looking for work
    this, all = time.thread_time_ns(), time.process_time_ns()
    for _ in range(times):
        call()
    this, all = time.thread_time_ns() - this, time.process_time_ns() - all
    return (all - this) / all

def alone(calls=CALLS):
    for name, call in calls.items():
        call()
        share = of_others(call)
        assert share < 0.05, (name, share)
        assert np.array_equal(np.asarray(call()), EXPECTED[name]), name
    return True

# What Python's threads do not do, which work where Numba's cannot.
BY_NUMBA_ALONE = ("a piece in the loop of a ufunc", "a gradient")

def shared(calls=CALLS):
    for name, call in calls.items():
        if os.environ["NUMBA_THREADING_LAYER"] == "workqueue" and name in BY_NUMBA_ALONE:
            continue
        call()
        # Others may keep the processors busy, and a thread that waits for one finds all the work done.
        deadline = time.monotonic() + 60
        while of_others(call, 30) < 0.05:
            assert time.monotonic() < deadline, name
        assert np.array_equal(np.asarray(call()), EXPECTED[name]), name
    return True

def numba_has_started():
    try:
        return bool(numba.threading_layer())
    except ValueError:
        return False
"""

TENSORS = """
import torch
t, u, v, classes = (torch.from_numpy(array) for array in (x, rows, apart, targets))
weights = torch.from_numpy(g)

def gradient():
    leaf = t.detach().clone().requires_grad_()
    numbaexp.sigmoid(leaf).backward(weights)
    return leaf.grad

TENSOR_CALLS = {
    "one piece": lambda: numbaexp.exp(t),
    "a piece in the loop of a ufunc": lambda: numbaexp.exp(t[:300_000]),
    "slabs": lambda: numbaexp.exp(v),
    "rows": lambda: numbaexp.softmax(u),
    "columns": lambda: numbaexp.softmax(u, 0),
    "a reduction": lambda: numbaexp.logsumexp(u, -1),
    "a gradient": lambda: numbaexp.sigmoid_backward(weights, t),
    "a gradient of rows": lambda: numbaexp.softmax_backward(u, u),
    "a loss": lambda: numbaexp.cross_entropy(u, classes),
}
"""


@pytest.fixture
def layer(layer):
    """The environment under each threading layer, where threads of OpenMP do not spin between their calls."""
    return {**layer, "OMP_WAIT_POLICY": "passive"}


@pytest.fixture
def eight(monkeypatch):
    """Eight threads of Numba's, and nothing that limits them."""
    for variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OMP_THREAD_LIMIT"):
        monkeypatch.delenv(variable, raising=False)
    for name in ("NUMBA_NUM_THREADS", "NUMBA_DEFAULT_NUM_THREADS"):
        monkeypatch.setattr(numba.config, name, 8)
    return monkeypatch


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *[("1", 1), ("2", 2), (" 3 ", 3), ("4,2", 4), ("1,8", 1), ("8", 8), ("100", 8)],
        *[("", 8), ("0", 8), ("-1", 8), ("1.5", 8), ("many", 8), ("2,", 8), ("2,x", 8), ("2,0", 8), (",", 8)],
    ],
)
@pytest.mark.parametrize("variable", ["OMP_NUM_THREADS", "OMP_THREAD_LIMIT"])
def test_what_openmp_is_given(eight, variable, value, expected):
    eight.setenv(variable, value)
    assert thread_limit.of_environment() == expected


def test_what_openmp_is_given_twice(eight):
    eight.setenv("OMP_NUM_THREADS", "5")
    eight.setenv("OMP_THREAD_LIMIT", "3")
    assert thread_limit.of_environment() == 3


@pytest.mark.parametrize("given", ["variable", "setting"])
def test_what_numba_is_given_goes_first(eight, given):
    eight.setenv("OMP_NUM_THREADS", "1")
    if given == "variable":
        eight.setenv("NUMBA_NUM_THREADS", "8")
    else:
        eight.setattr(numba.config, "NUMBA_DEFAULT_NUM_THREADS", 2)
    assert thread_limit.of_environment() == 8


@pytest.mark.parametrize("value", ["", "many"])
def test_what_numba_does_not_take_is_not_given(eight, value):
    eight.setenv("OMP_NUM_THREADS", "1")
    eight.setenv("NUMBA_NUM_THREADS", value)
    assert thread_limit.of_environment() == 1


def test_limits_of_a_library_end():
    before = of_call.threads

    def inner():
        assert of_call.threads == thread_limit.threads() == 1
        raise KeyboardInterrupt

    def outer():
        with pytest.raises(KeyboardInterrupt):
            on_threads_of(SimpleNamespace(threads=lambda: 1), inner)
        assert of_call.threads == 3
        on_threads_of(SimpleNamespace(), lambda: None)

    on_threads_of(SimpleNamespace(threads=lambda: 3), outer)
    assert of_call.threads == before


@pytest.mark.sampled(variables="{'OMP_NUM_THREADS': '1'}")
@pytest.mark.parametrize("variables", [{"OMP_NUM_THREADS": "1"}, {"OMP_NUM_THREADS": "1,4"}, {"OMP_THREAD_LIMIT": "1"}])
def test_one_thread_by_the_environment(run_script, layer, variables):
    layer = {**layer, "NUMBA_NUM_THREADS": "", **variables}
    run_script(
        "import warnings; warnings.simplefilter('ignore')\n"  # Numba's, of a variable without a value
        + PRELUDE
        + textwrap.dedent("""
            alone()
            assert not numba_has_started()
            from numbaexp.__main__ import main
            main([])
        """),
        **layer,
    )


@pytest.mark.thorough
@needs_two
@pytest.mark.parametrize(
    "variables", [{"OMP_NUM_THREADS": "1"}, {"NUMBA_NUM_THREADS": "", "OMP_NUM_THREADS": "2"}], ids=["numba", "openmp"]
)
def test_two_threads_by_the_environment(run_script, layer, variables):
    run_script("import warnings; warnings.simplefilter('ignore')\n" + PRELUDE + "shared()\n", **{**layer, **variables})


@pytest.mark.thorough
@pytest.mark.checked(layer=("omp", "tbb"))
@needs_affinity
@needs_two
def test_processors_that_change(run_script, layer):
    run_script(
        PRELUDE
        + textwrap.dedent("""
            before = os.sched_getaffinity(0)
            shared()
            os.sched_setaffinity(0, {min(before)})
            alone()
            assert numba.get_num_threads() == 2
            os.sched_setaffinity(0, before)
            shared()
            assert numba.get_num_threads() == 2
        """),
        **layer,
    )


@pytest.mark.thorough
@needs_affinity
def test_one_processor_from_the_first_call(run_script, layer):
    run_script(
        PRELUDE
        + textwrap.dedent("""
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
            alone()
            assert not numba_has_started()
        """),
        **layer,
    )


@pytest.mark.thorough
@pytest.mark.checked(layer=("omp", "tbb"))
@needs_two
def test_the_mask_of_numba(run_script, layer):
    """Each thread has one, and keeps it."""
    run_script(
        PRELUDE
        + textwrap.dedent("""
            numba.set_num_threads(1)
            alone()
            assert numba.get_num_threads() == 1
            numba.set_num_threads(2)
            shared()
            numba.set_num_threads(1)
            alone()
            assert numba.get_num_threads() == 1
            results = []
            thread = threading.Thread(target=lambda: results.append(shared()))
            thread.start(); thread.join()
            assert results == [True]
            assert numba.get_num_threads() == 1
        """),
        **layer,
    )


@needs_two
def test_threads_of_pytorch(run_script, layer):
    """Those of tensors alone, and they stay what they are."""
    pytest.importorskip("torch")
    run_script(
        PRELUDE
        + TENSORS
        + textwrap.dedent("""
            torch.set_num_threads(1)
            alone(TENSOR_CALLS)
            assert of_others(gradient) < 0.05
            assert torch.get_num_threads() == 1
            shared()
            assert torch.get_num_threads() == 1
            alone(TENSOR_CALLS)
            assert of_others(gradient) < 0.05
            assert numba.get_num_threads() == 2
            numbaexp.exp(torch.ones(10))
            try:
                numbaexp.exp(t, out=t[1:])
            except ValueError:
                pass
            else:
                raise AssertionError
            shared()
            torch.set_num_threads(2)
            shared(TENSOR_CALLS)
            assert numba.get_num_threads() == torch.get_num_threads() == 2
        """),
        **layer,
    )


@needs_two
def test_threads_of_pytorch_below_those_of_numba(run_script, layer):
    """Of three threads, two are left to tensors."""
    pytest.importorskip("torch")
    run_script(
        PRELUDE
        + TENSORS
        + textwrap.dedent("""
            from numbaexp.cpu import pool
            shared()
            assert pool.RUNNING[0] in (0, 3)
            torch.set_num_threads(2)
            shared(TENSOR_CALLS)
            assert numba.get_num_threads() == 3
            numba.set_num_threads(1)
            alone(TENSOR_CALLS)
            assert numba.get_num_threads() == 1
        """),
        **{**layer, "NUMBA_NUM_THREADS": "3"},
    )


@pytest.mark.thorough
def test_small_arrays_start_no_threads(run_script, layer):
    run_script(
        PRELUDE
        + textwrap.dedent("""
            small = rows[:8]
            for function in (numbaexp.exp, numbaexp.softmax, numbaexp.logsumexp):
                function(small)
            numbaexp.cross_entropy(small, targets[:8])
            assert not numba_has_started()
        """),
        **layer,
    )


# What a process does at last, after calls that may have started threads.
ENDS = {
    "at once": "",
    "calls at exit": "atexit.register(work)",
    "a daemon that computes on": "threading.Thread(target=forever, daemon=True).start(); time.sleep(0.3)",
    "a forked child": "in_child(work)",
}
BEGINNINGS = {
    "calls in a thread": "in_thread(work)",
    # As where all processors are there, but a group of processes has the time of one.
    "threads of Numba's in a thread": "in_thread(pool.launch)",
}


@pytest.mark.checked(narrowed="first")
@pytest.mark.thorough
@pytest.mark.sampled(narrowed="first")
@needs_affinity
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.parametrize("narrowed", ["first", "last"])
@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_process_on_one_processor_ends(run_script, layer, beginning, narrowed):
    narrow = "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    steps = [narrow, BEGINNINGS[beginning]] if narrowed == "first" else [BEGINNINGS[beginning], narrow]
    prelude = """
import atexit, os, sys, threading, time, warnings
warnings.filterwarnings("ignore", "This process", DeprecationWarning)
import numpy as np, numbaexp
from numbaexp.cpu import pool

def work():
    assert numbaexp.exp(np.zeros(300_000)).sum() == 300_000
    assert numbaexp.exp(np.zeros((1000, 2000))[:, ::2]).sum() == 1e6
    assert numbaexp.softmax(np.zeros((3000, 128))).sum() == 3000

def forever():
    while True:
        work()

def in_thread(call):
    thread = threading.Thread(target=call)
    thread.start(); thread.join()

def in_child(call):
    child = os.fork()
    if not child:
        call()
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
    # Each end in a process of its own, forked before any of them has numbaexp do anything.
    ends = f"""
for name, end in {ENDS!r}.items():
    child = os.fork()
    if not child:
        break
    deadline = time.monotonic() + 60
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > deadline:
            os.kill(child, 9)
            raise AssertionError(name + ": no end")
        time.sleep(0.01)
    assert status == 0, name
else:
    os._exit(0)
"""
    run_script(prelude + ends + "\n".join([*steps, "exec(end)"]), timeout=300, **layer)
