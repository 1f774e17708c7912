"""The page of the documentation that shows runs."""

from __future__ import annotations

import re
from pathlib import Path


def write(page: Path, name: str, machine: list[str], markdown: str) -> None:
    """Put one run in *page*, in the place of the last run with the same *name*.

    What else stands in the page is written by hand, and stays. A name that is not there yet comes
    at the end.
    """
    start, end = f"<!-- run: {name} -->", f"<!-- end of run: {name} -->"
    described = "\n".join(f"- {line}" for line in machine)
    run = f"{start}\n\n## {name}\n\n{described}\n\n{markdown.rstrip()}\n\n{end}\n"
    text = page.read_text() if page.exists() else "# Benchmarks\n"
    place = re.compile(f"{re.escape(start)}.*?{re.escape(end)}\n", re.DOTALL)
    text, found = place.subn(lambda _: run, text, count=1)
    page.write_text(text if found else f"{text.rstrip()}\n\n{run}")
