"""What the tests share: the peers that may be missing, and a way to run a script of its own process."""

import os
import subprocess
import sys
import textwrap

import pytest


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
