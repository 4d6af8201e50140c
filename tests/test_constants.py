"""The constants are those that the script derives."""

import functools

import pytest

pytest.importorskip("mpmath", reason="mpmath derives the constants")
from numbaexp.scalar import derive_constants

# Deriving takes as long as a hundred other tests.
pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module", autouse=True)
def _derived_once():
    """It takes a quarter of a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(derive_constants, "render", functools.cache(derive_constants.render))
        yield


def test_check(capsys):
    assert derive_constants.main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_check_sees_a_change(tmp_path, monkeypatch):
    changed = tmp_path / "constants.py"
    changed.write_text(derive_constants.TARGET.read_text().replace("p+0", "p+1", 1))
    monkeypatch.setattr(derive_constants, "TARGET", changed)
    assert derive_constants.main(["--check"]) == 1
    assert derive_constants.main([]) == 0
    assert derive_constants.main(["--check"]) == 0
