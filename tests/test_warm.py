"""``python -m numbaexp warm``: kernels on disk before they are called."""

import re

import pytest
from helpers import FLOATS, FORMS, counting, printed, run_python

import numbaexp
from numbaexp.cpu import kernels, row_functions
from numbaexp.operations import OPERATIONS, Kind, named
from numbaexp.scalar.family import FAMILY


def run(*arguments, **environment):
    return run_python("-m", "numbaexp", "warm", *arguments, **environment)


def figures(done):
    """Return the kernels, how many were compiled, the folder, and the files in it."""
    numbers = re.fullmatch(
        r"(\d+) kernels, of which (\d+) were compiled now \(\d+ s\)\n(.*): (\d+) files, [\d.]+ MB\n", printed(done)
    )
    return int(numbers[1]), int(numbers[2]), numbers[3], int(numbers[4])


def test_every_kernel_is_of_a_function():
    found = kernels.kernels(tuple(OPERATIONS), FLOATS)
    assert {name for name, *rest in found if len(rest) == 1} == set(named(Kind.ELEMENTWISE))
    assert {name for name, *rest in found if len(rest) == 2} == set(row_functions.FUNCTIONS)
    public = {getattr(getattr(numbaexp, name), "__name__", "") for name in numbaexp.__all__}
    in_place = {f"{name}_" for name in FAMILY}
    others = {
        "",
        "UnsupportedError",
        "accelerate_numba",
        "elementwise",
        "logaddexp",
        "logaddexp2",
        "numbaexp.autograd",
        "targets",
        "use_target",
    }
    assert set(OPERATIONS) == public - in_place - others


def test_every_kernel_of_gpus_is_of_a_function():
    pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")
    from numbaexp.cuda import every_kernel, row_kernels

    found = every_kernel.kernels(tuple(OPERATIONS), FLOATS)
    assert {name for name, *_ in found} == {*named(Kind.ELEMENTWISE), *row_kernels.KERNELS, *row_kernels.ELEMENTS}


@pytest.mark.thorough
def test_a_choice(run_script, tmp_path):
    folder = {"NUMBAEXP_CACHE_DIR": str(tmp_path)}
    number, new, told, files = figures(run("sigmoid", "expit", "--dtype", "float32", "--target", "cpu", **folder))
    assert number == new == files == len(list(tmp_path.rglob("*.kernel")))
    assert told == str(tmp_path / "numbaexp")
    assert number == len(kernels.kernels(("sigmoid",), ("float32",)))
    assert figures(run("sigmoid", "--dtype", "float32", "--target", "cpu", **folder))[:2] == (number, 0)
    run_script(
        counting(
            """
            import numpy as np, numbaexp
            assert numbaexp.sigmoid(np.zeros(100_000, np.float32)).sum() == 50_000
            assert not compiled(), compiled()
            """
        ),
        **folder,
    )


@pytest.mark.sampled(wrong="['tan']")
@pytest.mark.parametrize("wrong", [["tan"], ["exp_"], ["targets"], ["exp", "--dtype", "int32"], ["--target", "tpu"]])
def test_wrong_arguments(wrong):
    done = run(*wrong)
    assert done.returncode == 2
    assert "must be one of" in done.stderr or "invalid choice" in done.stderr


@pytest.mark.skipif(numbaexp.targets()["cuda"] is None, reason="CUDA can be used here")
def test_a_target_that_cannot_be_used():
    done = run("--target", "cuda")
    assert done.returncode == 2
    assert numbaexp.targets()["cuda"] in done.stderr.replace("\n", " ")


def test_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    done = run("exp", NUMBAEXP_CACHE_DIR=str(tmp_path / "file" / "below"))
    assert done.returncode == 1
    assert "NUMBAEXP_CACHE_DIR" in done.stderr


