"""Finding Python files, and reading them, whatever state they are in.

What can't be parsed is reported as such and left out; it never ends the run. Files for Python 2
are parsed after a few of its spellings were replaced by today's, line by line, so that places stay
true.
"""

from __future__ import annotations

import ast
import os
import re
import stat
import tokenize
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

#: Folders that hold nobody's own code.
SKIPPED = frozenset(
    {
        "__pycache__",
        "__pypackages__",
        "build",
        "dist",
        "env",
        "node_modules",
        "site-packages",
        "venv",
    }
)
#: Larger files are data or generated.
LARGEST_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """One file.

    Attributes:
        path: where it is.
        name: its module's dotted name, as far as the folders around it are packages.
        text: its content.
        tree: its syntax; None, if it can't be parsed.
        problem: why not; empty, if it can.
    """

    path: Path
    name: str
    is_package: bool
    text: str
    tree: ast.Module | None
    problem: str


def python_files(
    places: Iterable[Path],
    left_out: Callable[[Path], bool] = lambda _path: False,
    unlisted: Callable[[OSError], None] = lambda _error: None,
) -> Iterator[Path]:
    """The Python files in *places*, each once, in a steady order.

    Args:
        places: files and folders. A file that is named is read, whatever it is called. Links to
            folders are not followed.
        left_out: says which files and folders to leave out, besides those of `SKIPPED` and those
            whose names begin with a dot.
        unlisted: is told of folders that can't be listed.

    Raises:
        FileNotFoundError: one of them doesn't exist.
    """
    seen: set[Path] = set()
    for place in places:
        if place.is_dir():
            found: Iterable[Path] = _walk(place, left_out, unlisted)
        elif place.exists():
            found = [] if left_out(place) else [place]
        else:
            raise FileNotFoundError(f"{place} doesn't exist")
        for path in found:
            if path not in seen:
                seen.add(path)
                yield path


def _walk(
    folder: Path, left_out: Callable[[Path], bool], unlisted: Callable[[OSError], None]
) -> Iterator[Path]:
    for root, folders, files in os.walk(folder, onerror=unlisted):
        here = Path(root)
        folders[:] = sorted(
            name
            for name in folders
            if name not in SKIPPED
            and not name.startswith(".")
            and not os.path.exists(os.path.join(root, name, "pyvenv.cfg"))  # noqa: PTH110, PTH118
            and not left_out(here / name)
        )
        for name in sorted(files):
            if name.endswith((".py", ".pyw")) and not left_out(here / name):
                yield here / name


class UnreadableError(Exception):
    """The file's content can't be had. The message says why."""


def content(path: Path) -> bytes:
    """The file's bytes.

    Raises:
        UnreadableError: it can't be read, is no regular file (a pipe would keep the doctor
            waiting), or is larger than `LARGEST_BYTES`.
    """
    try:
        waits_for_nobody = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(path, waits_for_nobody), "rb") as file:  # noqa: PTH123 - a descriptor
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableError("it is not a regular file")
            if status.st_size > LARGEST_BYTES:
                raise UnreadableError(
                    f"it is larger than {LARGEST_BYTES:,} bytes, so it is not read"
                )
            return file.read()
    except OSError as error:
        raise UnreadableError(f"it can't be read: {error.strerror or error}") from error


def read(path: Path) -> Source:
    """The file, parsed if that is possible."""
    try:
        return parsed(path, content(path))
    except UnreadableError as error:
        return Source(path, *module_name(path), "", None, str(error))


def parsed(path: Path, data: bytes) -> Source:
    """The file whose content is *data*, parsed if that is possible."""
    name, is_package = module_name(path)
    try:
        text = _decoded(data)
    except (SyntaxError, UnicodeError, LookupError) as error:
        return Source(path, name, is_package, "", None, f"its encoding can't be made out: {error}")
    problem = ""
    for variant in (text, None):
        try:
            tree = parse(modernised(text) if variant is None else variant)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            problem = problem or f"it can't be parsed: {_said(error)}"
        else:
            return Source(path, name, is_package, text, tree, "")
    return Source(path, name, is_package, text, None, problem)


def _said(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.msg} (line {error.lineno})"
    return str(error) or type(error).__name__


def parse(text: str) -> ast.Module:
    """The syntax of *text*, without the warnings that are its author's business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _decoded(data: bytes) -> str:
    encoding, _ = tokenize.detect_encoding(BytesIO(data).readline)
    return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")


def module_name(path: Path) -> tuple[str, bool]:
    """The dotted name by which the file is imported, and whether it is a package itself."""
    is_package = path.name == "__init__.py"
    parts = [] if is_package else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").exists():
        parts.append(folder.name)
        if folder.parent == folder:
            break
        folder = folder.parent
    return ".".join(reversed(parts)) or path.stem, is_package


_PRINT = re.compile(
    r"^(\s*(?:[^#'\"\n]*:\s*)?)print\b(?!\s*[(=.,\])])[ \t]*(>>[^,\n]+,)?[ \t]*(.*?)[ \t]*$",
    re.MULTILINE,
)
_EXCEPT = re.compile(
    r"^(\s*except\s+[^:,\n]+?|\s*except\s*\([^)\n]*\)\s*),\s*(\w+)\s*:", re.MULTILINE
)
_RAISE = re.compile(r"^(\s*raise\s+[\w.]+)\s*,\s*(.+)$", re.MULTILINE)
_OCTAL = re.compile(r"(?<![\w.])0([0-7]+)(?![\w.])")
_LONG = re.compile(r"(?<![\w.])(\d+|0x[0-9a-fA-F]+)[lL]\b")
_UNICODE_RAW = re.compile(r"\b[uU][rR](?=['\"])")
_EXEC = re.compile(r"^(\s*)exec\s+(.+?)\s+in\s+(.+)$", re.MULTILINE)


#: Longer lines are data; looking for words in them would take for ever.
_LONGEST_LINE = 500


def modernised(text: str) -> str:
    """*text* with spellings that only Python 2 takes replaced; lines stay where they are."""
    return "\n".join(
        line if not line or len(line) > _LONGEST_LINE else _modernised(line)
        for line in text.split("\n")
    )


def _modernised(line: str) -> str:
    line = _EXCEPT.sub(r"\1 as \2:", line)
    line = _RAISE.sub(r"\1(\2)", line)
    line = _EXEC.sub(r"\1exec(\2, \3)", line)
    line = _PRINT.sub(r"\1print(\3)", line)
    line = line.replace("<>", "!=").expandtabs(8)
    line = _UNICODE_RAW.sub("r", line)
    line = _LONG.sub(r"\1", line)
    return _OCTAL.sub(r"0o\1", line)
