"""How Sphinx builds the documentation: `make docs`. Needs no network."""

import re
from importlib.metadata import version as installed_version
from typing import Any

from sphinx.application import Sphinx

project = "Holdfast"
author = "Holdfast contributors"
project_copyright = "Holdfast contributors"
version = release = installed_version("holdfast")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"Holdfast {version}"
html_static_path = ["_static"]

myst_enable_extensions = ["colon_fence", "deflist"]
# Headings can be linked to: [text](servers.md#gunicorn-gevent).
myst_heading_anchors = 3

# Docstrings write `code` with single backticks.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# Every link inside of the documentation must lead somewhere. Types of the standard library and
# type variables do not: looking them up would need the network.
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(?!holdfast).*"),
    (r"py:.*", r"holdfast\.(scope\..*|worker_state)\._[A-Z]"),
    # Types in signatures are named where they are defined, deeper than users need to know.
    (r"py:.*", r"holdfast\.(shared|stores|values|cache|django\.cache)\.[a-z_]+\..*"),
]


def mark_code(*event: Any) -> None:
    """Docstrings show code as an indented paragraph; tell reStructuredText that it is Python."""
    lines: list[str] = event[-1]
    written: list[str] = []
    above = ""
    for line in lines:
        starts_block = re.match(r" {4}\S", line) and written and not written[-1].strip()
        if starts_block and above and not above.startswith(" ") and not above.endswith("::"):
            written += [".. code-block:: python", ""]
        written.append(line)
        above = line if line.strip() else above
    lines[:] = written


def setup(app: Sphinx) -> None:
    # Before napoleon, which turns "Args:" into indented paragraphs of its own.
    app.connect("autodoc-process-docstring", mark_code, priority=100)
