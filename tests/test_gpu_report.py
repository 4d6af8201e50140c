"""What tests and measures on a GPU works: seen in the simulator, on few elements, and on made-up results."""

import csv
import importlib
import importlib.util
import subprocess

import pytest
from helpers import ROOT, printed, run_python

from numbaexp.cuda import usable

simulator = pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="the simulator is a part of numba-cuda"
)


@pytest.fixture
def gpu(monkeypatch):
    """``benches/gpu.py``, as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "benches"))
    return importlib.import_module("gpu")


# Of what needs no more than the simulator: exp, log in one type, and every way to compute.
OTHERS = "exp2 or exp10 or expm1 or sigmoid or softplus or log2 or log10 or log1p or logit or sinh or cosh or tanh"
TRIED = f"not ({OTHERS} or log-float16 or log-bfloat16 or log-float64)"
TESTS = "every or hard or random or layouts_in_place or shapes or int32 or elsewhere or host_arrays"
NOT_THERE = "torch or cupy or jax"


@pytest.mark.whole
@simulator
def test_the_tests_in_the_simulator(run_script):
    printed = run_script(
        f"""
        import sys, pytest
        class Few:
            def pytest_collection_finish(self, session):
                import test_gpu
                test_gpu.lacking = lambda: None
                test_gpu.AMOUNTS = test_gpu.Amounts(64, 512, 90, 90, 320, 128, (2, 3, 3, 2, 2), (40, 4100))
        chosen = "({TESTS}) and {TRIED} and not ({NOT_THERE})"
        options = ["-o", "addopts=", "-m", "gpu", "-k", chosen, "-p", "no:cacheprovider", "--rootdir", {str(ROOT)!r}]
        sys.exit(pytest.main([{str(ROOT / "tests" / "test_gpu.py")!r}, *options], plugins=[Few()]))
        """,
        timeout=600,
        NUMBA_ENABLE_CUDASIM="1",
    )
    assert "skipped" not in printed.splitlines()[-1]


MEASURE = """
import sys
from types import SimpleNamespace
benches, right, wrong = sys.argv[1:]
sys.path.insert(0, benches)
import gpu, gpu_bits, gpu_calls, gpu_custom, gpu_report, harness, numbaexp
harness.BUDGET = harness.LAUNCHES = 0
gpu.lacking = lambda: None
gpu.memory = SimpleNamespace(on_device=lambda: 10**12)
harness.device = harness.versions = lambda target: target
gpu.report = lambda: "what there is"
gpu.run_tests = lambda file, chosen: gpu.Tests({"passed": 2, "failed": 0, "skipped": 1}, ["skipped: it: so"])
gpu.GRADIENTS = ("sigmoid_backward",)
gpu_bits.SPACING, gpu_bits.RANDOM = {"bfloat16": 1021, "float32": 67_000_001}, 20
gpu_calls.ROUNDS, gpu_calls.CALLS, gpu_calls.FEW = 1, 1, 8
gpu_custom.ROUNDS, gpu_custom.CALLS, gpu_custom.FUNCTIONS = 1, 1, {"decay": gpu_custom.decay}
for each in gpu, gpu_report:
    each.ALL, each.FAMILY = ("bfloat16", "float32"), ("exp", "softplus")
