"""The recipes of CONTRIBUTING.md are true: a toy that follows each works, in the files that it names and no other."""

import importlib.util
import itertools
import re
import shutil
import textwrap

import pytest
from helpers import PACKAGE, ROOT, printed, run_python

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
# Of a path with alternatives, "a/{b,c}.py", the parts.
ALTERNATIVES = re.compile(r"\{([^}]*)\}")


def expanded(path):
    """Return the paths that one with alternatives stands for."""
    pieces = [part.split(",") if i % 2 else [part] for i, part in enumerate(ALTERNATIVES.split(path))]
    return ["".join(choice) for choice in itertools.product(*pieces)]


def recipe(heading):
    """Return the files that the list of a recipe names, as they are in the package."""
    _, found, after = CONTRIBUTING.partition(f"\n### {heading}\n")
    assert found, heading
    section = re.split(r"\n##", after)[0]
    items = re.findall(r"^- (.*(?:\n  .*)*)", section, re.M)
    paths = [path for item in items for path in re.findall(r"`numbaexp/([^`]+)`", item)]
    return [path for each in paths for path in expanded(each)]


class Copy:
    """A copy of the package, and what was changed in it."""

    def __init__(self, folder):
        self.folder, self.changed = folder, set()
        ignored = shutil.ignore_patterns("__pycache__", "carried")
        shutil.copytree(PACKAGE, folder / "numbaexp", ignore=ignored)

    def write(self, file, text):
        """Add a file."""
        path = self.folder / "numbaexp" / file
        assert not path.exists()
        path.write_text(textwrap.dedent(text))
        self.changed.add(file)

    def insert(self, file, *added):
        """Put text after a line, of each pair of the two, or at the end after None."""
        path = self.folder / "numbaexp" / file
        source = path.read_text()
        for line, text in added:
            if line is None:
                source += "\n\n" + textwrap.dedent(text).strip() + "\n"
            else:
                assert source.count(f"\n{line}\n") == 1, (file, line)
                source = source.replace(f"\n{line}\n", f"\n{line}\n{text}\n")
        path.write_text(source)
        self.changed.add(file)

    def run(self, script, **environment):
        """Run a script, which imports the copy."""
        source = textwrap.dedent(script)
        done = run_python("-W", "error", "-c", source, cwd=self.folder, PYTHONPATH=str(self.folder), **environment)
        assert printed(done).endswith("right\n"), done.stdout

    def run_simulated(self, script):
        """Run a script in Numba's CUDA simulator, where numba-cuda is installed."""
        if importlib.util.find_spec("numba_cuda"):
            self.run(script, NUMBA_ENABLE_CUDASIM="1")


@pytest.fixture
def package(tmp_path):
    return Copy(tmp_path)


def check_files(package, heading, name):
    """Check that a toy of a name has changed the files of a recipe, and no other."""
    assert package.changed == {file.replace("NAME", name) for file in recipe(heading)}


SIGNATURE = 'out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None'


