"""``targets``, and what ``python -m numbaexp`` prints: what is missing is named, and nothing fails for it."""

import contextlib
import importlib.metadata
import os
import pathlib
import platform
import re
import shutil
import sys
import threading
import time
from types import SimpleNamespace

import llvmlite.binding as llvm
import numba
import pytest
from helpers import PACKAGE, TESTS, run_python

import numbaexp
from numbaexp import information
from numbaexp.__main__ import main
from numbaexp.cuda import usable
from numbaexp.target import TARGETS

PRINT = "from numbaexp.__main__ import main; assert main([]) == 0"


class FakeDriver:
    def __init__(self):
        self.pid = None
        self.initialization_error = None
        self.fails_with = None

    def ensure_initialized(self):
        self.initialization_error = self.initialization_error or self.fails_with
        if self.fails_with:
            raise FakeCuda.CudaSupportError(self.fails_with)

    def get_version(self):
        return 13, 0

    def cuDeviceTotalMem(self, number):  # noqa: N802
        return (number + 1) * 40 * 2**30


class FakeCuda:
    """What is asked of numba-cuda, as on a machine with two devices of which one is too old."""

    class CudaSupportError(ImportError):
        pass

    def __init__(self):
        self.implementation = "NVIDIA"
        self.config = SimpleNamespace(ENABLE_CUDASIM=0)
        self.runtime = SimpleNamespace(get_version=lambda: (13, 0))
        self.gpus = [
            SimpleNamespace(id=0, name="Old", compute_capability=(6, 1)),
            SimpleNamespace(id=1, name="New", compute_capability=(9, 0)),
        ]
        self.driver = FakeDriver()
        self.cudadrv = SimpleNamespace(
            driver=SimpleNamespace(driver=self.driver),
            nvrtc=SimpleNamespace(get_lowest_supported_cc=lambda: (7, 5)),
            nvvm=SimpleNamespace(NVVM=lambda: None),
        )

    def cuda_error(self):
        return self.driver.initialization_error

    def install(self, package="0.30.4"):
        sys.modules["numba_cuda"] = SimpleNamespace(__version__=package)
        sys.modules["numba.cuda"] = numba.cuda = self
        usable._asked = False
        return self


