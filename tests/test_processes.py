"""Threads, forks, nesting and interrupts, under each of Numba's threading layers, each in a process of its own."""

import os
import sys
import textwrap

import pytest

pytestmark = pytest.mark.sampled(layer="omp")

PRELUDE = """
import os, sys, threading, warnings
import numpy as np, numba
warnings.filterwarnings("ignore", "This process", DeprecationWarning)

@numba.njit(parallel=True)
def users_own(x):
    total = 0.0
    for i in numba.prange(x.size):
        total += x[i]
    return total

def right(n=300_000):
    import numbaexp
    flat = np.linspace(-5, 5, n)
    expected = EXPECTED[: n]
    assert (numbaexp.exp(flat) == expected).all()
    rows = np.repeat(flat, 4).reshape(-1, 4)[:, ::2]
    assert (numbaexp.exp(rows) == expected[:, None]).all()
    assert numbaexp.exp(0.0) == 1
    return True

def in_child(work):
    pid = os.fork()
    if not pid:
        ok = False
        try:
            ok = work()
        finally:
            os._exit(0 if ok else 1)
    assert os.waitpid(pid, 0)[1] == 0
    return True
"""

EXPECT = """
import numbaexp
with numbaexp.use_target("cpu"):
    EXPECTED = numbaexp.exp(np.linspace(-5, 5, 300_000))
"""

SCRIPTS = {
    "many threads": """
        results = []
        threads = [threading.Thread(target=lambda: results.append(all(right() for _ in range(5)))) for _ in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert results == [True] * 8
    """,
    "beside the user's own parallel region": """
        users_own(np.ones(10))
        stop = threading.Event()
        def busy():
            while not stop.is_set():
                users_own(np.ones(100_000))
        thread = threading.Thread(target=busy)
        thread.start()
        try:
            assert all(right() for _ in range(20))
        finally:
            stop.set()
            thread.join()
    """,
    "inside the user's own parallel region": """
        def call(x):
            numbaexp.exp(x, out=x)

        @numba.njit(parallel=True)
        def nested(xs):
            for i in numba.prange(xs.shape[0]):
                with numba.objmode():
                    call(xs[i])

        import numbaexp
        xs = np.linspace(-5, 5, 4 * 300_000).reshape(4, -1)
        expected = np.stack([numbaexp.exp(x) for x in xs])
        nested(xs)
        assert (xs == expected).all()
    """,
    "inside a compiled region": """
        @numba.njit(parallel=True)
        def compiled(x, y):
            for i in numba.prange(x.size):
                y[i] = numbaexp.exp(x[i])
        y = np.empty(300_000)
        compiled(np.linspace(-5, 5, 300_000), y)
        assert (y == EXPECTED).all()
    """,
    "forked children": """
        assert right()
        for _ in range(3):
            in_child(right)
        in_child(lambda: in_child(right) and right())
        assert right()
    """,
    "forked from a thread": """
        assert right()
        results = []
        thread = threading.Thread(target=lambda: results.append(in_child(right)))
        thread.start(); thread.join()
        assert results == [True]
    """,
    "multiprocessing": """
        import multiprocessing
        assert right()
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(right, [300_000] * 4) == [True] * 4
    """,
}


