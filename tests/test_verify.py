"""The command ``verify``: what it prints, that it finds what is wrong, and how it ends."""

import io
import itertools
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import numbaexp
from numbaexp.__main__ import main
from numbaexp.cuda import usable
from numbaexp.scalar.family import FAMILY
from numbaexp.target import current_target

gmpy2 = pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")
from numbaexp.verify import arguments, checks, oracle, targets
from numbaexp.verify.references import make_comparison

TARGETS = ("cpu", "parallel")
LINE = "{}: {} inputs, against MPFR; targets cpu, parallel: {} wrong ("


@pytest.fixture(autouse=True)
def no_further_hard_cases_or_targets(monkeypatch):
    monkeypatch.delenv(arguments.FOLDER, raising=False)
    monkeypatch.setattr(targets, "TARGETS", ("auto", *TARGETS))


@pytest.fixture
def spoil(monkeypatch):
    """Let a function be so many ulps off at one argument, on one target or on all."""

    def replace(function, at, ulps=1, target=None):
        right = getattr(numbaexp, function)

        def wrong(x):
            y = right(x)
            if target in (None, current_target()):
                for _ in range(ulps):
                    y = np.where(x == at, np.nextafter(y, y.dtype.type(np.inf)), y)
            return y

        monkeypatch.setattr(numbaexp, function, wrong)

    return replace


@pytest.fixture
def interrupted_piece(monkeypatch):
    """As if the user pressed Ctrl-C while MPFR is at the third piece."""
    pieces = []

    def evaluate(*given):
        pieces.append(given)
        if len(pieces) == 3:
            raise KeyboardInterrupt
        return oracle.correctly_rounded(*given)

    monkeypatch.setattr(checks, "correctly_rounded", evaluate)


@pytest.mark.parametrize("function", FAMILY)
def test_no_function_is_forgotten(function):
    make_comparison(function)
    assert function in checks.ULPS
    assert oracle.correctly_rounded(function, np.zeros(1), "float64").size == 1
    assert arguments.odd(function).size > 0


# Of each function that is not real everywhere, the ends of the interval where results are finite.
DOMAINS = {
    **dict.fromkeys(("log", "log2", "log10"), (0.0, np.inf)),
    "log1p": (-1.0, np.inf),
    "logit": (0.0, 1.0),
}


@pytest.mark.parametrize("function", FAMILY)
def test_random_arguments(function):
    """They lie inside the domain, in every number, and near its ends."""
    rng = np.random.default_rng(0)
    low, high = DOMAINS.get(function, (-np.inf, np.inf))
    for number in (0, 1, 2, 3001):
        x = arguments.random(function, number, rng)
        assert x.size == number
        assert ((x > low) & (x < high)).all()
    assert min(abs(x - low).min(), abs(x).min()) < 2.0**-50
    assert max(x.max(), 1 - abs(1 - x).min()) > 1 - 2.0**-50


