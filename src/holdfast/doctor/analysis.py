"""From files to findings."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from . import sources
from .file import File
from .findings import Finding
from .index import index_of
from .lifetimes import Lifetimes
from .project import Project
from .rules import all_rules


def analyse(places: Iterable[Path], base: Path) -> list[Finding]:
    """All findings in *places*, ordered by place."""
    read = [source for path in sources.python_files(places) if (source := sources.read(path)).tree]
    indexes = [index_of(source) for source in read]
    lifetimes = Lifetimes(Project(indexes))
    found: list[Finding] = []
    for source, index in zip(read, indexes, strict=True):
        file = File(source, os.path.relpath(source.path, base), index, lifetimes)
        if file.is_test:
            continue
        for rule in all_rules():
            found += rule.check(file)
    return sorted(found, key=lambda finding: (finding.path, finding.line, finding.code))
