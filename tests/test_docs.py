"""The examples of the docstrings and of the README run, and say what they say."""

import doctest

import pytest
from helpers import ROOT

import numbaexp

README = ROOT / "README.md"


def run(text, name):
    example = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    assert example.examples
    report = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=report.append)
    assert not report, "".join(report)


@pytest.mark.parametrize("name", numbaexp.__all__)
def test_docstring(name):
    run(getattr(numbaexp, name).__doc__, name)


def test_readme(torch):
    blocks = README.read_text().split("```python\n")[1:]
    assert blocks
    run("\n".join(block.partition("```")[0] for block in blocks), "README")
