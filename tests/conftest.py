"""What the tests share: a way to run a script of its own process, and the threading layers to run it under."""

import functools
import os
import subprocess
import sys
import textwrap

import pytest

MODULES = {"omp": "omppool", "tbb": "tbbpool", "workqueue": "workqueue"}

# Where the wheel of tbb puts its library, which the loader does not look into by itself.
LIBRARIES = {"LD_LIBRARY_PATH": os.pathsep.join([f"{sys.prefix}/lib", os.environ.get("LD_LIBRARY_PATH", "")])}


@functools.cache
def missing(layer):
    """Why Numba cannot load a threading layer here, or nothing."""
    command = [sys.executable, "-c", f"import numba.np.ufunc.{MODULES[layer]}"]
    done = subprocess.run(command, env={**os.environ, **LIBRARIES}, capture_output=True, text=True, check=False)
    return done.stderr.strip().rpartition("\n")[2]


@pytest.fixture(params=MODULES)
def layer(request):
    """The environment of a process under each threading layer."""
    if missing(request.param):
        pytest.skip(f"threading layer {request.param}: {missing(request.param)}")
    return {"NUMBA_THREADING_LAYER": request.param, "NUMBA_NUM_THREADS": "2", **LIBRARIES}


@pytest.fixture
def run_script(tmp_path_factory):
    """Run Python source in a new process; returns what it printed, and fails with its errors where it fails."""

    # The options of this run are not those of one that a script starts.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}

    def run(source, timeout=120, **environment):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(source)],
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=tmp_path_factory.getbasetemp(),
            env={**inherited, **environment},
            check=False,
        )
        assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run