# Calls of every public function in every way through memory that there is.
CALLS = """
import itertools
import numpy as np, numbaexp
from numbaexp import autograd
from numbaexp.operations import OPERATIONS, Kind, named
from numbaexp.scalar.family import FAMILY, SAVED

of_rows = (*named(Kind.ROWS), *named(Kind.REDUCTION))
names = [name for name in of_rows if not OPERATIONS[name].is_gradient]
try:
    import dask.array as da
except ModuleNotFoundError:
    da = None

if CHOICE:
    FAMILY, SAVED = [name for name in FAMILY if name in CHOICE], [name for name in SAVED if name in CHOICE]
    names = [name for name in names if name in CHOICE]

for dtype in DTYPES:
    if dtype == "bfloat16":
        import ml_dtypes
        dtype = ml_dtypes.bfloat16
    small, large = np.full(10, 0.5, dtype), np.full(600_000, 0.5, dtype)
    for name in FAMILY:
        function = getattr(numbaexp, name)
        for x in (small, large, large[::2], small.reshape(2, 5).T, small[0], large.reshape(600, -1)[:, ::3]):
            for target in ("auto", "cpu", "parallel"):
                with numbaexp.use_target(target):
                    function(x)
                    function(x, out=np.empty_like(x), where=x > 0)
        function(small.dtype.type(0.25))
    for name in SAVED:
        for x in (small, large, large[::2]):
            getattr(numbaexp, name)(x, x)
    # Rows of one chunk, of several, of many; few and many; beside each other.
    shapes = [(3, 10), (300, 10), (3, 5000), (2, 300_000), (300, 20, 30), (5000, 40), (70_000, 20)]
    for shape, axis in itertools.product(shapes, (-1, 0)):
        x = np.ones(shape, dtype)
        for name in names:
            y = getattr(numbaexp, name)(x, axis)
            getattr(numbaexp, f"{name}_backward")(y, x if name in named(Kind.REDUCTION) else y, axis)
        numbaexp.logsumexp(x, axis, b=x)
        numbaexp.softmax(x, axis, out=np.empty_like(x))
    for shape in ((3, 10), (3, 5000)):
        x = np.ones(shape, dtype)
        for targets, reduction in itertools.product((np.zeros(3, int), x / x.shape[1]), ("mean", "sum", "none")):
            loss = numbaexp.cross_entropy(x, targets, reduction=reduction, label_smoothing=0.1)
            numbaexp.cross_entropy_backward(loss, x, targets, reduction=reduction, label_smoothing=0.1)
    if da is not None:
        x = da.ones((40, 6000), chunks=(20, 3000), dtype=dtype)
        for name in names:
            getattr(numbaexp, name)(x, -1).compute()
            getattr(numbaexp, name)(x, 0).compute()
    if dtype in ("float32", "float64"):
        tensor = autograd.tensor(np.full((3, 4), 0.5, dtype), requires_grad=True)
        for name in (*FAMILY, *names):
            made = getattr(numbaexp, name)(tensor, -1) if name in names else getattr(numbaexp, name)(tensor)
            made.sum().backward()
try:
    import torch
except ModuleNotFoundError:
    pass
else:
    for dtype in DTYPES:
        x = torch.ones(3, 4, dtype=getattr(torch, dtype), requires_grad=True)
        for name in (*FAMILY, *names):
            made = getattr(numbaexp, name)(x, -1) if name in names else getattr(numbaexp, name)(x)
            made.sum().backward()
        numbaexp.exp(torch.ones(10, dtype=getattr(torch, dtype)))
assert not compiled(), compiled()
"""
# Functions of each form, which are tried before a merge.
CHOICE = (*FORMS, "softmax", "logsumexp", "cross_entropy")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("choice", "dtypes"),
    [
        ([*CHOICE, *(f"{name}_backward" for name in CHOICE)], ["float32"]),
        pytest.param([], FLOATS, marks=pytest.mark.whole),
    ],
    ids=["of each form", "all"],
)
def test_no_call_compiles_afterwards(run_script, choice, dtypes):
    """In the folder of all tests, which need the kernels too."""
    figures(run(*choice, "--dtype", *dtypes, "--target", "cpu"))
    run_script(counting(f"CHOICE, DTYPES = {choice}, {dtypes}\n{CALLS}"), timeout=600)