@pytest.mark.sampled(name="many threads")
@pytest.mark.checked(layer="omp")
@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
@pytest.mark.parametrize("name", SCRIPTS)
def test_right_results(run_script, name, layer):
    run_script(PRELUDE + EXPECT + textwrap.dedent(SCRIPTS[name]), **layer)


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_imported_first_by_a_child_of_a_parallel_parent(run_script, layer):
    run_script(
        PRELUDE
        + """
users_own(np.ones(100_000))
EXPECTED = None
def work():
    import numbaexp
    y = numbaexp.exp(np.zeros(300_000))
    return (y == 1).all() and (numbaexp.exp(np.zeros((1000, 2000))[:, ::2]) == 1).all()
in_child(work)
# With one processor, Numba's own end waits for oneTBB forever once a process that used it has been forked.
os._exit(0)
""",
        **layer,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("layout", ["np.zeros(3_000_000)", "np.zeros((2000, 3001))[:, 1:]"])
def test_interrupt(run_script, layout):
    """Ctrl-C ends the call soon, and the next one is right."""
    run_script(f"""
        import numpy as np, numbaexp, os, signal, threading, time
        # A process that was started in the background ignores the signal.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        x = {layout}
        y = np.empty_like(x)
        numbaexp.exp(x, out=y)
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        start = time.monotonic()
        try:
            while time.monotonic() - start < 20:
                numbaexp.exp(x, out=y)
        except KeyboardInterrupt:
            pass
        else:
            raise AssertionError("not interrupted")
        timer.join()
        y[...] = 0
        assert (numbaexp.exp(x, out=y) == 1).all()
        assert threading.active_count() == 1
    """)


@pytest.mark.thorough
@pytest.mark.parametrize("moment", ["start", "join"])
def test_nothing_is_written_after_an_interrupt(run_script, moment):
    """An interrupt that comes while the threads are started, or waited for, ends when all of them have."""
    run_script(f"""
        import collections, threading, time
        from numbaexp.cpu import blocks, thread_limit
        thread_limit.threads = lambda: 4
        real = threading.Thread.{moment}
        def interrupted(self, *arguments):
            threading.Thread.{moment} = real
            {"real(self)" if moment == "start" else ""}
            raise KeyboardInterrupt
        threading.Thread.{moment} = interrupted
        written = []
        def work(slab):
            time.sleep(0.2)
            written.append(slab)
        try:
            blocks.on_all_threads(work, collections.deque(range(6)))
        except KeyboardInterrupt:
            number = len(written)
        assert number
        time.sleep(1)
        assert len(written) == number
        assert threading.active_count() == 1
    """)


@pytest.mark.thorough
def test_many_threads_at_the_first_call(run_script):
    run_script("""
        import functools, threading, numpy as np, numbaexp
        from numbaexp.engine import ufuncs
        barrier = threading.Barrier(8)
        results = []
        def work():
            barrier.wait()
            results.append(numbaexp.exp(np.zeros(10)).sum())
            results.append(numbaexp.exp(np.zeros(100_000)).sum() / 10_000)
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [10.0] * 16
        called = functools.partial.func.__get__(numbaexp.exp)
        assert called is ufuncs._fast_paths[numbaexp.exp.operation]
    """)


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_code_that_threads_load_at_once_stays(run_script):
    """Each may get code of its own, and others' must not vanish with what loses."""
    run_script("""
        import gc, threading
        import numpy as np, numbaexp
        from numbaexp.cpu import compile as of_cpu
        barrier = threading.Barrier(4)
        addresses = []
        def work():
            barrier.wait()
            signature = "void(intp, intp, intp, intp)"
            addresses.append(of_cpu.compile_kernel("single", "compiled_share.single", signature).address)
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        gc.collect()
        mapped = [line.split()[0].split("-") for line in open("/proc/self/maps") if "x" in line.split()[1]]
        for address in addresses:
            assert any(int(low, 16) <= address < int(high, 16) for low, high in mapped), hex(address)
    """)


def test_at_exit(run_script):
    """Threads cannot be started any more while the interpreter goes down."""
    run_script("""
        import atexit, numpy as np, numbaexp
        @atexit.register
        def last():
            assert (numbaexp.exp(np.zeros((1000, 2000))[:, ::2]) == 1).all()
    """)


@pytest.mark.thorough
def test_memory(run_script):
    """The peak of ``exp(x, out=y)`` is that of ``x`` and ``y``, whatever the layout."""
    if not os.path.exists("/proc/self/status"):
        pytest.skip("the peak is read from /proc")
    run_script("""
        import numpy as np, numbaexp

        def peak():
            with open("/proc/self/status") as status:
                return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024

        def reset():
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")

        for dtype, shape, step in (("f8", 8_000_000, 1), ("f8", (4000, 4001), 2), (">f8", 8_000_000, 1)):
            x, y = (np.zeros(shape, dtype)[..., ::step] for _ in range(2))
            x[...] = 1
            y[...] = 0
            numbaexp.exp(x[:10], out=y[:10])
            numbaexp.exp(np.zeros((1000, 2000))[:, ::2])
            reset()
            before = peak()
            numbaexp.exp(x, out=y)
            assert peak() - before < 4e6, peak() - before
    """)
