"""The baseline: a file with the findings of today, so that only new ones are told from now on.

A finding is known again by its code, file, symbol, attribute and the text of its line, not by the
line's number: what is written above it may grow. Two that are alike in all of these are counted.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..spelling import ConfigurationError
from .findings import Finding

_VERSION = 1
_FIELDS = ("path", "code", "symbol", "attribute", "text")

Key = tuple[str, ...]


def key_of(finding: Finding) -> Key:
    """What a finding is known by, whichever line it moves to."""
    text = " ".join(finding.text.split())
    return (finding.path, finding.code, finding.symbol, finding.attribute, text)


def write(file: Path, findings: Iterable[Finding], root: Path) -> int:
    """Write the findings' file, and return how many findings it has.

    Args:
        file: where. What was there is replaced.
        findings: with paths from *root* on.
        root: the project's folder.

    Raises:
        OSError: it can't be written.
    """
    counts = Counter(_placed(key_of(finding), root, file) for finding in findings)
    entries: list[dict[str, Any]] = []
    for key in sorted(counts):
        entry: dict[str, Any] = dict(zip(_FIELDS, key, strict=True))
        if counts[key] > 1:
            entry["count"] = counts[key]
        entries.append(entry)
    data = {"version": _VERSION, "findings": entries}
    written = json.dumps(data, indent=1, ensure_ascii=False).encode("utf-8", "surrogateescape")
    new = file.with_name(f"{file.name}.new")
    new.write_bytes(written + b"\n")
    new.replace(file)
    return counts.total()


def read(file: Path) -> Counter[Key]:
    """What is in the file.

    Raises:
        ConfigurationError: it isn't there, or is none.
    """
    again = "Write it anew with --write-baseline."
    try:
        data = json.loads(file.read_text("utf-8", "surrogateescape"))
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"There is no baseline {file}. Write it with --write-baseline."
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"The baseline {file} can't be read: {error.strerror or error}."
        ) from error
    except ValueError as error:
        raise ConfigurationError(f"{file} is no baseline: {error}. {again}") from error
    if not isinstance(data, dict) or data.get("version") != _VERSION:
        raise ConfigurationError(f"{file} is no baseline of this version. {again}")
    known: Counter[Key] = Counter()
    try:
        for entry in data["findings"]:
            key = tuple(str(entry[name]) for name in _FIELDS)
            known[key] += int(entry.get("count", 1))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"{file} is no baseline: {error!r}. {again}") from error
    return known


def new_ones(
    findings: Sequence[Finding], known: Counter[Key], root: Path, file: Path
) -> tuple[list[Finding], int]:
    """The findings that the baseline doesn't know, and how many of its own are gone."""
    left = Counter(known)
    new = []
    for finding in findings:
        key = _placed(key_of(finding), root, file)
        if left[key] > 0:
            left[key] -= 1
        else:
            new.append(finding)
    return new, left.total()


def _placed(key: Key, root: Path, file: Path) -> Key:
    """The key with its path from the baseline's folder on, which means the same everywhere."""
    path = os.path.relpath(root / key[0], file.parent)
    return (path.replace(os.sep, "/"), *key[1:])
