"""Make one page of HTML of the results in a folder, with its pictures, that needs nothing else.

``python benches/page.py FOLDER`` writes ``FOLDER/report.html``.
"""

import argparse
import html
import pathlib
import re

import report
from harness import RESULTS
from markdown_it import MarkdownIt
from pictures import INK, PAPER

TITLE = "numbaexp: speed and accuracy"
HEAD = (
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    "<style>{style}</style>"
)
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1, h2 { line-height: 1.2; }
h2 { margin-top: 2.5rem; }
svg { display: block; width: 100%; height: auto; max-width: 46rem; margin: 1rem 0; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.6rem; border-bottom: 1px solid #8886; }
"""


def inlined(svg: str, label: str) -> str:
    """Return a picture as an element of a page: in the colours of the page, without identifiers that others have."""
    element = svg[svg.index("<svg") :].replace(INK, "currentColor").replace(PAPER, "none")
    element = re.sub(r' id="[A-Za-z.]\w*_\d+"', "", element)
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    return element.replace("<svg", f'<svg role="img" aria-label="{html.escape(label)}"', 1)


def page(folder: pathlib.Path) -> str:
    """Return the page of the results in a folder."""
    drawn = report.all_pictures(folder)

    def picture(_renderer, tokens, index, _options, _env):
        return inlined(drawn[tokens[index].attrs["src"]], tokens[index].content)

    renderer = MarkdownIt("commonmark").enable("table")
    renderer.add_render_rule("image", picture)
    body = renderer.render(f"# {TITLE}\n\n{report.report(folder, drawn)}")
    body = body.replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")
    head = HEAD.format(title=TITLE, style=STYLE)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}</body></html>\n'


def write(folder: pathlib.Path) -> pathlib.Path:
    """Write the page of the results in a folder; return the path."""
    path = folder / "report.html"
    path.write_text(page(folder), encoding="utf-8")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description="Make one page of HTML of the results in a folder.")
    parser.add_argument("folder", type=pathlib.Path, nargs="?", default=RESULTS)
    print(write(parser.parse_args().folder))


if __name__ == "__main__":
    main()
