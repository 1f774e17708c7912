"""What would change, as `diff -u` shows it."""

from __future__ import annotations

import difflib
import tokenize
from io import BytesIO

from .outcome import MendedFile


def diff(file: MendedFile) -> str:
    """The changes of one file."""
    before, after = (_lines(data) for data in (file.before, file.after))
    lines = difflib.unified_diff(before, after, file.shown, file.shown)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _lines(data: bytes) -> list[str]:
    encoding, _ = tokenize.detect_encoding(BytesIO(data).readline)
    text = data.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")
    return text.splitlines(keepends=True)
