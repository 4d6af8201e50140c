"""Compiled code on disk: what it is kept under, where, and by whom."""

import importlib
import logging
import os
import shutil
import stat
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers import PACKAGE, counting, printed, run_python

from numbaexp.cache import files, folders, lock, sources
from numbaexp.cache.files import Code, kept
from numbaexp.cpu import row_functions
from numbaexp.scalar.family import FAMILY, SAVED, modules_of

POSIX = pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
NOT_ROOT = pytest.mark.skipif(os.name == "posix" and os.getuid() == 0, reason="root may write anywhere")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBAEXP_CACHE_DIR", str(tmp_path / "given"))
    return tmp_path / "given" / "numbaexp"


def code_of(text):
    return Code(f"entry_{text}", text.encode() * 100)


def keep(text="a", key=(("target", "t"),), modules=("numbaexp.cpu.loops",), name="kernel"):
    """The code that is found under a key, and whether it was made anew."""
    made = []

    def make():
        made.append(text)
        return code_of(text)

    return kept(name, dict(key), modules, make), bool(made)


def test_kept(folder):
    assert keep() == (code_of("a"), True)
    assert keep("b") == (code_of("a"), False)
    assert len(list(folder.iterdir())) == 1
    assert keep("b", key=(("target", "u"),)) == (code_of("b"), True)
    assert keep("c", name="other kernel") == (code_of("c"), True)
    assert keep("d", modules=("numbaexp.cpu.rows",)) == (code_of("d"), True)


@pytest.mark.parametrize("damage", ["truncated", "empty", "a byte", "another's", "an entry"])
def test_a_damaged_file_is_none(folder, damage):
    keep()
    (path,) = folder.iterdir()
    content = path.read_bytes()
    if damage == "another's":
        keep("b", key=(("target", "u"),))
        (other,) = set(folder.iterdir()) - {path}
        content = other.read_bytes()
    changed = {
        "truncated": content[:-1],
        "empty": b"",
        "a byte": content[:-5] + b"x" + content[-4:],
        "another's": content,
        "an entry": content.replace(b"entry_a", b"entry_b"),
    }[damage]
    path.write_bytes(changed)
    assert keep("new") == (code_of("new"), True)
    assert keep("more") == (code_of("new"), False)


def test_an_error_is_nobodys(folder):
    def make():
        raise MemoryError

    with pytest.raises(MemoryError):
        kept("kernel", {}, ("numbaexp.cpu.loops",), make)
    assert list(folder.iterdir()) == []


# What hands the work out is no part of a kernel.
NOT_OF_KERNELS = {"numbaexp.cpu.numba_compiler", "numbaexp.cache.files", "numbaexp.cache.folders"}
NOT_OF_KERNELS |= {"numbaexp.cache.lock", "numbaexp.cache.sources", "numbaexp.integrations.loading"}


