"""CONTRIBUTING.md tells the truth of the files that it names, and of the ways that calls go through them."""

import ast
import re
import sys

import numpy as np
import pytest
from helpers import PACKAGE, ROOT

import numbaexp
from numbaexp.cpu import thread_limit

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
LONGEST_CELL = 40

# The sections of the life of a call that list files, and what makes such a call; ``x`` is of NumPy.
X = np.ones((4, 6), np.float32)


def of_torch():
    torch = pytest.importorskip("torch", reason="a call on PyTorch's tensors")
    x = torch.ones(8, requires_grad=True)
    return lambda: numbaexp.exp(x)


def traced_by_jax():
    jax = pytest.importorskip("jax", reason="a call on JAX's arrays")
    # A function that JAX has traced is not traced again.
    return lambda: jax.make_jaxpr(lambda x: numbaexp.exp(x))(X)  # noqa: PLW0108


def run_by_jax():
    jax = pytest.importorskip("jax", reason="a call on JAX's arrays")
    function = jax.jit(numbaexp.exp)
    return lambda: function(X).block_until_ready()


def small_of_jax():
    jax = pytest.importorskip("jax", reason="a call on JAX's arrays")
    x = jax.numpy.ones(8)
    return lambda: numbaexp.exp(x).block_until_ready()


def large_with_gaps():
    if thread_limit.processors() == 1:
        pytest.skip("one processor: nothing is shared among threads")
    x = np.ones((1024, 2048), np.float32)[:, ::2]
    return lambda: numbaexp.exp(x)


LIVES = {
    "NumPy, small: `exp(x)`": lambda: lambda: numbaexp.exp(X),
    "NumPy, large, with gaps: `exp(x[:, ::2])`": large_with_gaps,
    "NumPy, rows: `softmax(x)`": lambda: lambda: numbaexp.softmax(X),
    "NumPy, other rows: `softmax(x, 0)`": lambda: lambda: numbaexp.softmax(X, 0),
    "NumPy, a loss: `cross_entropy(x, classes)`": lambda: lambda: numbaexp.cross_entropy(X, np.array([0, 5, 2, 1])),
    "PyTorch, with a gradient: `exp(x)`": of_torch,
    "JAX, traced: `jax.jit(exp)(x)`": traced_by_jax,
    "JAX, run: `jax.jit(exp)(x)` once more": run_by_jax,
    "JAX, small: `exp(x)` once more": small_of_jax,
}


def listed(heading):
    """Return the files that a section lists, in order, each with the first function that it names."""
    _, found, after = TEXT.partition(f"\n### {heading}\n")
    assert found, heading
    return re.findall(r"^    (\S+\.py) +(\w+)", re.split(r"\n##", after)[0], re.M)


def entered(call):
    """Return the files of the package that a call enters, in the order in which it does so first."""
    files = {}

    def note(frame, event, _):
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(str(PACKAGE)):
            files[file.removeprefix(f"{PACKAGE}/")] = None

    for _ in range(2):
        call()
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    return list(files)


@pytest.mark.parametrize("heading", LIVES)
def test_the_life_of_a_call(heading):
    assert entered(LIVES[heading]()) == [file for file, _ in listed(heading)]


@pytest.mark.parametrize("heading", LIVES)
def test_functions_of_a_life(heading):
    for file, name in listed(heading):
        tree = ast.parse((PACKAGE / file).read_text())
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, (file, name)


def test_every_file_is_there():
    """But for those that a recipe adds. Of a file without a folder the line says in which one."""
    names = {path.name for folder in (PACKAGE, ROOT / "benches") for path in folder.rglob("*.*")}
    for path in re.findall(r"`((?:[\w.]+/)*\w+\.(?:py|csv))`", TEXT):
        there = any((folder / path).exists() for folder in (ROOT, PACKAGE))
        assert there or path in names or "NAME" in path, path


def module_in(name):
    """Return the file of the module that a dotted name begins with, and the rest of the name."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        path = PACKAGE.parent.joinpath(*parts[:count])
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.exists():
                return file, parts[count:]
    raise AssertionError(name)


def test_docstrings_and_comments_name_what_is_there():
    for file in PACKAGE.rglob("*.py"):
        for name in re.findall(r"`~?(numbaexp(?:\.\w+)+)`", file.read_text()):
            module, rest = module_in(name)
            known = {*re.findall(r"\w+", module.read_text()), *numbaexp.__all__}
            assert known.issuperset(rest), (file, name)


def test_the_table_of_rooms_is_short():
    rows = re.findall(r"^\| (`.*`) \| (.*) \|$", TEXT, re.M)
    named = {room for rooms, _ in rows for room in re.findall(r"`(\w+)`", rooms)}
    assert named >= {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert all((PACKAGE / room).exists() or (PACKAGE / f"{room}.py").exists() for room in named)
    assert max(len(cell.split()) for _, cell in rows) <= LONGEST_CELL
