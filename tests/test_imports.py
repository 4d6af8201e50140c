"""Imports go down only: no room of the package imports from one above, and no files import each other in a circle."""

import ast
import itertools
import re

import pytest
from helpers import PACKAGE, ROOT

# The rooms, a folder or a file of the package each, from the top, by floors. A room may import from those after it.
FLOORS = (
    ("__main__",),
    ("verify", "warm", "carry", "information"),
    ("__init__",),
    ("integrations",),
    ("autograd",),
    ("derivatives",),
    ("public",),
    ("engine",),
    ("backends",),
    ("default_mode",),
    ("cpu", "cuda"),
    ("custom",),
    ("dual",),
    ("scalar",),
    ("unrolled", "jit", "inlining"),
    ("vector", "cache", "operations", "layout", "target", "once", "progress", "version"),
)
ROOMS = tuple(itertools.chain.from_iterable(FLOORS))

# Where modules are imported by name, which no graph of imports shows, and why.
LATE = {
    "__init__.py": "what Numba, PyTorch and the tape need is imported with them",
    "backends/registry.py": "an adapter and an interceptor are imported with the first array of their library",
    "cpu/numba_compiler.py": "what makes a kernel is imported where that is not on disk",
    "cpu/pool.py": "a module of Numba's",
    "cuda/runtime.py": "kernels are launched by CUDA or by the simulator, and the other is not there",
    "cuda/usable.py": "numba-cuda, of which the version is asked",
    "integrations/loading.py": "imports for `__init__.py`",
    "scalar/family.py": "a kernel is made of the modules of its own function, and of no other's",
    "warm.py": "the kernels of a target that is not asked for may have none of what they need",
}
# The only ones that name modules above.
UPWARD = {"backends/registry.py"}
# What imports by name.
IMPORTERS = {"import_module", "__import__", "import_with"}

LINES_OF_A_FILE = 450
LINES_OF_A_FUNCTION = 60
# A script writes it.
LONG_FILES = {"scalar/constants.py"}
# Each makes a kernel with what that calls, which see one another's names.
LONG_FUNCTIONS = {
    ("cpu/columns.py", "make_batched"),
    ("cuda/row_exponentials.py", "make_exponentials"),
    ("cuda/row_exponentials.py", "make_logarithms"),
    ("cuda/settling.py", "make_settling"),
}


def modules_of(package):
    """Return the files of a package by the names of their modules."""
    files = {file: ".".join(file.relative_to(package.parent).with_suffix("").parts) for file in package.rglob("*.py")}
    return {name.removesuffix(".__init__"): file for file, name in files.items()}


def room_of(module):
    """Return the room that a module is in."""
    return module.split(".")[1] if "." in module else "__init__"


def parsed(package):
    """Return the modules of a package with their files, as paths in the package, and their trees."""
    return [
        (name, file.relative_to(package).as_posix(), ast.parse(file.read_text()))
        for name, file in modules_of(package).items()
    ]


def imported(tree, modules):
    """Yield the modules of the package that a module imports, at once or in a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "an import that is relative"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in modules else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def graph_of(package):
    """Return for each module of a package those that it imports."""
    modules = modules_of(package)
    return {name: {each for each in imported(tree, modules) if each in modules} for name, _, tree in parsed(package)}


def upward(graph, rooms):
    """Return the imports of a room above, as pairs of modules."""
    return {
        (module, other)
        for module, others in graph.items()
        for other in others
        if rooms.index(room_of(other)) < rooms.index(room_of(module))
    }


def circle_in(graph):
    """Return modules of which each imports another one of them: those that are left when whatever imports none that is
    left has been taken away, and whatever none that is left imports."""
    left = dict(graph)
    while left:
        needed = set().union(*left.values())
        taken = {module for module, others in left.items() if not others & left.keys() or module not in needed}
        if not taken:
            break
        left = {module: others for module, others in left.items() if module not in taken}
    return set(left)


def words_of(tree):
    """Return the identifiers of a module, and the strings, of f-strings the parts."""
    identifiers, strings = set(), set()
    for node in ast.walk(tree):
        for attribute in ("id", "attr", "name"):
            identifiers.add(getattr(node, attribute, None))
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            strings.add(node.value)
    return identifiers, strings


def named_in(strings, package, modules):
    """Return the modules of a package that strings name, in whole or without the package's own name."""
    names = strings | {f"{package.name}.{each}" for each in strings if "." in each}
    return {name for name in names if name in modules and name != package.name}