@pytest.mark.thorough
@pytest.mark.checked(kernel=("('exp', 'float32')", "(\"a user's\", 'float64')"))
@pytest.mark.sampled(kernel="('exp', 'float32')")
@pytest.mark.parametrize(
    "kernel",
    [
        ("exp", "float32"),
        pytest.param(("exp10", "bfloat16"), marks=pytest.mark.whole),
        ("softplus", "float64"),
        pytest.param(("expm1", "float16"), marks=pytest.mark.whole),
        ("sigmoid_backward", "float32"),
        pytest.param(("a user's", "float32"), marks=pytest.mark.whole),
        ("a user's", "float64"),
        pytest.param(("softmax", "batched", "float32"), marks=pytest.mark.whole),
        ("logsumexp", "finish", "float16"),
        pytest.param(("expected_gradients", "by row", "float64"), marks=pytest.mark.whole),
    ],
    ids=str,
)
def test_all_that_runs_is_a_source(run_script, tmp_path, kernel):
    """Every function of the package that runs when a kernel is made and compiled is in a file that its key tells."""
    printed = run_script(
        f"""
        import sys
        from numbaexp.cpu import numba_compiler, row_functions, ufunc
        from numbaexp.cache import sources
        kernel, ran, given = {kernel!r}, set(), []
        compiled = numba_compiler.compiled
        def watched(name, made_by, signature, modules, *rest):
            given.append(modules)
            sys.setprofile(lambda frame, *_: ran.add(frame.f_globals.get("__name__")))
            try:
                return compiled(name, made_by, signature, modules, *rest)
            finally:
                sys.setprofile(None)
        numba_compiler.compiled = watched
        if kernel[0] == "a user's":
            import numbaexp
            from numbaexp.cpu import custom_ufunc
            function = numbaexp.elementwise(lambda x: numbaexp.exp(x) * numbaexp.softplus(x))
            custom_ufunc.serial_loop(function.operation, kernel[1])
        else:
            ufunc.serial_loop(*kernel) if len(kernel) == 2 else row_functions.kernel(*kernel)
        (modules,) = given
        ours = {{name for name in ran if name and name.startswith("numbaexp.")}}
        print(*ours - set(sources.closure(modules)))
        print(len(ours))
        """,
        NUMBA_CACHE_DIR=str(tmp_path),
    )
    left_out, number = printed.splitlines()
    assert set(left_out.split()) <= NOT_OF_KERNELS
    assert int(number) > 8


@pytest.mark.parametrize(
    ("module", "users"),
    [
        ("tabled_expm1", {"expm1"}),
        ("softplus", {"softplus", "log_sigmoid"}),
        ("tabled_softplus", {"softplus", "log_sigmoid"}),
        ("sigmoid", {"sigmoid", "softplus", "log_sigmoid"}),
        ("middle_logs", {"log", "log2", "log10", "log1p"}),
        ("log_pair", {"log", "log2", "log10", "log1p", "logit", "softplus", "log_sigmoid"}),
    ],
)
def test_functions_whose_kernels_a_module_takes_part_in(module, users):
    made_of_it = set()
    for name in (*FAMILY, *SAVED):
        modules = ("numbaexp.cpu.loops", *modules_of(name))
        if f"numbaexp.scalar.{module}" in sources.closure(modules):
            made_of_it.add(name)
    assert made_of_it == users


def test_every_kernel_has_sources():
    for ways in row_functions.FUNCTIONS.values():
        for make in ways.makes().values():
            module = f"numbaexp.cpu.{make.module}"
            assert {module, "numbaexp.jit", "numbaexp.scalar.rows"} < set(sources.closure((module,)))
            assert callable(getattr(importlib.import_module(module), make.name))


def test_a_change_after_the_first_digest_counts(monkeypatch):
    modules = ("numbaexp.cpu.loops",)
    assert sources.digest(modules) is not None
    monkeypatch.setattr(sources, "_LOADED", 0.0)
    assert sources.digest(modules) is None


def test_imports_are_found():
    source = b"""
import os
import numbaexp.one
from numbaexp import two
from numbaexp.three import four as five, six
    from numbaexp.seven import (
        eight,
        nine as ten,
    )
"""
    assert sources.imported_by(source) == {
        "numbaexp.one": set(),
        "numbaexp": {"two"},
        "numbaexp.three": {"four", "as", "five", "six"},
        "numbaexp.seven": {"eight", "nine", "as", "ten"},
    }


CALLS = """
    import numpy as np, numbaexp
    assert numbaexp.expm1(np.float32([0])).tolist() == [0]
    assert numbaexp.exp2(np.float32([1])).tolist() == [2]
    assert numbaexp.exp_backward(np.float32([1]), np.float32([1])).tolist() == [1]
    assert numbaexp.softmax(np.zeros((1, 2), np.float32)).tolist() == [[0.5, 0.5]]
    print(numbaexp.__file__)
    print(len(compiled()))
"""


