"""Run the examples, and write a page for each: purpose, picture, printed lines, source."""

import ast
import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.display import status_iterator

_LOG = logging.getLogger(__name__)
_ROOT = Path(__file__).parents[2]
_EXAMPLES, _PAGES = _ROOT / "examples", _ROOT / "docs" / "examples"
_MISSING = re.compile(r"^ModuleNotFoundError: No module named '(\w+)", re.M)

_INDEX = """# Examples

Each example prints a few lines and draws a picture. The pages show both as the build of this documentation made them.

::::{{grid}} 1 2 2 3
:gutter: 3

{cards}
::::

```{{toctree}}
:hidden:

{names}
```
"""
_CARD = """:::{{grid-item-card}} {title}
:link: {name}
:link-type: doc
:img-top: {name}.svg
:img-alt: Picture of {name}.py

{purpose}
:::
"""
_PAGE = """% {key}

# {title}

{text}

```{{figure}} {name}.svg
:alt: Picture of {name}.py
:figclass: wide
:width: 100%
```

## Printed lines

{printed}

## Source

{{download}}`{name}.py <../../examples/{name}.py>` runs in a checkout: `python examples/{name}.py`. The file
{{download}}`drawing.py <../../examples/drawing.py>` beside this one holds the common look of the pictures.

```{{literalinclude}} ../../examples/{name}.py
:language: python
```
"""


def _key(example: Path) -> str:
    """Return a hash of all that an example runs."""
    digest = hashlib.sha256()
    for path in (Path(__file__), example, _EXAMPLES / "drawing.py", *sorted((_ROOT / "numbaexp").rglob("*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _run(example: Path, picture: Path) -> str:
    """Return what an example prints, as Markdown; without a library that the example needs, copy the stored picture."""
    command = [sys.executable, "-W", "error", str(example), "--picture", str(picture)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        lines = [line for line in done.stdout.splitlines() if not line.startswith("Picture: ")]
        return "\n".join(("```text", *lines, "```"))
    missing = _MISSING.search(done.stderr)
    if not missing:
        raise ExtensionError(f"{example.name} failed:\n{done.stderr}")
    _LOG.info("%s is not run: %s is not installed", example.name, missing[1])
    picture.write_bytes((_EXAMPLES / "pictures" / picture.name).read_bytes())
    return f"The machine that built this page has no {missing[1]}, which the example needs."


def _write(path: Path, text: str) -> None:
    """Write a file if its contents change, so that Sphinx reads no page again in vain."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _generate(app: Sphinx) -> None:
    """Write the pages of the gallery, and run the examples whose pages are of other sources."""
    _PAGES.mkdir(exist_ok=True)
    examples = [_EXAMPLES / f"{path.stem}.py" for path in sorted((_EXAMPLES / "pictures").glob("*.svg"))]
    cards = []
    for example in status_iterator(examples, "running examples... ", length=len(examples), stringify_func=str):
        text = ast.get_docstring(ast.parse(example.read_text())) or ""
        name = example.stem
        title = f"{name[0].upper()}{name[1:].replace('_torch', '_in_PyTorch').replace('_', ' ')}"
        page, key = _PAGES / f"{name}.md", _key(example)
        if not page.exists() or not page.read_text().startswith(f"% {key}\n"):
            printed = _run(example, page.with_suffix(".svg"))
            _write(page, _PAGE.format(key=key, title=title, text=text, name=name, printed=printed))
        cards.append(_CARD.format(title=title, name=name, purpose=text.partition("\n\n")[0]))
    names = "\n".join(example.stem for example in examples)
    _write(_PAGES / "index.md", _INDEX.format(cards="\n".join(cards), names=names))


def setup(app: Sphinx) -> dict[str, Any]:
    """Generate the pages before Sphinx looks for them."""
    app.connect("builder-inited", _generate)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