def late_imports(package):
    """Return the files that import by name, or name a module; and imports of a room above that go by name."""
    modules, files, pairs = modules_of(package), set(), set()
    for module, file, tree in parsed(package):
        identifiers, strings = words_of(tree)
        named = named_in(strings, package, modules)
        if identifiers & IMPORTERS or named or any(each.startswith(f"{package.name}.") for each in strings):
            files.add(file)
        pairs |= {(module, each) for each in named}
    return files, pairs


def functions_of(package):
    """Yield each function of a package: its file, its name and its lines without its docstring."""
    for _, file, tree in parsed(package):
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                described = node.body[0] if ast.get_docstring(node) is not None else None
                lines = node.end_lineno - node.lineno + 1
                if described is not None:
                    lines -= described.end_lineno - described.lineno + 1
                yield file, node.name, lines


def test_every_room_has_a_floor():
    assert sorted(ROOMS) == sorted({*map(room_of, modules_of(PACKAGE))})


def test_the_map_has_these_floors():
    """The one in CONTRIBUTING.md."""
    _, _, text = (ROOT / "CONTRIBUTING.md").read_text().partition("\n## The floors\n")
    lines = re.findall(r"^    (\w+(?:, \w+)*)  +\S", text.partition("\n## ")[0], re.M)
    assert tuple(tuple(line.split(", ")) for line in lines) == FLOORS


def test_no_room_imports_from_one_above():
    assert upward(graph_of(PACKAGE), ROOMS) == set()


def test_no_files_import_each_other():
    assert circle_in(graph_of(PACKAGE)) == set()


def test_imports_by_name_stand_where_there_is_a_reason():
    files, pairs = late_imports(PACKAGE)
    assert files == LATE.keys()
    by_name = {module: {other for of, other in pairs if of == module} for module, _ in pairs}
    files_of = {module: file for module, file, _ in parsed(PACKAGE)}
    assert {files_of[module] for module, _ in upward(by_name, ROOMS)} == UPWARD


def test_files_are_short():
    lines = {file.relative_to(PACKAGE).as_posix(): len(file.read_text().splitlines()) for file in PACKAGE.rglob("*.py")}
    assert {file for file, count in lines.items() if count > LINES_OF_A_FILE} - LONG_FILES == set()


def test_functions_are_short():
    long = {(file, name) for file, name, lines in functions_of(PACKAGE) if lines > LINES_OF_A_FUNCTION}
    assert long == LONG_FUNCTIONS


# A package that keeps the rules, and the changes of one file that break each of them.
TOY = {
    "__init__": "from toy.top import run",
    "top/__init__": "",
    "top/alone": "",
    "top/run": "from toy.middle.work import work",
    "middle/__init__": "",
    "middle/work": "from toy.bottom import base\n\ndef work():\n    from toy.middle import help",
    "middle/help": "import toy.bottom",
    "bottom": "base = 1",
}
TOY_ROOMS = ("__init__", "top", "middle", "bottom")
BROKEN = {
    "an import of a room above": ({"up"}, "bottom", "from toy.top import alone"),
    "in a function": ({"up"}, "middle/help", "def help():\n    import toy.top.alone"),
    "of the package": ({"up", "circle"}, "bottom", "import toy"),
    "a circle in a room": ({"circle"}, "middle/help", "def help():\n    from toy.middle.work import work"),
    "an import by name": ({"late"}, "middle/help", "import importlib\nimportlib.import_module('to' + 'y.bottom')"),
    "by another name": ({"late"}, "middle/help", "from importlib import import_module as load"),
    "a module's name": ({"late"}, "middle/help", "module = 'toy.bottom'"),
    "the name without the package's": ({"late"}, "bottom", "module = 'middle.work'"),
    "a part of a name": ({"late"}, "middle/help", "module = f'toy.{bottom}'"),
}


def faults(files, folder):
    """Write a package ``toy`` and return in which ways it breaks the rules."""
    for name, text in files.items():
        file = folder / "toy" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    package = folder / "toy"
    graph = graph_of(package)
    found = {"up": upward(graph, TOY_ROOMS), "circle": circle_in(graph), "late": late_imports(package)[0]}
    return {name for name, those in found.items() if those}


def test_a_package_that_keeps_the_rules(tmp_path):
    assert faults(TOY, tmp_path) == set()


@pytest.mark.parametrize("change", BROKEN)
def test_each_rule_can_be_broken(change, tmp_path):
    rules, file, text = BROKEN[change]
    assert faults({**TOY, file: text}, tmp_path) == rules


def test_lengths_are_counted(tmp_path):
    lines = ["def long():", '    """Do it.', "", '    """', *["    x = 1"] * 3, "    def inner():", "        return x"]
    (tmp_path / "work.py").write_text("\n".join(lines))
    assert set(functions_of(tmp_path)) == {("work.py", "long", 6), ("work.py", "inner", 2)}
