"""The benches: their command, the page that it writes, and the tables that are made of the committed results."""

import importlib
import re
from xml.etree import ElementTree

import pytest
from helpers import ROOT

pytest.importorskip("matplotlib", reason="the benches draw")
pytest.importorskip("markdown_it", reason="the benches write a page of HTML")
RESULTS = ROOT / "benches" / "results"


@pytest.fixture
def bench(monkeypatch):
    """Return what imports a module of the benches."""
    monkeypatch.syspath_prepend(str(ROOT / "benches"))
    return importlib.import_module


@pytest.mark.parametrize(
    ("file", "marker"),
    [
        ("README.md", "speed"),
        ("docs/performance/index.md", "speed"),
        ("docs/performance/losses.md", "losses"),
        ("docs/performance/report.md", "report"),
        ("docs/accuracy/index.md", "accuracy"),
    ],
)
def test_tables_are_those_of_the_results(bench, file, marker):
    report = bench("report")
    content = {(path, name): make for path, name, make in report.MARKED}[file, marker]
    text = (ROOT / file).read_text()
    assert f"<!-- {marker} -->\n|" in text or f"<!-- {marker} -->\n!" in text or f"<!-- {marker} -->\n#" in text
    assert report.filled(ROOT / file, marker, content(RESULTS)) == text, "run python benches/report.py"


def test_pictures_are_those_of_the_results(bench):
    """The report shows all that there are. Of one the texts are compared, not each point, which matplotlib may move."""
    report = bench("report")
    shown = re.findall(r"results/([\w-]+\.svg)", (ROOT / "docs" / "performance" / "report.md").read_text())
    assert set(shown) == {path.name for path in RESULTS.glob("*.svg")}
    expected = {
        of.picture[0] + suffix
        for name, of in report.SECTIONS.items()
        if of.picture
        for suffix in report.files(RESULTS, name)
    }
    assert set(shown) == {"speed.svg", *(f"{name}.svg" for name in expected)}
    files = report.files(RESULTS, "speed")
    drawn = bench("pictures").relative([files[suffix] for suffix in report.first_of_each_processor(RESULTS)])
    texts = [
        [node.text for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
        for svg in (drawn, (RESULTS / "speed.svg").read_text())
    ]
    assert texts[0] == texts[1]


def test_no_loss_is_left_out(bench):
    """The page of losses has a line for each row of a peer that is faster by a hundredth."""
    tables, harness = bench("tables"), bench("harness")
    losses = (ROOT / "docs" / "performance" / "losses.md").read_text()
    rows = harness.rows_in(RESULTS / "softmax.csv")
    own = {(row["function"], row["dtype"], row["shape"]): row for row in rows if row["provider"] == "numbaexp"}
    for row in rows:
        mine = own[row["function"], row["dtype"], row["shape"]]
        factor = float(mine["p50"]) / float(row["p50"])
        if factor >= 1.006:
            case = f"{row['function']}, {row['dtype']} | {tables.NAMES[row['provider']]} |"
            assert re.search(f"{re.escape(case)}.*{re.escape(row['shape'])}: {factor:.2f}", losses), row


def test_losses_of_a_made_up_file(bench):
    tables = bench("tables")
    row = {"function": "exp", "dtype": "float32", "interval": "-10 to 10"}
    of_sizes = [(100, 1.0, 2.0), (1000, 3.0, 2.0), (10_000, 4.0, 3.99)]
    rows = [
        {**row, "shape": str(size), "provider": provider, "target": target, "p50": str(seconds)}
        for size, own, peer in of_sizes
        for provider, target, seconds in (
            ("numbaexp", "auto", own),
            ("numbaexp", "cpu", 0.1),
            ("torch", "cpu", peer),
            ("copy loop", "parallel", 0.01),
        )
    ]
    assert list(tables.losses("speed", rows)) == [("exp, float32", "torch", "1,000", 1.5)]
    assert "| exp, float32 | PyTorch | 1,000: 1.50 |" in tables.losses_table("speed", rows)


def part_of(run, command, name="made-up", result="", needs=()):
    return run.Part(name, result, command, needs, 1.0)


@pytest.mark.thorough
def test_the_command(bench, tmp_path, capsys):
    """One part of the quick plan, at one small size: rows, a page, and nothing to do the next time."""
    run = bench("run")
    (part,) = (part for part in run.plan(quick=True) if part.name == "speed-exp")
    sizes = part.command.index("--sizes")
    part = part._replace(command=(*part.command[:sizes], "--sizes", "1000", "--providers", "numbaexp", "numpy"))
    assert run.measure([part], tmp_path, "0.001", "here") == 0
    printed = capsys.readouterr().out
    assert "1 of 1 parts" in printed
    assert "speed-exp: finished" in printed
    rows = bench("harness").rows_in(tmp_path / "speed-here.csv")
    assert {row["provider"] for row in rows} == {"numbaexp", "numpy"}
    assert {row["shape"] for row in rows} == {"1000"}
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 2
    assert "exp, float32, 1,000" in page
    assert re.findall(r"<(?:script|link|img|iframe)\b", page) == []
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }

    assert run.measure([part], tmp_path, "0.001", "here") == 0
    assert "0 of 1 parts" in capsys.readouterr().out


def test_a_part_that_fails_or_lacks_a_module_does_not_stop_the_others(bench, tmp_path, capsys):
    run = bench("run")
    parts = [
        part_of(run, ("-c", "raise SystemExit('no luck')"), "bad"),
        part_of(run, ("-c", ""), "lacking", needs=("no_such_module",)),
        part_of(run, ("-c", "print('done')"), "good"),
    ]
    assert run.measure(parts, tmp_path, "0.001") == 1
    printed = capsys.readouterr().out
    assert "bad: failed" in printed
    assert "lacking: skipped, needs no_such_module" in printed
    assert "good: finished" in printed
    assert (tmp_path / "parts" / "bad.unfinished.txt").read_text() == "no luck\n"
    assert [part.name for part in run.Run(parts, tmp_path, "0.001").left()] == ["bad"]


def test_stopped(bench, tmp_path, capsys, monkeypatch):
    """Finished parts stay, and the page is written."""
    run = bench("run")

    def stop(_seconds):
        raise KeyboardInterrupt

    long = part_of(run, ("-c", "import time; time.sleep(100)"), "long")
    assert run.measure([part_of(run, ("-c", ""), "short")], tmp_path, "0.001") == 0
    monkeypatch.setattr(run.time, "sleep", stop)
    assert run.measure([part_of(run, ("-c", ""), "short"), long], tmp_path, "0.001") == 1
    assert "The same command goes on" in capsys.readouterr().out
    assert (tmp_path / "report.html").exists()
    assert [part.name for part in run.Run([long], tmp_path, "0.001").left()] == ["long"]


@pytest.mark.parametrize("quick", [True, False])
def test_plans(bench, quick):
    """Each part has a name of its own and a script that is there; the quick plan takes a few minutes, the other half an
    hour."""
    run = bench("run")
    parts = run.plan(quick)
    assert len({part.name for part in parts}) == len(parts)
    assert all((ROOT / "benches" / f"{part.result}.py").exists() for part in parts if part.result)
    seconds = float(run.QUICK if quick else bench("harness").BUDGET)
    assert sum(part.expected(seconds) for part in parts) < (10 if quick else 45) * 60