def add_elementwise(package):
    """Add ``sigmoid2``, the sigmoid of twice the argument, which has the bits of that."""
    package.write(
        "scalar/sigmoid2.py",
        """\
        from numbaexp.scalar import sigmoid
        from numbaexp.scalar.forms import Scalar
        from numbaexp.scalar.ieee import scalar
        from numbaexp.scalar.narrow import narrow

        whole, inner, limit, *_ = sigmoid.SIGMOID["float64"]

        @scalar
        def of_twice(x):
            return sigmoid.sigmoid(x + x)

        @scalar
        def whole_of_twice(x):
            return whole(x + x)

        @scalar
        def inner_of_twice(x):
            return inner(x + x)

        SIGMOID2 = {
            **narrow(of_twice, -52.0, 52.0, 0.0, 1.0),
            # Of half the magnitude the exponent is less by one.
            "float64": Scalar(whole_of_twice, inner_of_twice, limit - (1 << 52)),
        }
        """,
    )
    package.insert("scalar/family.py", ("_SCALARS = {", '    "sigmoid2": "sigmoid2",'))
    package.insert(
        "scalar/gradients.py",
        (
            None,
            """
            import numpy as np

            @scalar
            def twice(x):
                return x + x

            @scalar
            def narrow_sigmoid2_derivative(x):
                return 2.0 * narrow_sigmoid_derivative(np.float32(x + x))

            @scalar
            def sigmoid2_derivative(x):
                high, low, k = sigmoid_derivative(x + x)
                return high, low, k + np.int64(1)

            GRADIENTS["sigmoid2_backward"] = {
                **narrow(narrow_sigmoid2_derivative), "float64": wide(within_reach(sigmoid2_derivative), limit_of_decay)
            }
            """,
        ),
    )
    package.insert(
        "scalar/wide.py",
        (
            None,
            """
            @scalar
            def sigmoid2(x):
                return sigmoid(x + x)

            WIDE["sigmoid2"] = sigmoid2
            """,
        ),
    )
    package.insert(
        "dual/functions.py",
        (
            "_DERIVATIVES: dict[str, Callable[[Value, Value], Value]] = {",
            '    "sigmoid2": lambda x, y: (y + y) * _apply("sigmoid2", -x),',
        ),
    )
    package.insert(
        "cpu/formulas.py",
        (
            None,
            """
            _OF_BOTH["sigmoid2"] = lambda z: _sigmoid(2 * z)
            _OF_BOTH["sigmoid2_backward"] = lambda grad, z: 2 * _sigmoid_backward(grad, 2 * z)
            """,
        ),
    )
    package.insert("operations.py", ("_ALL = [", '    *_elementwise("sigmoid2", "x"),'))
    package.insert(
        "public/exponentials.py",
        (
            None,
            f"""
            @documented
            def sigmoid2(x, /, {SIGNATURE}):
                '''The sigmoid of twice each element.'''

            sigmoid2_ = in_place(sigmoid2)
            """,
        ),
    )
    package.insert(
        "public/gradients.py",
        (
            None,
            """
            sigmoid2_backward = _gradient(
                "sigmoid2_backward", formula="", special="", example=">>> numbaexp.sigmoid2_backward(0.0, 0.0)"
            )
            """,
        ),
    )
    package.insert(
        "public/__init__.py",
        ("from numbaexp.public.exponentials import (", "    sigmoid2,\n    sigmoid2_,"),
        ("from numbaexp.public.gradients import (", "    sigmoid2_backward,"),
        ("__all__ = [", '    "sigmoid2", "sigmoid2_", "sigmoid2_backward",'),
    )
    package.insert(
        "derivatives/rules.py",
        ("from numbaexp.public.gradients import (", "    sigmoid2_backward,"),
        (
            "_ELEMENTWISE = [",
            """\
    _elementwise("sigmoid2", x=lambda grad, x: sigmoid2_backward(grad, x)),
    _elementwise(
        "sigmoid2_backward",
        grad_output=lambda grad, x: sigmoid2_backward(grad, x),
        x=lambda grad, grad_output, x: (
            sigmoid2_backward(grad * grad_output, x) * (2 * (sigmoid(-2 * x) - sigmoid(2 * x)))
        ),
    ),""",
        ),
    )
    package.insert(
        "verify/oracle.py", (None, '_COMPOSED["sigmoid2"] = _FUNCTIONS["sigmoid2"] = lambda x: _sigmoid(2 * x)')
    )
    package.insert(
        "verify/references.py",
        (
            None,
            """
            @jit
            def _sigmoid2(x):
                return _sigmoid(2.0 * x)

            _REFERENCES["sigmoid2"] = _sigmoid2
            """,
        ),
    )
    package.insert(
        "verify/arguments.py",
        ("_SAMPLES = {", '    "sigmoid2": _of_powers(math.log(2) / 2, (-1075, -1074, -1022, 53)),'),
    )
    package.insert("verify/checks.py", ("ULPS = {", '    "sigmoid2": 0.501,'))