script = gpu_calls.FIRST_CALLS.replace("in FAMILY:", "in ('exp',):")
gpu_calls.FIRST_CALLS = script.replace("in FAMILY[name]:", "in ('float32',):")
print("status", gpu.main(["--elements", "64", "--output", right]))
gpu.SWEPT, gpu.THREADS, gpu.BLOCKS_A_PROCESSOR = ("float32",), (64,), (1, 2)
print("status", gpu.main(["--elements", "64", "--sweep"]))
gpu_calls.Arrays.are_expected = lambda self, result: False
exp, exp2 = numbaexp.exp, numbaexp.exp2
gpu_bits.numbaexp = SimpleNamespace(exp=lambda x, out=None: exp(x) if out is None else exp2(x, out=out))
print("status", gpu.main(["--elements", "64", "--stages", "1", "2", "4", "7", "--output", wrong]))
"""


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """What is printed, and the folders of a report and of one on functions that are wrong."""
    folders = [tmp_path_factory.mktemp(name) for name in ("right", "wrong")]
    script = ("-W", "error", "-c", MEASURE, ROOT / "benches", *folders)
    return printed(run_python(*script, timeout=None, NUMBA_ENABLE_CUDASIM="1")), *folders


@pytest.mark.whole
@simulator
def test_a_report(simulated):
    printed, folder, _ = simulated
    report = (folder / "gpu.md").read_text()
    assert f"{report}\nstatus 0\n" in printed
    assert "what there is" in report
    assert "2 passed, 0 failed, 1 skipped" in report
    assert "- skipped: it: so" in report
    assert "Wrong results" not in report
    assert "Failed steps" not in report
    assert "not begun" not in report
    for function in (
        "exp, float32",
        "exp, bfloat16",
        "softplus, float32",
        "sigmoid_backward, bfloat16",
        "decay.backward, float32",
    ):
        assert f"| {function} | " in report
    assert "| 0 |  |" in report
    # Every event of the simulator is as far from the next.
    assert "| exp float32 out: speed over that of device copy | 1 | >= 0.93 | met |" in report
    assert "| exp float32 in place: speed over that of torch |  | >= 1.0 | not measured |" in report


@pytest.mark.whole
@simulator
def test_the_rows(simulated):
    with open(simulated[1] / "gpu.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["provider"] == "numbaexp"]
    found = {(row["function"], row["dtype"], row["case"], row["target"]) for row in rows}
    large = {(function, "out") for function in ("exp", "softplus")} | {("exp", "in place"), ("exp", "transposed")}
    for dtype in ("bfloat16", "float32"):
        assert {(function, dtype, case, "cuda") for function, case in (*large, ("exp", "few"))} <= found
        assert ("decay", dtype, "function of a user", "cuda") in found
        assert {("exp", dtype, "of the host", target) for target in ("cuda", "parallel")} <= found
    assert {("exp", "float32", case, "cuda") for case in ("compiled", "found on disk")} <= found


@pytest.mark.whole
@simulator
def test_a_sweep(simulated):
    assert "exp float32: 64 threads, 2 blocks a processor:" in simulated[0]
    assert simulated[0].count("status 0\n") == 2


@pytest.mark.whole
@simulator
def test_wrong_results_are_reported_and_not_timed(simulated):
    printed, _, folder = simulated
    assert printed.endswith("status 1\n")
    report, lines = (folder / "gpu.md").read_text(), (folder / "gpu.csv").read_text().splitlines()
    assert "- exp float32: 6" in report
    assert "| other bits | not begun |" in report
    for case in ("exp float32 in place", "softplus bfloat16 out", "exp float32 transposed", "exp float32, 8 elements"):
        assert f"- {case}" in report
    assert {line.split(",")[-2] for line in lines[1:]} == {"compiled", "found on disk", "of the host"}


def test_the_report_is_there_after_each_step_and_tells_of_those_that_fail(gpu, tmp_path):
    def compared(differing):
        return [gpu.Compared("exp", "float32", 10, differing, "0x3" if differing else "", 0.5)]

    def found():
        assert "| exp, float32 | 10 | 0 |  |" in (tmp_path / "gpu.md").read_text()
        return compared(7)

    report = gpu.Report(tmp_path)
    report.run(gpu.Stage("bits of exp", lambda elements: iter([lambda: compared(0)])), 1)
    assert report.status() == gpu.MET
    report.run(gpu.Stage("other bits", lambda elements: iter([found, lambda: 1 / 0, lambda: compared(8)])), 1)
    text = (tmp_path / "gpu.md").read_text()
    for line in (
        "| exp, float32 | 10 | 7 | 0x3 |",
        "- exp float32: 8 of 10 results",
        "- other bits: ZeroDivisionError: division by zero",
        "| rates of exp | not begun |",
    ):
        assert line in text
    assert report.status() == gpu.NOT_MET


def test_without_a_gpu(gpu, monkeypatch, capsys):
    monkeypatch.setattr(usable, "missing", lambda: "no CUDA device")
    assert gpu.main([]) == gpu.NO_GPU
    assert capsys.readouterr().out == "nothing is measured: no CUDA device\n"


def rows(**medians):
    """Of exp in float64: the median of each provider with ``out``, and of few elements of PyTorch's."""
    same = {"function": "exp", "dtype": "float64"}
    return [
        {**same, "case": case, "provider": provider.replace("_", " "), "arrays": "torch", "p50": str(median)}
        for case in ("out", "few")
        for provider, median in medians.items()
    ]


@pytest.mark.parametrize(
    ("medians", "verdicts"),
    [
        ({"numbaexp": 1, "device_copy": 0.93, "torch": 1, "cupy": 1}, ["met", "met", "met", "met"]),
        ({"numbaexp": 1, "device_copy": 0.92, "torch": 0.99, "cupy": 2}, ["not met", "not met", "met", "met"]),
        ({"numbaexp": 3.1, "device_copy": 3, "torch": 1}, ["met", "not met", "not measured", "not met"]),
    ],
)
def test_requirements(gpu, medians, verdicts):
    found = {each.what: each.verdict() for each in gpu.requirements(rows(**medians))}
    of_large = [found[f"exp float64 out: speed over that of {other}"] for other in ("device copy", "torch", "cupy")]
    assert [*of_large, found["exp float64, 1000 elements: time over that of torch"]] == verdicts
    assert found["exp float32 in place: speed over that of device copy"] == "not measured"


def test_outcomes_of_pytest(gpu, tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "def test_right(): pass\n"
        "def test_wrong(): assert 1 == 2\n"
        "def test_none(): pytest.skip('none there')\n"
        "@pytest.fixture\ndef broken(): raise ValueError('no such thing')\n"
        "def test_broken(broken): pass\n"
    )
    junit = tmp_path / "junit.xml"
    run_python("-m", "pytest", "-o", "addopts=", "-q", f"--junitxml={junit}", "test_it.py", cwd=tmp_path)
    tests = gpu.outcomes(junit)
    assert tests.counts == {"passed": 1, "failed": 2, "skipped": 1}
    assert not tests.all_passed()
    for start in ("failed: test_wrong: assert 1 == 2", "skipped: test_none: none there", "failed: test_broken: failed"):
        assert any(other.startswith(start) for other in tests.others), tests.others


def test_a_run_of_pytest_that_does_not_end_well(gpu, monkeypatch):
    monkeypatch.setattr(gpu.subprocess, "run", lambda *args, **kwargs: subprocess.CompletedProcess(args, -11))
    tests = gpu.run_tests("tests/test_gpu.py", "every")
    assert not tests.all_passed()
    assert tests.others == ["pytest ended with status -11"]