@pytest.mark.thorough
def test_what_has_to_be_compiled_again(run_script, tmp_path):
    """Nothing when files are touched or installed anew elsewhere; after a change of one function, its kernels."""

    def kernels(place, change=None):
        shutil.copytree(PACKAGE, tmp_path / place / "numbaexp", ignore=shutil.ignore_patterns("__pycache__"))
        if change is not None:
            with (tmp_path / place / "numbaexp" / change).open("a") as file:
                file.write("\n# changed\n")
        printed = run_script(
            counting(CALLS), PYTHONPATH=str(tmp_path / place), NUMBAEXP_CACHE_DIR=str(tmp_path / "cache")
        ).splitlines()
        assert printed[0].startswith(str(tmp_path / place))
        found = {path.name for path in (tmp_path / "cache" / "numbaexp").glob("*.kernel")}
        return found, int(printed[1])

    before, compiled = kernels("first")
    assert compiled > 10
    time.sleep(0.1)
    assert kernels("touched and moved") == (before, 0)
    after, compiled = kernels("upgraded", "scalar/tabled_expm1.py")
    assert compiled > 0
    assert [name.rpartition("-")[0] for name in after - before] == ["expm1_float32"]
    assert kernels("unrelated", "functions.py") == (after, 0)


@pytest.mark.thorough
def test_sources_changed_since_the_import(run_script, tmp_path):
    """A process that still runs the code of before keeps nothing under the name of the new, and takes nothing."""
    shutil.copytree(PACKAGE, tmp_path / "numbaexp", ignore=shutil.ignore_patterns("__pycache__"))
    printed = run_script(
        """
        import os, pathlib, time
        import numpy as np, numbaexp
        assert numbaexp.exp(np.float32([0])).tolist() == [1]
        time.sleep(0.1)
        changed = pathlib.Path(numbaexp.__file__).parent / "scalar" / "rows.py"
        changed.write_text(changed.read_text() + "\\n")
        assert numbaexp.softmax(np.zeros((1, 2), np.float32)).tolist() == [[0.5, 0.5]]
        assert numbaexp.exp2(np.float32([0])).tolist() == [1]
        print(numbaexp.__file__)
        """,
        PYTHONPATH=str(tmp_path),
        NUMBAEXP_CACHE_DIR=str(tmp_path / "cache"),
    )
    assert printed.startswith(str(tmp_path))
    names = {path.name.rpartition("-")[0] for path in tmp_path.rglob("*.kernel")}
    assert {"exp_float32", "exp2_float32"} <= names
    assert not {name for name in names if name.startswith("softmax")}


@pytest.mark.thorough
@pytest.mark.checked(number="3")
@pytest.mark.parametrize("number", [3, 8])
def test_processes_at_once_compile_once(tmp_path, number):
    script = counting(
        """
        import pathlib, sys, time
        import numpy as np, numbaexp
        folder = pathlib.Path(sys.argv[1])
        (folder / f"ready {sys.argv[2]}").touch()
        while len(list(folder.glob("ready *"))) < int(sys.argv[3]):
            time.sleep(0.01)
        assert numbaexp.exp(np.float32([0, 1])).tolist() == [1, np.float32(np.e)]
        print(len(compiled()))
        """
    )

    def compiled(i, of, cache):
        done = run_python("-c", script, tmp_path, str(i), str(of), NUMBAEXP_CACHE_DIR=str(tmp_path / cache))
        return int(printed(done))

    with ThreadPoolExecutor(number) as pool:
        together = list(pool.map(lambda i: compiled(i, number, "cache"), range(number)))
    assert sum(together) == compiled(0, 1, "anew") > 20
    assert not list((tmp_path / "cache").rglob("*.lock"))


