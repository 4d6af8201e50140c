"""What importing does not do, and what is kept on disk."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers import PACKAGE, counting

import numbaexp
from numbaexp.verify.hard_cases import hard_cases

CALL = """
    import numpy as np, numbaexp
    x = np.linspace(-5, 5, 100)
    assert abs(numbaexp.exp(x) / np.exp(x) - 1).max() < 1e-15
    assert abs(numbaexp.exp(np.ones(300_000)) / np.e - 1).max() < 1e-15
"""


def test_import_compiles_nothing_and_loads_no_peer(run_script):
    run_script(
        counting("""
    import sys, numba
    before = set(sys.modules)
    import numbaexp
    assert not compiled(), compiled()
    new = set(sys.modules) - before
    assert not {name.split(".")[0] for name in new} - {"numbaexp"}, new
    assert "numbaexp.cpu.ufunc" not in new
        """)
    )


def test_import_does_not_wait_for_numba(run_script):
    run_script(
        "import sys, numbaexp; assert not {'numba', 'llvmlite'} & {name.partition('.')[0] for name in sys.modules}"
    )


def test_kernels_are_kept_on_disk(run_script, tmp_path):
    run_script(CALL, NUMBA_CACHE_DIR=str(tmp_path))
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.kernel")}
    assert kept
    run_script(counting(CALL + "    assert not compiled(), compiled()\n"), NUMBA_CACHE_DIR=str(tmp_path))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.kernel")} == kept


@pytest.mark.thorough
def test_only_the_type_at_hand_is_compiled(run_script, tmp_path):
    """And of rows one way through them."""
    run_script(
        """
        import numpy as np, numbaexp
        with np.errstate(all="raise"):
            assert numbaexp.exp(np.float32([0, 1])).tolist() == [1, np.float32(np.e)]
        x = np.zeros((2, 50), np.float32)
        numbaexp.softmax(x, out=np.empty_like(x))
        """,
        NUMBA_CACHE_DIR=str(tmp_path),
    )
    kept = {path.name.rpartition("-")[0] for path in tmp_path.rglob("*.kernel")}
    assert {name for name in kept if name.startswith("exp")} == {"exp_float32"}
    assert {name for name in kept if name.startswith("softmax")} == {"softmax_by_row_float32"}


@pytest.mark.thorough
def test_who_comes_first_compiles(run_script):
    """Threads at once, with the interpreter's lock or without, compile once; an error is raised by the call, and the
    next call compiles. The flags of compiling are nobody's."""
    run_script(
        """
        import ctypes, threading, time
        import numpy as np, numbaexp
        from numbaexp.cpu import ufunc
        compile_one, compiled = ufunc.serial_loop, []
        def failing(name, dtype):
            raise MemoryError(f"{name} {dtype}")
        def counted(name, dtype):
            compiled.append((name, dtype))
            time.sleep(0.2)
            made = compile_one(name, dtype)
            ctypes.CDLL(None).feraiseexcept(31)
            return made
        ufunc.serial_loop = lambda *which: failing(*which) if not compiled else counted(*which)
        for x in np.ones(3), np.ones(2000):
            try:
                numbaexp.exp(x)
            except MemoryError as error:
                assert str(error) == "exp float64"
            else:
                raise AssertionError
        compiled.append("from now on")
        results = []
        def call():
            with np.errstate(all="raise"):
                results.append(numbaexp.exp(np.ones(2000)).tolist())
        threads = [threading.Thread(target=call) for _ in range(8)]
        with np.errstate(all="ignore"):
            for thread in threads: thread.start()
            for thread in threads: thread.join()
        assert results == [[np.e] * 2000] * 8
        assert compiled[1:] == [("exp", "float64")], compiled
        """
    )


@pytest.mark.thorough
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_forked_while_a_thread_compiles(run_script):
    run_script(
        """
        import os, threading
        import numpy as np, numbaexp
        numbaexp.exp(1.0)
        thread = threading.Thread(target=numbaexp.exp2, args=(np.ones(3),))
        thread.start()
        import warnings
        warnings.simplefilter("ignore")
        child = os.fork()
        if child == 0:
            results = numbaexp.exp2(np.ones(3)).tolist() + numbaexp.exp10(np.ones(3)).tolist()
            os._exit(0 if results == [2.0] * 3 + [10.0] * 3 else 1)
        thread.join()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        """
    )


@pytest.mark.thorough
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_forked_while_a_thread_that_compiles_logs(run_script):
    """Forking takes the lock of ``logging`` after the one that the thread holds, whichever was imported first."""
    run_script(
        """
        import os, threading, time, warnings
        import numpy as np, numbaexp
        from numbaexp.once import LOCK

        numbaexp.exp(1.0)
        import logging
        warnings.simplefilter("ignore")
        compiling = threading.Event()

        def compile_now():
            with LOCK:
                compiling.set()
                time.sleep(0.2)
                logging.getLogger("new").isEnabledFor(logging.DEBUG)

        thread = threading.Thread(target=compile_now)
        thread.start()
        compiling.wait()
        child = os.fork()
        if child == 0:
            os._exit(0)
        thread.join()
        os.waitpid(child, 0)
        """,
        timeout=30,
    )


