"""Settings of the documentation: ``python -m sphinx -W docs build/docs`` builds the pages."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

import numbaexp

project = "numbaexp"
author = "The numbaexp developers"
copyright = "the numbaexp developers"  # noqa: A001
version = release = numbaexp.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinxcontrib.programoutput",
    "gallery",
    "mathml",
]
templates_path = ["templates"]
exclude_patterns = ["extensions", "templates"]
default_role = "any"

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
# Titles that are not a level below the one before, in the files of the repository that pages include.
suppress_warnings = ["myst.header"]

# The reader is offline: formulas are MathML, which browsers draw themselves.
html_math_renderer = "mathml"

toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
# Names of other packages have no link: an index of theirs would come from the network.
numpydoc_xref_param_type = False
autodoc_typehints = "none"
autosummary_generate = True

html_theme = "pydata_sphinx_theme"
html_title = "numbaexp"
html_favicon = "static/icon.svg"
html_context = {"default_mode": "auto"}
html_static_path = ["static"]
html_css_files = ["numbaexp.css"]
html_sidebars = {"start": [], "questions": []}
html_show_sourcelink = False
html_theme_options = {
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "show_prev_next": True,
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "footer_start": ["copyright"],
    "footer_end": [],
}