def test_threads_at_once_make_once(folder):
    made, barrier = [], threading.Barrier(8)

    def make():
        made.append(1)
        time.sleep(0.2)
        return code_of("a")

    def call(_):
        barrier.wait()
        return kept("kernel", {}, ("numbaexp.cpu.loops",), make)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(call, range(8))) == {code_of("a")}
    assert len(made) == 1


def test_nobody_waits_for_ever(folder, monkeypatch, tmp_path):
    """Who holds a lock too long is overtaken; who dies has it no longer."""
    monkeypatch.setattr(lock, "_LIMIT", 0.3)
    path = str(tmp_path / "path")
    with lock.held(path):
        start = time.monotonic()
        with lock.held(path):
            assert 0.3 <= time.monotonic() - start < 10
    start = time.monotonic()
    with lock.held(path):
        assert time.monotonic() - start < 0.3
    script = f"import os; from numbaexp.cache import lock; lock.held({path!r}).__enter__(); os._exit(0)"
    printed(run_python("-c", script))
    start = time.monotonic()
    with lock.held(path):
        assert time.monotonic() - start < 0.3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_does_not_keep_its_parents_lock(tmp_path):
    path = str(tmp_path / "path")
    read, write = os.pipe()
    with lock.held(path):
        child = os.fork()
        if child == 0:
            os.read(read, 1)
            os._exit(0)
    try:
        start = time.monotonic()
        with lock.held(path):
            assert time.monotonic() - start < 10
    finally:
        os.write(write, b".")
        os.waitpid(child, 0)


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A home of its own, and nothing asked for."""
    for name in (*folders.VARIABLES, "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(folders, "_PACKAGE", tmp_path / "package")
    for name in ("package", "home", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path


@POSIX
@pytest.mark.skipif(sys.platform == "darwin", reason="another folder there")
def test_the_order_of_folders(bare, monkeypatch):
    in_package, of_user = bare / "package/__pycache__/numbaexp", bare / "home/.cache/numbaexp"
    temporary = bare / f"temporary/numbaexp-{os.getuid()}"
    assert folders.candidates() == [in_package, of_user, temporary]
    assert folders.readable() == []
    assert folders.writable() == in_package
    assert folders.readable() == [in_package]
    monkeypatch.setenv("XDG_CACHE_HOME", str(bare / "xdg"))
    assert folders.candidates()[1] == bare / "xdg/numbaexp"
    # Relative ones are to be ignored, and empty ones are none.
    for relative in ("", "here"):
        monkeypatch.setenv("XDG_CACHE_HOME", relative)
        assert folders.candidates()[1] == of_user
    monkeypatch.setenv("HOME", str(bare / "none"))
    assert folders.candidates() == [in_package, temporary]
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(bare / "numba"))
    assert folders.candidates() == [bare / "numba/numbaexp"]
    monkeypatch.setenv("NUMBAEXP_CACHE_DIR", str(bare / "own"))
    assert folders.candidates() == [bare / "own/numbaexp"]


@POSIX
def test_code_is_read_from_all_folders(bare):
    first, *others = folders.candidates()
    keep()
    for other in others:
        other.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(first, other)
        assert keep("b") == (code_of("a"), False)
        first = other


@POSIX
@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777])
def test_a_folder_that_others_can_write_is_none(bare, mode):
    first, second, *_ = folders.candidates()
    keep()
    first.chmod(mode)
    assert folders.readable() == []
    assert keep("b") == (code_of("b"), True)
    assert folders.writable() == second


@POSIX
@pytest.mark.skipif(os.name == "posix" and os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_none(bare):
    first, second, *_ = folders.candidates()
    keep()
    os.chown(first, 12345, -1)
    assert folders.writable() == second
    # Who owns the package is trusted, whose code runs anyway.
    os.chown(bare / "package", 12345, -1)
    assert folders.writable() == first


@POSIX
def test_folders_are_made_for_the_user_alone(bare):
    before = os.umask(0)
    try:
        made = folders.writable()
    finally:
        os.umask(before)
    assert stat.S_IMODE(made.stat().st_mode) == 0o755


def test_no_folder(bare, monkeypatch, caplog):
    """Then nothing is kept, and that is said once, with the name of what helps."""
    blocked = bare / "file"
    blocked.write_text("")
    monkeypatch.setattr(folders, "candidates", lambda: [blocked / "below" / str(os.getpid())])
    with caplog.at_level(logging.WARNING, "numbaexp"):
        assert keep() == (code_of("a"), True)
        assert keep("b") == (code_of("b"), True)
    (told,) = caplog.messages
    assert str(blocked) in told
    assert "NUMBAEXP_CACHE_DIR" in told


@NOT_ROOT
def test_a_folder_that_cannot_be_written(bare):
    """It is read, and others are written."""
    first, second, *_ = folders.candidates()
    keep()
    first.chmod(0o555)
    assert keep("b") == (code_of("a"), False)
    assert keep("b", name="other") == (code_of("b"), True)
    assert len(list(second.iterdir())) == 1


def test_a_full_disk(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    assert keep() == (code_of("a"), True)
    assert list(folder.iterdir()) == []


def test_old_files_are_removed(folder, monkeypatch):
    """What was half written, and of kernels those that were used least lately, where they are many."""
    folder.mkdir(parents=True)
    now = time.time()
    for name, age, size in [
        ("a.kernel", 30, 100),
        ("b.kernel", 20, 100),
        ("c.kernel", 10, 100),
        ("old.kernel.lock", 2 * 86400, 1),
        ("new.kernel.lock", 10, 1),
        ("half.kernel.0123", 2 * 86400, 1),
    ]:
        (folder / name).write_bytes(b"x" * size)
        os.utime(folder / name, (now - age, now - age))
    monkeypatch.setattr(files, "_MOST_BYTES", 250)
    files.prune(folder)
    assert {path.name for path in folder.iterdir()} == {"b.kernel", "c.kernel", "new.kernel.lock"}


def test_a_file_is_marked_as_used(folder):
    keep()
    (path,) = folder.iterdir()
    os.utime(path, (1e9, 1e9))
    keep()
    assert path.stat().st_mtime > time.time() - 3600


@pytest.mark.thorough
@pytest.mark.parametrize(
    "setting", [("NUMBA_OPT", "1"), pytest.param(("NUMBA_LOOP_VECTORIZE", "0"), marks=pytest.mark.whole)]
)
def test_the_target_is_a_part_of_the_name(run_script, tmp_path, setting):
    """And so are Numba's settings: each process finds its own kernels only."""
    script = "import numpy as np, numbaexp; numbaexp.exp2(np.float32([1]))"
    numbers = []
    for environment in ({}, dict([setting]), {}):
        run_script(script, NUMBAEXP_CACHE_DIR=str(tmp_path), **environment)
        numbers.append(len(list(tmp_path.rglob("exp2_float32-*.kernel"))))
    assert numbers == [1, 2, 2]


@pytest.mark.thorough
@pytest.mark.parametrize(
    "dtypes", [("float32",), pytest.param(("float16", "float64"), marks=pytest.mark.whole)], ids=" ".join
)
def test_bits_of_kept_code(run_script, tmp_path, dtypes):
    """Compiled and loaded code gives the same."""
    script = f"""
        import hashlib, numpy as np, numbaexp
        x = np.linspace(-100, 100, 100_001)
        made = hashlib.sha256()
        for dtype in {dtypes}:
            with np.errstate(all="ignore"):
                given = x.astype(dtype)
                for result in (numbaexp.exp(given), numbaexp.softmax(given.reshape(11, -1)), numbaexp.logsumexp(given)):
                    made.update(np.asarray(result).tobytes())
        print(made.hexdigest())
    """
    assert len({run_script(script, NUMBAEXP_CACHE_DIR=str(tmp_path)) for _ in range(2)}) == 1