@pytest.mark.whole
def test_loops_cached_apart_are_loaded_together(run_script, tmp_path):
    """Functions compiled by a process each, and then all in one: their parts bear names of their own."""
    names = ("exp2", "exp10")
    for name in names:
        run_script(f"import numbaexp; numbaexp.{name}(1.0)", NUMBA_CACHE_DIR=str(tmp_path))
    x = np.concatenate([hard_cases("exp2"), hard_cases("exp10")])
    x = x[abs(x) < 300][::4].tolist()
    values = {name: getattr(numbaexp, name)(x).tolist() for name in names}
    run_script(
        f"""
        import numpy as np, numbaexp
        for name, expected in {values}.items():
            assert getattr(numbaexp, name)({x}).tolist() == expected, name
        """,
        NUMBA_CACHE_DIR=str(tmp_path),
    )


@pytest.mark.checked(given="HOME")
@pytest.mark.thorough
@pytest.mark.sampled(given="HOME")
@pytest.mark.parametrize("given", ["NUMBA_CACHE_DIR", "HOME"])
def test_no_folder_can_be_written(run_script, tmp_path, given):
    """A read-only install, and no cache folder, home or temporary files: where folders would have to be stand plain
    files."""
    shutil.copytree(PACKAGE, tmp_path / "numbaexp", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "numbaexp" / "__pycache__").write_text("")
    blocked = tmp_path / "file"
    blocked.write_text("")
    (tmp_path / "temporary").mkdir()
    (tmp_path / "temporary" / f"numbaexp-{os.getuid()}").write_text("")
    environment = {"NUMBA_CACHE_DIR": "", "HOME": str(blocked), "XDG_CACHE_HOME": str(blocked / "cache")}
    environment["TMPDIR"] = str(tmp_path / "temporary")
    environment[given] = str(blocked / "below")
    printed = run_script(CALL + "    print(numbaexp.__file__)", PYTHONPATH=str(tmp_path), **environment)
    assert printed.startswith(str(tmp_path))
    assert not list(tmp_path.rglob("*.kernel"))


# Two processes keep kernels of one function at once, one of float32 and one of float64: in the order in which an index
# that both have read before ends as one's and the data as the other's.
INTERLEAVED = """
    import os, pathlib, time
    import numpy as np, numbaexp

    turns, folder = {turns}, pathlib.Path({folder!r})
    replace = os.replace

    def wait_for(name):
        for _ in range(1000):
            if (folder / name).exists():
                break
            time.sleep(0.02)

    def in_turn(source, target):
        if "softmax" not in str(target) or not turns:
            return replace(source, target)
        turn = turns.pop(0)
        (folder / f"{{turn}} comes").touch()
        # Both have read what was there before one of them writes.
        wait_for(f"{{turn - 1}} is done" if turn else "1 comes")
        replace(source, target)
        (folder / f"{{turn}} is done").touch()

    os.replace = in_turn
    numbaexp.softmax(np.ones((2, 3), {dtype!r}))
"""


@pytest.mark.thorough
def test_kernels_kept_by_two_processes_at_once(run_script, tmp_path):
    """The second to come writes its index and its data between the first one's, where there is an index."""
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    (tmp_path / "turns").mkdir()
    roles = {"float32": [0, 3], "float64": [1, 2]}
    scripts = [
        INTERLEAVED.format(turns=turns, folder=str(tmp_path / "turns"), dtype=dtype) for dtype, turns in roles.items()
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda script: run_script(script, **environment), scripts))
    run_script(
        """
        import numpy as np, numbaexp
        for dtype in ("float32", "float64"):
            assert (numbaexp.softmax(np.ones((2, 4), dtype)) == 0.25).all()
        """,
        **environment,
    )


@pytest.mark.whole
def test_a_file_under_the_name_of_another_kernel_is_none(run_script, tmp_path):
    check = """
        import numpy as np, numbaexp
        for dtype in ("float16", "float32", "float64"):
            assert (numbaexp.softmax(np.ones((2, 4), dtype)) == 0.25).all()
            assert (numbaexp.exp(np.zeros(3, dtype)) == 1).all()
    """
    run_script(check, NUMBA_CACHE_DIR=str(tmp_path))
    files = sorted(tmp_path.rglob("*.kernel"))
    contents = [path.read_bytes() for path in files]
    for path, content in zip(files, contents[1:] + contents[:1], strict=True):
        path.write_bytes(content)
    run_script(check, NUMBA_CACHE_DIR=str(tmp_path))
