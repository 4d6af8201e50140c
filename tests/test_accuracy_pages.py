"""The figures of the documentation's pages about accuracy are those of the code and of the search."""

import importlib
import re

import pytest
from helpers import ROOT, table_rows

from numbaexp.scalar.family import FAMILY
from numbaexp.verify.checks import CORRECTLY_ROUNDED, ULPS
from numbaexp.verify.hard_cases import read_table

BOUNDS = [
    cells[:2]
    for third in ("the error of", "the meaning")
    for cells in table_rows("accuracy/bounds.md", "constant", "value", third)
]
# Module, attributes, and an index.
CONSTANT = re.compile(r"(\w+)\.([\w.]+)(?:\[(\d+)\])?")


def number(text):
    """Return what ``1.5 * 2**-63`` or ``4096`` says."""
    factor, _, power = text.rpartition("2**")
    if not power.lstrip("-").isdigit() or "2**" not in text:
        return float(text)
    return float(factor.removesuffix(" * ") or 1) * 2.0 ** int(power)


@pytest.mark.parametrize(("constant", "value"), BOUNDS)
def test_bounds_are_those_of_the_code(constant, value):
    module, attributes, index = CONSTANT.fullmatch(constant).groups()
    found = importlib.import_module(f"numbaexp.scalar.{module}")
    if constant == "accurate.ACCURATE_ERROR":
        # The code has no use for the number.
        assert f"ACCURATE_ERROR = {value}\n" in found.__doc__
        return
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    assert (found[int(index)] if index else found) == number(value)


def test_no_bound_is_left_out():
    listed = {constant for constant, _ in BOUNDS}
    for path in sorted((ROOT / "numbaexp" / "scalar").glob("*.py")):
        for names in re.findall(r"^([A-Z_0-9, =]+) = ", path.read_text(), re.M):
            for name in re.findall(r"\w*_?ERROR\w*", names):
                assert any(each.startswith(f"{path.stem}.{name}") for each in listed), (path.stem, name)


def test_hard_cases_are_those_of_the_search():
    rows = table_rows("accuracy/search.md", "function", "cases", "the hardest")
    assert [cells[0] for cells in rows] == [name for name in FAMILY if read_table(name)]
    for name, cases, hardest, bits in rows:
        table = read_table(name)
        assert (int(cases), float(bits)) == (len(table), max(table.values())), name
        assert table[float.fromhex(hardest)] == float(bits), name
    total = sum(int(cells[1]) for cells in rows)
    assert f"{total:,}".replace(",", " ") in (ROOT / "docs/accuracy/search.md").read_text()


@pytest.mark.parametrize(
    ("function", "x", "distance", "error"), table_rows("accuracy/search.md", "function", "argument")
)
def test_published_cases_are_further_than_the_error(function, x, distance, error):
    gmpy2 = pytest.importorskip("gmpy2", reason="MPFR (gmpy2) measures the distance")
    with gmpy2.context(precision=300):
        exact = abs(getattr(gmpy2, function)(gmpy2.mpfr(float.fromhex(x))))
        ulp = gmpy2.exp2(gmpy2.get_exp(exact) - 53)
        found = float(gmpy2.log2(abs(exact / ulp - gmpy2.floor(exact / ulp) - 0.5) * ulp / exact))
    stated, bound = (float(text.removeprefix("2**")) for text in (distance, error))
    assert found == pytest.approx(stated, abs=0.06)
    assert bound < found - 1
    derivations = importlib.import_module(FAMILY[function]["float64"].accurate.__module__).__doc__
    assert error in derivations


def test_claims_are_those_that_are_verified():
    claimed = {}
    for names, _, wide in table_rows("accuracy/index.md", "", "float16, bfloat16, float32", "float64"):
        within = re.search(r"within ([\d.]+) ulp", wide)
        bound = float(within[1]) if within else CORRECTLY_ROUNDED
        claimed.update(dict.fromkeys(re.findall(r"\w+", names), bound))
    assert {name: claimed[name] for name in ULPS} == ULPS