@pytest.mark.thorough
def test_an_elementwise_function(package):
    add_elementwise(package)
    check_files(package, "A new elementwise function", "sigmoid2")
    package.run(
        """
        import importlib.util
        import numba, numpy as np, numbaexp
        from numbaexp import autograd
        from numbaexp.__main__ import main

        x = np.random.default_rng(1).normal(0, 3, 1000)
        half, gradient = x.astype(np.float32), 2 * numbaexp.sigmoid_backward(1.0, 2 * x)
        for each in (x, half, x.astype(np.longdouble)):
            np.testing.assert_array_equal(numbaexp.sigmoid2(each), numbaexp.sigmoid(2 * each))
        np.testing.assert_array_equal(numbaexp.sigmoid2_(x.copy()), numbaexp.sigmoid(2 * x))
        np.testing.assert_array_equal(numbaexp.sigmoid2_backward(1.0, x), gradient)
        assert numba.njit(lambda x: numbaexp.sigmoid2(x))(0.25) == numbaexp.sigmoid(0.5)
        own = numbaexp.elementwise(lambda x: numbaexp.sigmoid2(x), name="own")
        for each in (x, half):
            np.testing.assert_array_equal(own(each), numbaexp.sigmoid(2 * each))
        np.testing.assert_allclose(own.backward(1.0, x), gradient, 1e-15)
        tensor = autograd.tensor(x[:4], requires_grad=True)
        assert autograd.gradgradcheck(numbaexp.sigmoid2, tensor)
        if importlib.util.find_spec("torch"):
            import torch
            tensor = torch.tensor(x, requires_grad=True)
            result = numbaexp.sigmoid2(tensor)
            result.sum().backward()
            np.testing.assert_array_equal(result.detach(), numbaexp.sigmoid(2 * x))
            np.testing.assert_array_equal(tensor.grad, gradient)
        if importlib.util.find_spec("jax"):
            import jax
            np.testing.assert_array_equal(jax.jit(numbaexp.sigmoid2)(half), numbaexp.sigmoid(2 * half))
            slope = jax.grad(lambda x: numbaexp.sigmoid2(x).sum())(half)
            np.testing.assert_array_equal(slope, numbaexp.sigmoid2_backward(np.float32(1), half))
        if importlib.util.find_spec("gmpy2"):
            from numbaexp.verify import references
            assert main(["verify", "sigmoid2", "--dtype", "float16", "float64", "--random", "1000"]) == 0
            compare = references.make_comparison("sigmoid2")
            wrong, undecided = np.empty((2, half.size), bool)
            compare(half, numbaexp.sigmoid2(half), wrong, undecided)
            assert not (wrong & ~undecided).any()
        print("right")
        """
    )
    package.run_simulated(
        """
        import numpy as np, numbaexp
        x = np.float32([1, -2, 3])
        with numbaexp.use_target("cuda"):
            np.testing.assert_array_equal(numbaexp.sigmoid2(x), numbaexp.sigmoid(2 * x))
            np.testing.assert_array_equal(numbaexp.sigmoid2_backward(x, x), 2 * numbaexp.sigmoid_backward(x, 2 * x))
        print("right")
        """
    )


def add_library(package):
    """Add the arrays of a module ``toyarrays``, whose calls are counted."""
    package.write(
        "backends/toyarrays.py",
        """\
        import numpy as np
        from toyarrays import ToyArray

        from numbaexp.backends import numpy
        from numbaexp.backends.adapter import Elements

        def device(array, argument):
            return "cpu"

        def read(x, argument="x"):
            elements, dtype = numpy.read(x.values, argument)
            return Elements(x, elements.view), dtype

        def write(given, out, dtype):
            return new(given, dtype, given.view.shape) if out is None else Elements(out, out.values)

        def new(given, dtype, shape):
            made = ToyArray(np.empty(shape, dtype))
            return Elements(made, made.values)

        def stream(x, out):
            return 0

        def finish(x, out, written):
            return written.array
        """,
    )
    package.write(
        "integrations/toyarrays.py",
        """\
        from toyarrays import seen

        def intercept(operation, arrays, out, options):
            seen.append(operation.name)
            return NotImplemented
        """,
    )
    line = '    Library("toyarrays", "ToyArray", "toyarrays", "integrations.toyarrays"),'
    package.insert("backends/registry.py", ("TABLE = (", line))


