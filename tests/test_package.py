"""Test the package that users install: metadata, the contents of wheel and source distribution, and an install of the
wheel in an environment of its own, where type checkers find the types too."""

import inspect
import pathlib
import re
import sys
import sysconfig
import tarfile
import venv
import zipfile
from email.parser import Parser

import pytest
from helpers import PACKAGE, ROOT, TESTS, printed, run_python

import numbaexp
from numbaexp.cache.sources import imported_by

thorough = pytest.mark.thorough

# The modules that write files of the sources, or make wheels.
LEFT_OUT = ("carry", "scalar.constants_writer", "scalar.derive_*", "verify.search", "verify.taylor")
# The environment of processes that are to find no other copy of numbaexp.
OUTSIDE = {"PYTHONPATH": ""}
# Bytes; the wheel without machine code has 0.7 million.
LARGEST_WHEEL = 1_500_000


def files_in(folder):
    """Return the paths of a folder's files, but for caches, as in a distribution."""
    paths = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(ROOT).as_posix() for path in paths}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build the source distribution, and from that the wheel."""
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    options = ("--no-isolation", "--outdir", str(folder))
    printed(run_python("-m", "build", *options, str(ROOT), cwd=folder, NUMBAEXP_BUILD_MACHINE_CODE=""))
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    """Return the path of the wheel."""
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def sources(built, tmp_path_factory):
    """Unpack the source distribution."""
    (path,) = built.glob("*.tar.gz")
    folder = tmp_path_factory.mktemp("sources")
    with tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.iterdir())


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Install the wheel alone in a new environment, beside which its dependencies are found; return its Python."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=sys.platform != "win32")
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    site = printed(run_python("-c", "import sysconfig; print(sysconfig.get_path('purelib'))", of=python)).strip()
    pathlib.Path(site, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    # Where the package is installed beside the dependencies, too, the wheel is to be installed all the same.
    pip = ("-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index", "--ignore-installed")
    printed(run_python(*pip, str(wheel), **OUTSIDE))
    return python


def test_citation():
    """The version to cite is this one."""
    citation = (ROOT / "CITATION.cff").read_text()
    assert re.search(r'^version: "(.*)"$', citation, re.M)[1] == numbaexp.__version__
    assert re.search(r"^cff-version: 1\.2\.0$", citation, re.M)


def test_policy_of_versions():
    """The page that tells which versions are supported tells those that the package asks for, and its own."""
    page = (ROOT / "docs" / "development" / "versions.md").read_text()
    assert f'"numbaexp=={numbaexp.__version__.rpartition(".")[0]}.*"' in page
    project = (ROOT / "pyproject.toml").read_text()
    least, beyond = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', project).groups()
    assert f"| Python | 3.{least} to 3.{int(beyond) - 1} |" in page
    for name in ("numba", "numpy"):
        version = re.search(rf'"{name}>=([\d.]+)"', project)[1]
        assert re.search(rf"^\| {name} \| {re.escape(version)} ", page, re.M | re.I), name


@thorough
def test_wheel(wheel):
    """The wheel holds the modules that users import, the data that these read, and the licence."""
    assert wheel.name == f"numbaexp-{numbaexp.__version__}-py3-none-any.whl"
    assert wheel.stat().st_size < LARGEST_WHEEL
    about = f"numbaexp-{numbaexp.__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = Parser().parsestr(archive.read(f"{about}/METADATA").decode())
        imports = {module for name in names if name.endswith(".py") for module in imported_by(archive.read(name))}
    left_out = {path for each in LEFT_OUT for path in PACKAGE.glob(f"{each.replace('.', '/')}.py")}
    expected = files_in(PACKAGE) - {path.relative_to(ROOT).as_posix() for path in left_out}
    assert names == expected | {f"{about}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "licenses/LICENSE")}
    data = {name for name in expected if not name.endswith(".py")}
    assert "numbaexp/py.typed" in data
    assert all(name.startswith("numbaexp/verify/") for name in data - {"numbaexp/py.typed"})
    # Modules that are left out are imported by none that are not.
    files = {f"{each.replace('.', '/')}{end}" for each in imports for end in (".py", "/__init__.py")}
    assert not files & {path.relative_to(ROOT).as_posix() for path in left_out}
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert {each.partition(",")[0] for each in metadata.get_all("Project-URL")} >= {"Documentation", "Repository"}


@thorough
def test_source_distribution(sources):
    """The source distribution holds the tests and all that these read."""
    expected = set().union(*(files_in(ROOT / each) for each in ("numbaexp", "tests", "benches", "examples")))
    files = ("README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "SECURITY.md", ".ci/run")
    assert not [name for name in sorted({*expected, *files}) if not (sources / name).is_file()]


@pytest.mark.whole
def test_collection(sources):
    """Every test is collected from the source distribution."""
    options = ("--collect-only", "-q", "-n0", "-p", "no:cacheprovider")
    collected = printed(run_python("-m", "pytest", *options, cwd=sources, **OUTSIDE))
    assert re.search(r"\d{4,} tests collected", collected)


RESULTS = """
    import hashlib
    import numpy as np, numbaexp

    x = np.linspace(-80, 80, 4096, dtype=np.float32)
    results = [numbaexp.exp(x), numbaexp.log(abs(x)), numbaexp.softmax(x.reshape(64, 64))]
    print(numbaexp.__file__, hashlib.sha256(b"".join(each.tobytes() for each in results)).hexdigest())
"""


@thorough
def test_installed(installed, run_script, tmp_path):
    """The installed package computes the same bits, and its command runs."""
    there = printed(run_python("-W", "error", "-c", inspect.cleandoc(RESULTS), cwd=tmp_path, of=installed, **OUTSIDE))
    here = run_script(RESULTS)
    assert there.split()[0].startswith(str(installed.parent.parent))
    assert there.split()[1] == here.split()[1]
    told = printed(run_python("-m", "numbaexp", cwd=tmp_path, of=installed, **OUTSIDE))
    assert re.search(rf"^numbaexp +{re.escape(numbaexp.__version__)}$", told, re.M)


def calls():
    """Return a file that calls every public function with each of its parameters, as the signatures have them."""
    lines = ["from typing import Any", "import numbaexp", "def call(given: Any) -> None:"]
    for name in numbaexp.__all__:
        function = getattr(numbaexp, name)
        if not callable(function) or isinstance(function, type):
            continue
        arguments = [
            f"{each.name}=given" if each.kind is each.KEYWORD_ONLY else "given"
            for each in inspect.signature(function).parameters.values()
        ]
        lines.append(f"    numbaexp.{name}({', '.join(arguments)})")
    return "\n".join(lines) + "\n"


@thorough
def test_types(installed, tmp_path):
    """A strict type checker takes a user's file as the user means it, and every signature as it is at run time."""
    pytest.importorskip("mypy")
    generated = tmp_path / "calls.py"
    generated.write_text(calls())
    options = ("--strict", "--config-file=", f"--cache-dir={tmp_path}", f"--python-executable={installed}")
    user = TESTS / "type_checks" / "user.py"
    printed(run_python("-m", "mypy", *options, str(user), str(generated), cwd=tmp_path, **OUTSIDE))
