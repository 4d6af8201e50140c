"""Other processors, as far as this one can stand in for them: the same bits and the same flags."""

import itertools
import platform

import numpy as np
import pytest
from helpers import FORMS, TESTS, assert_same_but_nan, printed, run_tests

import numbaexp
from numbaexp.scalar.family import FAMILY
from numbaexp.verify.hard_cases import hard_cases

pytestmark = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="stand-ins for x86 processors alone"
)


OTHERS = [name for name in FAMILY if name not in FORMS]


# Those of exp are published, and tried by ``test_fingerprint.py``.
@pytest.mark.thorough
@pytest.mark.parametrize(
    ("processor", "functions"),
    [
        ("AVX2", " ".join(FORMS[1:])),
        pytest.param("AVX2", " ".join(("exp", *OTHERS)), marks=pytest.mark.whole),
        pytest.param("neither FMA nor F16C", " ".join((*FORMS, *OTHERS)), marks=pytest.mark.whole),
    ],
    indirect=["processor"],
)
def test_same_bits(run_script, processor, tmp_path, functions):
    generator = np.random.default_rng(0)
    arrays = {
        "float16": np.arange(1 << 16, dtype=np.uint16).view(np.float16),
        "float32": generator.integers(0, 1 << 32, 300_000, np.uint32).view(np.float32),
        "float64": np.concatenate(
            [
                generator.uniform(-746, 710, 100_000),
                generator.uniform(-20, 20, 100_000),
                *(hard_cases(name) for name in ("exp", "exp2", "exp10", "expm1")),
                [5e-324, np.inf, -np.inf, 1e308, -1e308],
            ]
        ),
    }
    np.savez(tmp_path / "x.npz", **arrays)
    run_script(
        f"""
        import numpy as np, numbaexp
        np.seterr(all="ignore")
        x = np.load({str(tmp_path / "x.npz")!r})
        results = {{f"{{f}} {{name}}": getattr(numbaexp, f)(x[name]) for f in {functions.split()} for name in x}}
        np.savez({str(tmp_path / "y.npz")!r}, **results)
        """,
        timeout=600,
        **processor,
    )
    with np.errstate(all="ignore"), np.load(tmp_path / "y.npz") as results:
        for function, (name, x) in itertools.product(functions.split(), arrays.items()):
            expected, got = getattr(numbaexp, function)(x), results[f"{function} {name}"]
            assert_same_but_nan(got, expected, function, name)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("processor", "names"),
    [
        ("AVX2", ("exp", "log")),
        pytest.param("AVX2", ("expm1", "sigmoid", *OTHERS), marks=pytest.mark.whole),
        pytest.param("neither FMA nor F16C", tuple(FAMILY), marks=pytest.mark.whole),
    ],
    indirect=["processor"],
    ids=["AVX2", "AVX2, others", "neither FMA nor F16C"],
)
def test_halves_and_flags(processor, names):
    pytest.importorskip("gmpy2", reason="MPFR (gmpy2) is the oracle")
    files = [TESTS / "test_exhaustive_half.py", TESTS / "test_float64.py"]
    # A word of ``-k`` is in the names of other functions too: these are left out by theirs.
    left_out = [name for name in FAMILY if name not in names and not any(name in each for each in names)]
    chosen = " and ".join(["(flags or whole)", f"({' or '.join(names)})", *(f"not {name}" for name in left_out)])
    printed(run_tests(*files, "-k", chosen, **processor))