@pytest.fixture
def cuda(monkeypatch):
    """The fake in the place of numba-cuda, for one test."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("numba_cuda", "numba.cuda"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(numba, "cuda", None, raising=False)
    for name in ("_asked", "_answer"):
        monkeypatch.setattr(usable, name, getattr(usable, name))
    return FakeCuda().install()


def raise_(error):
    raise error


def rows(printed):
    """The lines of the report by their names, which stand in one column."""
    column = re.match(r"target cpu +", printed).end()
    lines = [line for line in printed.splitlines() if line]
    assert all(line[column - 2 : column] == "  " and line[column] != " " for line in lines)
    return {line[:column].rstrip(): line[column:] for line in lines}


def test_every_target_but_auto_is_told():
    found = numbaexp.targets()
    assert list(found) == [target for target in TARGETS if target != "auto"]
    assert found["cpu"] is found["parallel"] is None


def test_reasons_are_those_of_cuda(cuda):
    assert numbaexp.targets() == {"cpu": None, "parallel": None, "cuda": None}
    cuda.gpus.clear()
    cuda.install()
    assert numbaexp.targets() == {"cpu": None, "parallel": None, "cuda": "no CUDA device"}


def spoil(name, value):
    def change(cuda):
        *path, last = name.split(".")
        for part in path:
            cuda = getattr(cuda, part)
        setattr(cuda, last, value)

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (spoil("implementation", "Built-in"), r"numba-cuda 0\.30\.4 is where .* numba\.cuda is Numba's own"),
        (spoil("driver.initialization_error", "\nno lib\nfound\n"), "no working NVIDIA driver: no lib found"),
        (spoil("driver.fails_with", "CUDA_ERROR_SYSTEM (803)"), r"no working NVIDIA driver: CUDA_ERROR_SYSTEM \(803\)"),
        (spoil("driver.fails_with", "CUDA_ERROR_NO_DEVICE (100)"), "no CUDA device"),
        (spoil("driver.fails_with", "CUDA_ERROR_NOT_INITIALIZED (3)"), "CUDA was initialized before .* forked.*"),
        (spoil("driver.pid", -1), "CUDA was initialized before this process was forked.*"),
        (spoil("driver.get_version", lambda: (12, 9)), r".* driver is too old: .* CUDA 12\.9, the toolkit is 13\.0"),
        (spoil("gpus", []), "no CUDA device"),
        (
            spoil("cudadrv.nvrtc.get_lowest_supported_cc", lambda: (10, 0)),
            r".* device .* 10\.0; found Old \(6\.1\), New \(9\.0\)",
        ),
        (spoil("cudadrv.nvvm.NVVM", lambda: raise_(RuntimeError("libnvvm"))), r"the CUDA toolkit .* \(libnvvm\): .*"),
        (spoil("runtime.get_version", lambda: raise_(RuntimeError("nvrtc"))), r"the CUDA toolkit .* \(nvrtc\): .*"),
        (spoil("cuda_error", lambda: raise_(OSError("odd"))), r"numba-cuda 0\.30\.4 does not work \(odd\): .*"),
    ],
)
def test_what_is_missing_is_named(cuda, change, reason):
    change(cuda)
    assert re.fullmatch(reason, usable.missing())
    assert usable.devices() == []
    assert usable.driver_version() is None


def test_devices_that_are_hidden(cuda, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    cuda.gpus.clear()
    assert usable.missing() == "no CUDA device: CUDA_VISIBLE_DEVICES is ''"


@pytest.mark.parametrize("version", ["0.29.1", "0.4.0", "0.29.0rc1"])
def test_a_package_that_is_too_old(cuda, version):
    cuda.install(version)
    assert usable.missing().startswith(f"numba-cuda {version} is too old, 0.30 is needed: python -m pip install ")


@pytest.mark.parametrize("version", ["0.30.0", "0.31.0.dev0", "1.0"])
def test_a_package_that_is_new_enough(cuda, version):
    cuda.install(version)
    assert usable.missing() is None


def test_a_package_that_cannot_be_imported(cuda, monkeypatch):
    monkeypatch.delattr(numba, "cuda")
    monkeypatch.setitem(sys.modules, "numba.cuda", None)
    assert usable.missing().startswith("numba-cuda 0.30.4 does not work (")


def test_devices(cuda, capsys):
    assert usable.devices() == [("New", (9, 0), 80 * 2**30)]
    assert main([]) == 0
    printed = rows(capsys.readouterr().out)
    assert printed["NVIDIA driver"] == "for CUDA 13.0"
    assert printed["device 0"] == "New, compute capability 9.0, 80 GiB"
    assert "device 1" not in printed


def test_many_threads_ask_once(monkeypatch):
    asked = []

    def find():
        asked.append(threading.get_ident())
        time.sleep(0.1)
        return "why"

    monkeypatch.setattr(usable, "_find", find)
    monkeypatch.setattr(usable, "_asked", False)
    monkeypatch.setattr(usable, "_answer", None)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(usable.missing())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["why"] * 8
    assert len(asked) == 1


@pytest.mark.thorough
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_child_asks_anew(run_script):
    run_script(
        f"""
        import os, sys
        sys.path.insert(0, {str(TESTS)!r})
        from test_information import FakeCuda, usable
        fake = FakeCuda().install()
        assert usable.missing() is None
        fake.driver.pid = os.getpid()
        usable._asked = False
        assert usable.missing() is None
        usable._asking.acquire()
        child = os.fork()
        if child == 0:
            os._exit(0 if "forked" in (usable.missing() or "") else 1)
        assert os.waitpid(child, 0)[1] == 0
        """
    )


def test_without_numba_cuda(run_script):
    """Numba has a ``numba.cuda`` of its own, which is not asked for."""
    printed = run_script(
        f"""
        import sys
        class Absent:
            def find_spec(self, name, path, target=None):
                if name.partition(".")[0] == "numba_cuda":
                    raise ModuleNotFoundError(name)
        sys.meta_path.insert(0, Absent())
        {PRINT}
        from numbaexp.cuda.usable import missing
        assert "numba.cuda" not in sys.modules
        print(missing(), end="")
        """
    )
    assert printed.splitlines()[-1] == (
        "the package numba-cuda is not installed: python -m pip install 'numbaexp[cuda13]' (or cuda12)"
    )


def test_without_a_driver(run_script):
    pytest.importorskip("numba_cuda", reason="numba-cuda looks for the driver")
    printed = run_script(
        "from numbaexp.cuda.usable import missing; print(missing())", NUMBA_DISABLE_CUDA="1", NUMBA_ENABLE_CUDASIM="0"
    )
    assert printed.startswith("no working NVIDIA driver: CUDA is disabled due to setting NUMBA_DISABLE_CUDA=1 ")
    assert printed.count("\n") == 1


@pytest.mark.thorough
def test_in_the_simulator(run_script):
    pytest.importorskip("numba_cuda", reason="the simulator is of numba-cuda")
    printed = run_script(
        f"""
        {PRINT}
        from numbaexp.cuda import usable
        assert usable.missing() is None
        assert usable.simulated()
        assert usable.devices() == []
        """,
        NUMBA_ENABLE_CUDASIM="1",
    )
    assert rows(printed)["device"] == "simulated (NUMBA_ENABLE_CUDASIM)"


def test_numba_cuda_has_what_is_asked_of_it(run_script):
    pytest.importorskip("numba_cuda", reason="numba-cuda is what is asked")
    run_script(
        """
        from numba import cuda
        assert cuda.implementation == "NVIDIA"
        assert cuda.config.ENABLE_CUDASIM == 0
        assert issubclass(cuda.CudaSupportError, Exception)
        driver = cuda.cudadrv.driver.driver
        assert driver.pid is None
        for asked in (driver.ensure_initialized, cuda.cuda_error, cuda.runtime.get_version, driver.get_version,
                      cuda.cudadrv.nvrtc.get_lowest_supported_cc, cuda.cudadrv.nvvm.NVVM, cuda.gpus.__len__):
            assert callable(asked)
        """,
        NUMBA_ENABLE_CUDASIM="0",
    )


def test_without_the_compiler(run_script):
    printed = run_script(
        f"""
        {PRINT}
        import numbaexp
        assert [numbaexp.targets()[name] for name in ("cpu", "parallel")] == [None, None]
        """,
        NUMBA_DISABLE_JIT="1",
    )
    assert rows(printed)["target cpu"] == "usable"


@pytest.mark.thorough
def test_asking_starts_nothing(run_script):
    run_script(
        """
        import sys, numba, numbaexp
        assert not [name for name in sys.modules if name.startswith(("numba_cuda", "numba.cuda", "numbaexp.cuda"))]
        numbaexp.targets()
        try:
            numba.threading_layer()
        except ValueError:
            pass
        else:
            raise AssertionError
        """
    )


def test_versions_are_those_of_what_is_installed(capsys):
    assert main([]) == 0
    printed = rows(capsys.readouterr().out)
    assert printed["numbaexp"] == numbaexp.__version__
    assert printed["Python"].startswith(platform.python_version())
    assert printed["numba"] == numba.__version__
    for name in information._PEERS:
        version = None
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            version = importlib.metadata.version(name)
        assert printed.get(name) == version


def test_no_peer_is_imported(run_script):
    run_script(
        f"""
        import sys
        {PRINT}
        assert not {{"torch", "cupy", "jax"}} & set(sys.modules)
        """
    )


def test_as_a_module(tmp_path):
    done = run_python("-W", "error", "-m", "numbaexp", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert rows(done.stdout)["target parallel"] == "usable"


@pytest.mark.thorough
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="stand-ins for x86 processors alone")
@pytest.mark.parametrize(
    ("name", "features", "level"),
    [
        ("nehalem", "+sse4.2", "x86-64"),
        ("haswell", "+avx2,+fma", "AVX2 with FMA"),
        ("skylake-avx512", "+avx512f,+avx512bw,+avx512dq,+avx512vl,+avx2,+fma", "AVX-512"),
    ],
)
def test_the_processor_that_numba_compiles_for(run_script, name, features, level):
    missing = [each for each in features.replace("+", "").split(",") if not llvm.get_host_cpu_features().get(each)]
    if missing:
        pytest.skip(f"this processor has no {', '.join(missing)}")
    printed = rows(run_script(PRINT, NUMBA_CPU_NAME=name, NUMBA_CPU_FEATURES=features))
    assert printed["SIMD"] == level
    assert printed["processor"].endswith(f", compiled for as {name}")


@pytest.mark.thorough
def test_threads_by_the_environment(run_script):
    printed = rows(run_script(PRINT, NUMBA_THREADING_LAYER="workqueue", OMP_NUM_THREADS="1"))
    assert printed["threads"].startswith(f"1 of {numba.config.NUMBA_DEFAULT_NUM_THREADS}, ")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("omp", "1 of 1, threading layer omp"),
        ("workqueue", "1 of 1, Python's: threading layer workqueue is not safe"),
        ("other", "none: The threading layer requested 'other' is unknown to Numba."),
    ],
)
def test_threads(run_script, layer, expected):
    if layer == "omp":
        pytest.importorskip("numba.np.ufunc.omppool", reason="this threading layer is not available")
    printed = rows(run_script(PRINT, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="1"))
    assert printed["threads"] == expected


@pytest.mark.thorough
def test_the_cache_is_where_loops_are_kept(run_script, tmp_path):
    printed = run_script(f"import numbaexp; numbaexp.exp(1.0); {PRINT}", NUMBA_CACHE_DIR=str(tmp_path))
    assert {path.parent for path in tmp_path.rglob("*.kernel")} == {pathlib.Path(rows(printed)["cache"])}


@pytest.mark.thorough
def test_no_cache(run_script, tmp_path):
    """A read-only install, and no cache folder, home or temporary files: where folders would have to be stand plain
    files."""
    shutil.copytree(PACKAGE, tmp_path / "numbaexp", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "numbaexp" / "__pycache__").write_text("")
    blocked = tmp_path / "file"
    blocked.write_text("")
    (tmp_path / "temporary").mkdir()
    (tmp_path / "temporary" / f"numbaexp-{os.getuid()}").write_text("")
    printed = run_script(
        PRINT,
        PYTHONPATH=str(tmp_path),
        NUMBA_CACHE_DIR="",
        HOME=str(blocked),
        XDG_CACHE_HOME=str(blocked / "cache"),
        TMPDIR=str(tmp_path / "temporary"),
    )
    assert rows(printed)["cache"] == "none: no folder can be written, and each process compiles anew"