def test_half(capsys):
    assert main(["verify", "exp", "--dtype", "float16"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(LINE.format("exp float16", 65536, 0))
    assert "in all 65536 inputs: 0 wrong (" in printed.out
    assert printed.err == ""


def test_alias_and_bfloat16(capsys):
    pytest.importorskip("ml_dtypes", reason="bfloat16 is a type of ml_dtypes")
    assert main(["verify", "expit", "--dtype", "bfloat16"]) == 0
    assert capsys.readouterr().out.startswith(LINE.format("sigmoid bfloat16", 65536, 0))


def test_bfloat16_without_ml_dtypes(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    assert main(["verify", "exp", "--dtype", "bfloat16", "float16"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("exp bfloat16: skipped: needs ml_dtypes\nexp float16: 65536 inputs")
    assert "in all 65536 inputs: 0 wrong, 1 checks skipped (" in printed


@pytest.mark.thorough
def test_every_function_in_float64(capsys):
    assert main(["verify", "--dtype", "float64", "--random", "100"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in printed[:-1]] == [f"{function} float64" for function in FAMILY]
    for function, line in zip(FAMILY, printed, strict=False):
        bound = checks.ULPS[function]
        claimed = "against MPFR" if bound == checks.CORRECTLY_ROUNDED else f"within {bound} ulp of MPFR"
        assert f", 100 random), {claimed}; targets cpu, parallel: 0 wrong (" in line
        assert ("(0 hard cases, " in line) is (arguments.hard(function).size == 0)


def test_hard_cases_of_a_folder(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv(arguments.FOLDER, str(tmp_path))
    command = ["verify", "exp", "--dtype", "float64", "--random", "0"]
    assert main(command) == 0
    shipped = arguments.hard("exp").size
    assert f"({shipped} hard cases, " in capsys.readouterr().out
    np.save(tmp_path / "exp_f64_hard.npy", [0.25, 0.75])
    assert main(command) == 0
    assert f"({shipped + 2} hard cases, " in capsys.readouterr().out
    monkeypatch.setenv(arguments.FOLDER, str(tmp_path / "missing"))
    with pytest.raises(SystemExit, match="2"):
        main(command)
    assert "names no folder" in capsys.readouterr().err


def test_one_wrong_result(capsys, spoil):
    spoil("exp", 1.5)
    assert main(["verify", "exp", "--dtype", "float16"]) == 1
    expected, got = np.float16(np.exp(1.5)), np.nextafter(np.float16(np.exp(1.5)), np.float16(9))
    line, example, summary = capsys.readouterr().out.splitlines()
    assert line.startswith(LINE.format("exp float16", 65536, 1))
    assert example == f"    {(1.5).hex()} -> {float(got).hex()} (cpu), expected {float(expected).hex()} (MPFR)"
    assert summary.startswith("in all 65536 inputs: 1 wrong (")


def test_targets_that_differ(capsys, spoil):
    spoil("exp", 1.5, target="parallel")
    assert main(["verify", "exp", "--dtype", "float16"]) == 1
    expected, got = np.float16(np.exp(1.5)), np.nextafter(np.float16(np.exp(1.5)), np.float16(9))
    line, example, _ = capsys.readouterr().out.splitlines()
    assert line.startswith(LINE.format("exp float16", 65536, 1))
    assert example == f"    {(1.5).hex()} -> {float(got).hex()} (parallel), expected {float(expected).hex()} (cpu)"


def test_only_the_first_wrong_results_are_shown(monkeypatch):
    monkeypatch.setattr(numbaexp, "exp", np.ones_like)
    check = checks.make_check("exp", "float16", TARGETS, 0)
    for _ in check.run():
        pass
    assert check.wrong > 50000
    assert len(check.examples) == checks.KEEP


@pytest.mark.parametrize(
    ("function", "ulps"), [("exp", 1), ("sigmoid", 1), ("softplus", 2), ("tanh", 1), ("log_sigmoid", 1)]
)
def test_one_wrong_float64(spoil, function, ulps):
    spoil(function, 1.0, ulps)
    check = checks.make_check(function, "float64", TARGETS, 0)
    for _ in check.run():
        pass
    assert (check.checked, check.wrong) == (check.total, 1)
    assert check.examples[0].x == 1.0


def test_limits_and_signs_of_float64(monkeypatch):
    right = numbaexp.sigmoid
    monkeypatch.setattr(numbaexp, "sigmoid", lambda x: np.where(x < -800, -0.0, np.where(x > 800, 2.0, right(x))))
    check = checks.make_check("sigmoid", "float64", TARGETS, 0)
    check.check(np.array([-np.inf, -900.0, 0.0, np.inf, np.nan, 900.0]))
    assert check.wrong == 4


def test_negative_results_of_float64(monkeypatch):
    check = checks.make_check("log_sigmoid", "float64", TARGETS, 0)
    right = np.array([-np.log(2.0), -0.0, -np.inf, -0.0])
    monkeypatch.setattr(numbaexp, "log_sigmoid", lambda x: right)
    check.check(np.array([0.0, 800.0, -np.inf, np.inf]))
    assert check.wrong == 0
    monkeypatch.setattr(numbaexp, "log_sigmoid", lambda x: -right)
    check.check(np.array([0.0, 800.0, -np.inf, np.inf]))
    assert check.wrong == 4


@pytest.mark.parametrize(("a", "b", "c"), [(0.375, 0.5, 0.75), (0.2, 0.25, 1e-300)])
def test_both_forms_of_the_logit(a, b, c):
    """Of 300 bits more than the difference of two logarithms cancels."""
    for x in (a, b, c, 1 - a):
        with gmpy2.context(precision=400):
            expected = float(gmpy2.log(gmpy2.mpfr(x) / (1 - gmpy2.mpfr(x))))
        assert oracle.correctly_rounded("logit", [x], "float64") == expected


def test_one_wrong_float32(spoil):
    x = np.linspace(-110, 90, 10000, dtype=np.float32)
    check = checks.make_check("exp", "float32", TARGETS, 0)
    check.check(x)
    assert (check.checked, check.wrong) == (x.size, 0)
    spoil("exp", x[7000])
    check.check(x)
    assert (check.checked, check.wrong) == (2 * x.size, 1)
    assert check.examples[0].x == x[7000]
    assert check.examples[0].expected == numbaexp.exp(x[:1]).dtype.type(np.exp(float(x[7000])))


def test_what_only_mpfr_decides_and_signs_of_float32(monkeypatch):
    x = np.float32([-150, -200, np.nan])  # 2**-150 is a midpoint
    check = checks.make_check("exp2", "float32", TARGETS, 0)
    check.check(x)
    assert check.wrong == 0
    assert "for 1 of them, MPFR" in check.reference()
    right = numbaexp.exp2
    monkeypatch.setattr(numbaexp, "exp2", lambda x: -right(x))
    check.check(x)
    assert check.wrong == 2


def test_all_inputs_are_of_the_narrow_types():
    dtype = np.dtype(np.float16)
    found = np.concatenate(list(arguments.every(dtype, 1 << 14)))
    np.testing.assert_array_equal(found.view(np.uint16), np.arange(1 << 16))
    pieces = itertools.islice(arguments.every(np.dtype(np.float32), 1 << 14), 4)
    np.testing.assert_array_equal(np.concatenate(list(pieces)).view(np.uint32), np.arange(1 << 16))
    assert arguments.count(np.dtype(np.float32)) == 1 << 32


@pytest.mark.parametrize("dtype_name", ["float16", "bfloat16", "float32", "float64"])
def test_oracle_rounds_as_mpfr_does(monkeypatch, dtype_name):
    monkeypatch.setitem(oracle._COMPOSED, "expm1", gmpy2.expm1)
    monkeypatch.setitem(oracle._COMPOSED, "exp", gmpy2.exp)
    x = np.float16(np.concatenate([np.linspace(-800, 800, 5000), np.linspace(-2, 2, 1000), [np.nan, np.inf, -np.inf]]))
    composed = [oracle.correctly_rounded(function, x, dtype_name) for function in ("exp", "expm1")]
    monkeypatch.undo()
    np.testing.assert_array_equal(composed[0], oracle.correctly_rounded("exp", x, dtype_name))
    np.testing.assert_array_equal(composed[1], oracle.correctly_rounded("expm1", x, dtype_name))


def test_interrupt(capsys, spoil, interrupted_piece):
    spoil("expm1", 0.0)
    assert main(["verify", "expm1", "--dtype", "float16", "float64"]) == 130
    printed = capsys.readouterr()
    line, example, summary = printed.out.splitlines()
    assert line.startswith("expm1 float16: interrupted after 16384 of 65536 inputs, against MPFR; ")
    assert ": 1 wrong (" in line
    assert example.startswith("    0x0.0p+0 -> ")
    assert summary.startswith("interrupted, in all 16384 inputs: 1 wrong (")
    assert printed.err == ""


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("columns", ["20", "200"])
def test_progress_on_a_terminal(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert main(["verify", "exp", "--dtype", "float16"]) == 0
    shown = sys.stderr.getvalue().split("\r")
    assert max(map(len, shown)) < int(columns)
    assert any(text.startswith("exp float16 [") for text in shown)
    assert columns == "20" or any(" 25% " in text for text in shown)
    assert not shown[-1]
    assert not shown[-2].strip()


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals are others on Windows")
def test_ctrl_c():
    import pty

    ours, theirs = pty.openpty()
    # A process ignores what its parent ignores, as one in the background of a shell does.
    kept = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "numbaexp", "verify", "exp", "--dtype", "float32"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    ) as process:
        signal.signal(signal.SIGINT, kept)
        os.close(theirs)
        shown = b""
        while b"1% " not in shown:
            shown += os.read(ours, 1000)
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 130
    assert "exp float32: interrupted after " in printed
    assert ": 0 wrong (" in printed
    assert "\ninterrupted, in all " in printed


@pytest.mark.thorough
def test_without_gmpy2(run_script):
    run_script(
        """
        import contextlib, io, sys
        sys.modules["gmpy2"] = None
        from numbaexp.__main__ import main
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            try:
                main(["verify"])
            except SystemExit as end:
                assert end.code == 2
            else:
                raise AssertionError
        assert "needs gmpy2" in said.getvalue()
        assert "pip install 'numbaexp[verify]'" in said.getvalue()
        """
    )


def test_importing_the_package_loads_none_of_it(run_script):
    run_script(
        """
        import sys, numbaexp
        assert not [name for name in sys.modules if name.startswith(("numbaexp.verify", "numbaexp.__main__", "gmpy2"))]
        """
    )


def test_targets_that_are_not_usable(capsys, monkeypatch):
    monkeypatch.setattr(targets, "TARGETS", ("auto", "cuda", "cpu"))
    monkeypatch.setattr(usable, "missing", lambda: "no CUDA device")
    assert main(["verify", "exp", "--dtype", "float16"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("target cuda: skipped: `target` 'cuda' cannot be used: no CUDA device\n")
    assert "; targets cpu: 0 wrong (" in printed


@pytest.mark.thorough
def test_without_the_compiler(run_script):
    printed = run_script(
        """
        from numbaexp.__main__ import main
        assert main(["verify", "exp", "--dtype", "float16"]) == 0
        """,
        NUMBA_DISABLE_JIT="1",
    )
    assert "0 wrong" in printed


def test_help(capsys):
    assert main([]) == 0
    assert "verify" in capsys.readouterr().out


@pytest.mark.parametrize(
    "given", [["sin"], ["exp", "--dtype", "int8"], ["exp_"], ["--random", "-1"], ["--random", "many"], ["exp", "exp2"]]
)
def test_bad_usage(capsys, given):
    with pytest.raises(SystemExit, match="2"):
        main(["verify", *given])
    assert "usage: python -m numbaexp " in capsys.readouterr().err