@pytest.mark.thorough
def test_a_library_of_arrays(package):
    add_library(package)
    check_files(package, "A new library of arrays", "toyarrays")
    (package.folder / "toyarrays.py").write_text(
        "seen = []\n\nclass ToyArray:\n    def __init__(self, values):\n        self.values = values\n"
    )
    package.run(
        """
        import numpy as np, numbaexp
        from toyarrays import ToyArray, seen
        from numbaexp.operations import OPERATIONS, Kind, named

        x, grad = np.random.default_rng(1).normal(0, 3, (2, 3, 4)).astype(np.float32)
        classes, calls = np.array([0, 3, 1]), {}
        for name in ("exp", "softplus"):
            calls[name] = (x,), {}
            calls[f"{name}_backward"] = (grad, x), {}
        calls["softmax"] = (x,), {"axis": 0}
        calls["logsumexp"] = (x,), {"axis": 1}
        calls["softmax_backward"] = (grad, x), {}
        calls["cross_entropy"] = (x, classes), {}
        for name, (arrays, options) in calls.items():
            function = getattr(numbaexp, name)
            result = function(*map(ToyArray, arrays), **options)
            assert type(result) is ToyArray
            np.testing.assert_array_equal(result.values, function(*arrays, **options))
        assert seen == list(calls)
        out = ToyArray(np.empty_like(x))
        assert numbaexp.exp(ToyArray(x), out=out) is out
        np.testing.assert_array_equal(out.values, numbaexp.exp(x))
        try:
            numbaexp.exp_backward(ToyArray(x), x)
        except TypeError as error:
            assert "must be arrays of one library" in str(error)
        print("right")
        """
    )


def add_reduction(package):
    """Add ``greatest``, the greatest element of each row."""
    row = (
        'Operation("greatest", Kind.REDUCTION, ("a",), "a", options={"axis": None, "keepdims": False}, masked=-np.inf),'
    )
    package.insert("operations.py", ("_ALL = [", f"    {row}".replace("-np.inf", 'float("-inf")')))
    package.write(
        "cpu/row_greatest.py",
        """\
        import numpy as np

        from numbaexp.cpu import row_job as at
        from numbaexp.cpu.chunks import whole_tiles
        from numbaexp.cpu.room import allocated_zeros, release
        from numbaexp.cpu.row_job import CHUNK_BYTES, TILE_BYTES
        from numbaexp.cpu.row_logs import make_sum_of_row
        from numbaexp.cpu.row_memory import make_pointer, make_row_memory, row_at, stack
        from numbaexp.scalar.row_arithmetic import arithmetic_of

        integers = make_pointer(np.int64)

        def make_greatest(dtype):
            arithmetic = arithmetic_of(dtype)
            memory, sum_of_row = make_row_memory(dtype, arithmetic), make_sum_of_row(dtype, arithmetic)
            rounded, element = memory.rounded, make_pointer(memory.stored_as)

            def greatest(job, first, last):
                j = integers(job)
                scratch, tile = stack(CHUNK_BYTES), stack(TILE_BYTES)
                room = allocated_zeros(j, 8 * 4 * whole_tiles(j[at.CHUNKS_OF_ROWS]))
                if room == 0:
                    return
                for row in range(first, last):
                    top, _, _ = sum_of_row(row_at(j, row, at.X), j[at.LENGTH], j[at.X_STEP], scratch, tile, room)
                    element(row_at(j, row, at.Y))[0] = rounded(top)
                release(room)

            return greatest
        """,
    )
    package.insert(
        "cpu/row_functions.py", ("FUNCTIONS = {", '    "greatest": Variants(Make("row_greatest", "make_greatest")),')
    )
    package.insert(
        "cpu/row_formulas.py",
        (
            None,
            """
            def greatest(a):
                top = a.max(-1, keepdims=True)
                return top, np.sign(top)
            """,
        ),
    )
    package.insert(
        "cuda/row_kernels.py",
        (
            None,
            """
            def make_greatest(dtype):
                put, rounded = make_memory(STORED_AS[dtype]).put, make_rounded(dtype)

                def make(team):
                    lane = team.lane

                    @part
                    def write(views, start, count, of_row):
                        if start == 0 and lane() == 0:
                            put(views[1][0], views[1][1], rounded(np.float64(of_row[0])))

                    return make_logarithms(arithmetic_of(dtype), dtype, 0, team), write

                return make_kernels(make)

            KERNELS["greatest"] = make_greatest
            """,
        ),
    )
    package.insert(
        "public/rows.py",
        (
            None,
            """
            def greatest(a, axis=None, *, keepdims=False):
                '''The greatest element of each row.'''
                return dispatch("greatest", (a,), None, {"axis": axis, "keepdims": keepdims})
            """,
        ),
    )
    package.insert(
        "public/__init__.py",
        ("from numbaexp.public.rows import (", "    greatest,"),
        ("__all__ = [", '    "greatest",'),
    )
    package.insert(
        "derivatives/rules.py",
        (
            "_ROWS = [",
            """\
    _rule(
        "greatest",
        gradients={"a": lambda grad, a, result, axis: kept(grad, a, axis) * (a == kept(result, a, axis))},
        tangents={
            "a": lambda tangent, a, result, axis: total(
                (a == kept(result, a, axis)) * tangent, axis
            ).reshape(result.shape)
        },
    ),""",
        ),
    )
    package.insert(
        "verify/fingerprint.py",
        (
            "_OF_ROWS: dict[str, Callable[[Rows], np.ndarray]] = {",
            '    "greatest": lambda given: numbaexp.greatest(given.x, axis=-1),',
        ),
    )


