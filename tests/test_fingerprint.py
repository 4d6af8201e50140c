"""The fingerprints: their arguments, that each level has the published ones, and what the command prints."""

import contextlib
import csv
import hashlib
import math
import re
import shutil
import struct
import subprocess
import sys

import numpy as np
import pytest
from helpers import ELEMENTWISE, FLOATS, FORMATS, OF_NUMPY, ROOT, printed, run_python

import numbaexp
from numbaexp import __main__
from numbaexp.__main__ import main
from numbaexp.scalar.family import SAVED
from numbaexp.vector.level import SSE2, current_level
from numbaexp.verify import fingerprint, fingerprint_command
from numbaexp.verify.fingerprint_arguments import FIRST, SAMPLE, SECOND, SHAPES, rows, sample, stream

USUAL = ("exp", "sigmoid_backward", "softmax", "logaddexp")
MASK = (1 << 64) - 1


@pytest.fixture
def here_alone(monkeypatch):
    """Compare at this level alone."""
    monkeypatch.setattr(fingerprint_command, "LESSER", {})
    monkeypatch.setattr(numbaexp, "targets", lambda: {"cuda": "not in this test"})


def assert_as_published(found):
    known = fingerprint.published()
    found = list(found)
    assert found
    assert [known[each[:3]] for each in found] == found


# Arguments.


def number_of(seed, index):
    """Return a number of SplitMix64, by Python's integers."""
    mixed = (seed + (index + 1) * 0x9E3779B97F4A7C15) & MASK
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & MASK
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & MASK
    return mixed ^ mixed >> 31


def argument(seed, index, name):
    """Return the bit pattern of a number of a sample, as the documentation says it."""
    width, stored = {"float16": (16, 10), "bfloat16": (16, 7), "float32": (32, 23), "float64": (64, 52)}[name]
    bias = FORMATS[name].overflow - 1
    drawn = number_of(seed, index)
    fraction = drawn % 2**stored
    if index % 4 == 0:
        return drawn >> 64 - width
    if index % 4 < 3:
        return (drawn >> 63) << width - 1 | bias - 6 + (drawn >> 59) % 16 << stored | fraction
    distance = fraction >> (drawn >> 52) % 64 % stored
    one = bias << stored
    return (drawn >> 62 & 1) << width - 1 | (one - distance if drawn >> 63 else one + distance)


def test_stream():
    """The first numbers that the authors of SplitMix64 give of the seed 0, and those of this test."""
    assert stream(0, 3).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert stream(7, 100).tolist() == [number_of(7, index) for index in range(100)]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("seed", [FIRST, SECOND])
def test_sample(dtype, seed):
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes", reason="bfloat16 is a type of ml_dtypes")
    x = sample(seed, dtype)
    assert x.size == SAMPLE
    patterns = x.view(f"u{x.itemsize}")[:4000].tolist()
    assert patterns == [argument(seed, index, dtype) for index in range(4000)]


PROGRAM = """\
#include <math.h>
#include <stdint.h>
#include <stdio.h>
{blocks}
int main(void) {{
    for (uint64_t i = 0; i < 4096; i++) {{
        uint32_t of_float32 = pattern(1, i, 32, 23);
        uint64_t of_float64 = pattern(1, i, 64, 52);
        double of_rows = x(1, i, 23);
        fwrite(&of_float32, 4, 1, stdout);
        fwrite(&of_float64, 8, 1, stdout);
        fwrite(&of_rows, 8, 1, stdout);
    }}
}}
"""


