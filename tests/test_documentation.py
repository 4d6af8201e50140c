"""The code blocks of the documentation run, and say what they say; each public name has its line in the reference."""

import doctest
import re

import pytest
from helpers import ROOT, TESTS, printed, run_python

import numbaexp
from numbaexp import autograd

DOCS = ROOT / "docs"
PAGES = [str(path.relative_to(DOCS)) for path in sorted(DOCS.rglob("*.md"))]
NEEDS = re.compile(r"<!-- needs: (.*) -->\n")
ENVIRONMENT = re.compile(r"^<!-- environment: (\w+)=(\w+) -->$", re.M)
LANGUAGES = {"c", "console", "dockerfile", "python", "text", "yaml"}


def blocks(text, language):
    """Return the contents of the code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def failures(page):
    """Run the code blocks of a page; return what doctest tells of those that fail."""
    # Without the end of a block, which a doctest would take for output.
    source = "\n".join(blocks((DOCS / page).read_text(), "python"))
    example = doctest.DocTestParser().get_doctest(source, {}, page, page, 0)
    report = []
    # Code that PyTorch has compiled looks for its guards in the namespace when the code goes.
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=report.append, clear_globs=False)
    return "".join(report)


@pytest.mark.sampled(page="index.md")
@pytest.mark.parametrize("page", [page for page in PAGES if blocks((DOCS / page).read_text(), "python")])
def test_python(page):
    text = (DOCS / page).read_text()
    needs = NEEDS.match(text)
    for module in needs[1].split() if needs else ():
        pytest.importorskip(module, reason=f"{page} is about it")
    variables = dict(ENVIRONMENT.findall(text))
    if not variables:
        assert not failures(page)
        return
    # Libraries read the variables when they are imported.
    source = f"import test_documentation; print(test_documentation.failures({page!r}), end='')"
    told = printed(run_python("-c", source, cwd=TESTS, **variables))
    assert not told, told


@pytest.mark.parametrize("page", PAGES)
def test_blocks_are_run_or_shown_as_commands(page):
    text = (DOCS / page).read_text()
    assert all(block.startswith(">>> ") for block in blocks(text, "python")), page
    assert all(block.startswith("$ ") for block in blocks(text, "console")), page
    # Directives have braces.
    languages = {name for name in re.findall(r"^```([^\n{]+)", text, re.M) if not name.startswith("`")}
    assert languages <= LANGUAGES, page


def test_the_reference_is_whole():
    text = (DOCS / "reference" / "index.md").read_text()
    listed = re.findall(r"^   (\w+)$", text, re.M)
    assert len(listed) == len(set(listed))
    assert set(listed) == {*numbaexp.__all__, *autograd.__all__} - {"autograd"}


def test_each_version_says_which_bits_are_others():
    table, _, _ = (DOCS / "development" / "changes.md").read_text().partition("```{include}")
    told = {version for row in re.findall(r"^\| (\d\S*(?:, \S+)*) \|", table, re.M) for version in row.split(", ")}
    versions = re.findall(r"^## (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    # The first version has none before.
    assert told == set(versions[:-1])