@pytest.mark.thorough
def test_a_reduction_over_rows(package):
    add_reduction(package)
    check_files(package, "A new reduction over rows", "greatest")
    package.run(
        """
        import importlib.util
        import numpy as np, numbaexp
        from numbaexp import autograd
        from numbaexp.cpu import kernels
        from numbaexp.verify import fingerprint

        x = np.random.default_rng(1).normal(0, 3, (5, 6000)).astype(np.float32)
        for axis in (-1, 0, None):
            np.testing.assert_array_equal(numbaexp.greatest(x, axis), x.max(axis))
        np.testing.assert_array_equal(numbaexp.greatest(x, 1, keepdims=True), x.max(1, keepdims=True))
        np.testing.assert_array_equal(numbaexp.greatest(x[:, :0], 1), np.full(5, -np.inf, np.float32))
        assert ("greatest", "by row", "float32") in kernels.kernels(("greatest",), ("float32",))
        assert {each.number for each in fingerprint.fingerprints(["greatest"], ["float32"], False)} == {126400}
        is_greatest = (x == x.max(1, keepdims=True)).astype(np.float32)
        tensor = autograd.tensor(x, requires_grad=True)
        numbaexp.greatest(tensor, 1).sum().backward()
        np.testing.assert_array_equal(tensor.grad, is_greatest)
        if importlib.util.find_spec("torch"):
            import torch
            tensor = torch.tensor(x, requires_grad=True)
            result = numbaexp.greatest(tensor, 1)
            result.sum().backward()
            np.testing.assert_array_equal(result.detach(), x.max(1))
            np.testing.assert_array_equal(tensor.grad, is_greatest)
        if importlib.util.find_spec("jax"):
            import jax
            np.testing.assert_array_equal(jax.jit(lambda x: numbaexp.greatest(x, 1))(x), x.max(1))
            slope = jax.grad(lambda x: numbaexp.greatest(x, 1).sum())(x)
            np.testing.assert_array_equal(slope, is_greatest)
        if importlib.util.find_spec("dask"):
            import dask.array as da
            np.testing.assert_array_equal(numbaexp.greatest(da.from_array(x), 1), x.max(1))
        print("right")
        """
    )
    package.run_simulated(
        """
        import numpy as np, numbaexp
        x = np.float32([[1, -2, 3], [-5, -np.inf, -4]])
        with numbaexp.use_target("cuda"):
            np.testing.assert_array_equal(numbaexp.greatest(x, 1), x.max(1))
        print("right")
        """
    )


def test_a_float_type():
    """The files that name bfloat16 are those that a new type of 16 or 8 bits has to be told to."""
    naming = [file.relative_to(PACKAGE).as_posix() for file in PACKAGE.rglob("*.py") if "bfloat16" in file.read_text()]
    assert sorted(recipe("A new float type")) == sorted(naming)