def test_c_of_the_documentation(tmp_path):
    """The code of the page makes the arguments."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    page = (ROOT / "docs" / "accuracy" / "fingerprint.md").read_text()
    blocks = "\n".join(re.findall(r"^```c\n(.*?)^```$", page, re.M | re.S))
    (tmp_path / "arguments.c").write_text(PROGRAM.format(blocks=blocks))
    command = [compiler, "-o", tmp_path / "arguments", tmp_path / "arguments.c", "-lm"]
    subprocess.run(command, check=True, capture_output=True)
    written = subprocess.run([tmp_path / "arguments"], check=True, capture_output=True).stdout
    found = np.frombuffer(written, np.dtype([("single", "<u4"), ("double", "<u8"), ("rows", "<f8")]))
    assert found["single"].tolist() == sample(SECOND, "float32").view(np.uint32)[:4096].tolist()
    assert found["double"].tolist() == sample(SECOND, "float64").view(np.uint64)[:4096].tolist()
    *_, given = rows("float32")
    assert found["rows"].tolist() == given.gradient.ravel()[:4096].tolist()


@pytest.mark.parametrize("dtype", OF_NUMPY)
def test_rows(dtype):
    bits = FORMATS[dtype].precision
    for given, (number, length) in zip(rows(dtype), SHAPES, strict=True):
        for seed, array in (
            (FIRST, given.x.ravel()),
            (SECOND, given.gradient.ravel()),
            (SECOND, given.gradient_of_rows),
        ):
            integers = [number_of(seed, index) >> 64 - bits for index in range(min(array.size, 1000))]
            signed = [each - (each >> bits - 1 << bits) for each in integers]
            assert array.tolist()[:1000] == [math.ldexp(each, 5 - bits) for each in signed]
        assert given.x.shape == given.gradient.shape == (number, length)
        assert given.classes.tolist() == [number_of(2, index) % length for index in range(number)]


SHA256 = {
    "float16": "616ceb56641a2259b5dd0bb3582af086c9529919df6375335f755a76e954d922",
    "bfloat16": "558c1375cee057bac0ec70cacc80956182130e05625710609315c62ecbf4ddc9",
    "float32": "191631921b61f5b3c8e3f4062c969f7b1a931093d6980d189e91f2281c61f657",
    "float64": "abfc8376a778605548f29c3a609c926efd7e3794bbd3ec068e8c8eff6a0cd449",
}


@pytest.mark.parametrize(("dtype", "sha256"), SHA256.items())
def test_bytes_of_arguments(dtype, sha256):
    """All arguments of a type, so that a platform that makes others is found."""
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes", reason="bfloat16 is a type of ml_dtypes")
    found = hashlib.sha256()
    for seed in (FIRST, SECOND):
        found.update(sample(seed, dtype).tobytes())
    for given in rows(dtype):
        for array in given:
            found.update(array.tobytes())
    assert found.hexdigest() == sha256


# Results.


# Of gradients one.
@pytest.mark.checked(function=[name for name in fingerprint.FUNCTIONS if name not in SAVED or name == "exp_backward"])
@pytest.mark.sampled(function=USUAL)
@pytest.mark.parametrize("function", fingerprint.FUNCTIONS)
def test_at_this_level(function):
    dtypes = [name for name in FLOATS if name not in fingerprint_command.missing(FLOATS)]
    assert_as_published(fingerprint.fingerprints([function], dtypes, whole=False))


@pytest.mark.checked(function="exp")
@pytest.mark.thorough
@pytest.mark.parametrize("function", fingerprint.FUNCTIONS)
def test_at_lesser_levels(function, processor):
    command = ("-m", "numbaexp.verify.fingerprint", function, "--dtype", *OF_NUMPY)
    table = printed(run_python(*command, **processor)).splitlines()
    assert_as_published(map(fingerprint.read, csv.reader(table)))


@pytest.mark.whole
@pytest.mark.parametrize("function", ELEMENTWISE)
def test_every_float32(function):
    assert_as_published(fingerprint.fingerprints([function], ["float32"], whole=True))


@pytest.mark.parametrize("target", ["cpu", "parallel"])
def test_threads(target):
    with numbaexp.use_target(target):
        assert_as_published(fingerprint.fingerprints(["exp"], ["float64"], whole=False))


def test_every_nan_is_one():
    halves = np.arange(1 << 16, dtype=np.uint16)
    given = halves.view(np.float16)
    found = np.frombuffer(fingerprint.canonical(given), "<u2")
    is_nan = halves & 0x7FFF > 0x7C00
    np.testing.assert_array_equal(found, np.where(is_nan, 0x7E00, halves))
    np.testing.assert_array_equal(given.view(np.uint16), np.arange(1 << 16))
    for dtype, expected in ((np.float32, 0x7FC00000), (np.float64, 0x7FF8 << 48)):
        bytes_of_two = bytes(fingerprint.canonical(np.array([-np.nan, 1], dtype)))
        assert bytes_of_two == struct.pack("<If" if dtype == np.float32 else "<Qd", expected, 1.0)


def test_canonical_bfloat16():
    bfloat16 = pytest.importorskip("ml_dtypes", reason="bfloat16 is a type of ml_dtypes").bfloat16
    patterns = np.array([0xFF81, 0x7FFF, 0x8000, 0x7F80], np.uint16)
    found = np.frombuffer(fingerprint.canonical(patterns.view(bfloat16)), "<u2")
    assert found.tolist() == [0x7FC0, 0x7FC0, 0x8000, 0x7F80]


# The table.


def test_table_is_complete(tmp_path, monkeypatch):
    """All functions in all types, as the tool writes them; and every float32 of functions of one argument."""
    assert {*fingerprint.FUNCTIONS} == {*__main__._FINGERPRINTED.values()}
    known = fingerprint.published()
    assert {each[:2] for each in known} == {(function, dtype) for function in fingerprint.FUNCTIONS for dtype in FLOATS}
    for function in ELEMENTWISE:
        assert known[function, "float32", "every"].number == 1 << 32
        assert known[function, "float16", "every"].number == 1 << 16
    text = fingerprint.TABLE.read_bytes()
    monkeypatch.setattr(fingerprint, "TABLE", tmp_path / "table.csv")
    fingerprint.write(reversed(list(known.values())))
    assert fingerprint.TABLE.read_bytes() == text
    fingerprint.write([known["exp", "float16", "every"]._replace(sha256="0")])
    assert fingerprint.published() == {**known, ("exp", "float16", "every"): ("exp", "float16", "every", 1 << 16, "0")}


# The command.


def test_same_bits(capsys):
    assert main(["verify", "exp", "--fingerprint", "--dtype", "float16"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    levels = [current_level().name, *(lesser.name for lesser in fingerprint_command.LESSER.get(current_level(), ()))]
    assert [line.rstrip(":") for line in lines[:-1:2]] == levels
    known = fingerprint.published()["exp", "float16", "every"]
    assert all(line.split() == ["exp", "float16", "every", known.sha256, "as", "published"] for line in lines[1::2])
    number, names = len(levels), ", ".join(levels)
    assert lines[-1].startswith(f"the same bits as everybody: {number} fingerprints at {names} are as published (")
    assert err == ""


@pytest.mark.usefixtures("here_alone")
def test_needs_no_gmpy2():
    code = """\
        import sys
        sys.modules["gmpy2"] = None
        from numbaexp.verify import fingerprint_command
        fingerprint_command.LESSER = {}
        from numbaexp.__main__ import main
        sys.exit(main(["verify", "expit", "--fingerprint", "--dtype", "float16"]))
        """
    lines = printed(run_python("-c", "\n".join(map(str.strip, code.splitlines())))).splitlines()
    assert lines[1].split()[:2] == ["sigmoid", "float16"]


@pytest.mark.usefixtures("here_alone")
def test_one_wrong_bit(capsys, monkeypatch):
    right = numbaexp.exp

    def wrong(x):
        y = right(x)
        if x.dtype == np.float16:
            y.view(np.uint16)[0x3C00] ^= 1
        return y

    monkeypatch.setattr(numbaexp, "exp", wrong)
    assert main(["verify", "exp", "--fingerprint", "--dtype", "float16", "float64"]) == 1
    level, wrong_line, published, *right_lines, summary = capsys.readouterr().out.splitlines()
    assert level == f"{current_level().name}:"
    assert wrong_line.endswith(" differs")
    assert published.split()[0] == fingerprint.published()["exp", "float16", "every"].sha256
    assert published.endswith("published, of 65536 inputs")
    assert len(right_lines) == 2
    assert all(line.endswith(" as published") for line in right_lines)
    expected = f"not the same bits as everybody: of 3 fingerprints differ exp float16 every ({current_level().name}) ("
    assert summary.startswith(expected)


@pytest.mark.usefixtures("here_alone")
def test_not_published(capsys, monkeypatch, tmp_path):
    (tmp_path / "table.csv").write_text("function,dtype,inputs,number,sha256\n")
    monkeypatch.setattr(fingerprint, "TABLE", tmp_path / "table.csv")
    assert main(["verify", "exp", "--fingerprint", "--dtype", "float16"]) == 1
    assert " not published\nnot the same bits as everybody: of 1 fingerprints differ exp" in capsys.readouterr().out


def test_process_that_fails(capfd, monkeypatch):
    monkeypatch.setattr(fingerprint_command, "LESSER", {current_level(): (SSE2,)})
    monkeypatch.setattr(numbaexp, "targets", lambda: {"cuda": "not in this test"})
    monkeypatch.setattr(fingerprint_command, "MODULE", "numbaexp.verify.missing")
    assert main(["verify", "exp", "--fingerprint", "--dtype", "float16"]) == 1
    assert f"differ the process of {SSE2.name}, which ended with status 1 (" in capfd.readouterr().out


def test_gpu(capsys, monkeypatch):
    """Where there is one the fingerprints are computed on that, too."""
    chosen = []

    @contextlib.contextmanager
    def use_target(target):
        chosen.append(target)
        yield
        chosen.append(None)

    monkeypatch.setattr(fingerprint_command, "LESSER", {})
    monkeypatch.setattr(numbaexp, "targets", lambda: {"cuda": None})
    monkeypatch.setattr(numbaexp, "use_target", use_target)
    right = numbaexp.exp
    monkeypatch.setattr(numbaexp, "exp", lambda x: -right(x) if chosen else right(x))
    assert main(["verify", "exp", "--fingerprint", "--dtype", "float16"]) == 1
    assert chosen == ["cuda", None]
    assert "of 2 fingerprints differ exp float16 every (CUDA) (" in capsys.readouterr().out


@pytest.mark.usefixtures("here_alone")
def test_interrupt(capsys, monkeypatch):
    right = numbaexp.exp

    def interrupted(x):
        if x.dtype == np.float64:
            raise KeyboardInterrupt
        return right(x)

    monkeypatch.setattr(numbaexp, "exp", interrupted)
    assert main(["verify", "exp", "--fingerprint", "--dtype", "float16", "float64"]) == 130
    assert "\ninterrupted, the same bits as everybody: 1 fingerprints at " in capsys.readouterr().out


@pytest.mark.usefixtures("here_alone")
def test_without_ml_dtypes(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    assert main(["verify", "exp", "--fingerprint", "--dtype", "bfloat16"]) == 2
    assert main(["verify", "exp", "--fingerprint", "--dtype", "bfloat16", "float16"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("bfloat16: skipped: needs ml_dtypes\n")
    assert " are as published, bfloat16 skipped (" in printed


@pytest.mark.parametrize("options", [["exp", "--whole"], ["softmax"], ["nothing", "--fingerprint"]], ids=" ".join)
def test_options_that_do_not_fit(options, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["verify", *options])
    assert capsys.readouterr().err
