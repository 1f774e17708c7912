"""`[tool.holdfast.doctor]` in pyproject.toml."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..spelling import ConfigurationError, meant
from .classes import known_codes
from .findings import CONFIDENCES, SEVERITIES
from .selection import ForPath

#: At which severity the command fails.
FAIL_ON = (*SEVERITIES, "never")
_TABLE = "[tool.holdfast.doctor]"
_KEYS = ("baseline", "confidence", "exclude", "fail-on", "ignore", "paths", "select", "severity")
_PATH_KEYS = ("confidence", "ignore", "select", "severity")


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the file says.

    Attributes:
        file: it; None: there is none.
        select: codes and classes.
        ignore: codes and classes.
        exclude: patterns of paths, from the file's folder on.
        severity: the least that is told.
        confidence: the least that is told.
        fail_on: from which severity on the command fails.
        baseline: a file.
        paths: by patterns of paths: what holds there.
    """

    file: Path | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    severity: str = SEVERITIES[-1]
    confidence: str = CONFIDENCES[-1]
    fail_on: str = "warning"
    baseline: Path | None = None
    paths: Mapping[str, ForPath] = field(default_factory=dict)


def read(file: Path) -> Configuration:
    """The configuration that *file* holds; the defaults, where it has no such table.

    Raises:
        ConfigurationError: it can't be read, or says something that isn't known.
    """
    table = _table(file, _document(file))
    if table is None:
        return Configuration()
    _check_keys(file, _TABLE, table, _KEYS)
    said = _Said(file, _TABLE, table)
    paths = table.get("paths", {})
    if not isinstance(paths, dict):
        raise ConfigurationError(f'{file}: paths has to be a table: "legacy/**" = {{...}}.')
    baseline = said.text("baseline")
    return Configuration(
        file=file,
        select=said.codes("select"),
        ignore=said.codes("ignore"),
        exclude=said.texts("exclude"),
        severity=said.choice("severity", SEVERITIES) or SEVERITIES[-1],
        confidence=said.choice("confidence", CONFIDENCES) or CONFIDENCES[-1],
        fail_on=said.choice("fail-on", FAIL_ON) or "warning",
        baseline=None if baseline is None else file.parent / baseline,
        paths={pattern: _for_path(file, pattern, there) for pattern, there in paths.items()},
    )


def nearest(places: Iterable[Path]) -> Path | None:
    """The pyproject.toml with such a table in the folder of all *places*, or nearest above it.

    One that can't be read as TOML is somebody else's matter, and passed over.
    """
    folder = common_folder(places)
    for above in (folder, *folder.parents):
        file = above / "pyproject.toml"
        try:
            if file.is_file() and _table(file, _document(file)) is not None:
                return file
        except (ConfigurationError, OSError):
            continue
    return None


def common_folder(places: Iterable[Path]) -> Path:
    """The folder that all of them are in."""
    folders = [
        path if path.is_dir() else path.parent
        for path in (Path(os.path.abspath(place)) for place in places)  # noqa: PTH100 - links stay
    ]
    try:
        return Path(os.path.commonpath(folders)) if folders else Path.cwd()
    except ValueError:  # on several drives
        return folders[0]


def check_codes(codes: Iterable[str], where: str) -> tuple[str, ...]:
    """The codes, if the doctor has all of them.

    Raises:
        ConfigurationError: it doesn't.
    """
    given = tuple(codes)
    known = known_codes()
    for code in given:
        if code not in known:
            raise ConfigurationError(f"{where}: the doctor knows no {code!r}.{meant(code, known)}")
    return given


def _document(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file} can't be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise ConfigurationError(f"{file} is no TOML: {error}.") from error


def _table(file: Path, document: Any) -> dict[str, Any] | None:
    found = document
    for name in ("tool", "holdfast", "doctor"):
        if not isinstance(found, dict) or name not in found:
            return None
        found = found[name]
    if not isinstance(found, dict):
        raise ConfigurationError(f"{file}: {_TABLE} has to be a table.")
    return found


def _for_path(file: Path, pattern: str, table: Any) -> ForPath:
    where = f'{_TABLE[:-1]}.paths."{pattern}"]'
    if not isinstance(table, dict):
        raise ConfigurationError(f'{file}: {where} has to be a table, such as {{ignore = ["S4"]}}.')
    _check_keys(file, where, table, _PATH_KEYS)
    said = _Said(file, where, table)
    return ForPath(
        said.codes("select"),
        said.codes("ignore"),
        said.choice("severity", SEVERITIES),
        said.choice("confidence", CONFIDENCES),
    )


def _check_keys(file: Path, where: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            raise ConfigurationError(f"{file}: {where} knows no {key!r}.{meant(key, known)}")


@dataclass(frozen=True, slots=True)
class _Said:
    """Reads one table, and says what is wrong with it."""

    file: Path
    where: str
    table: Mapping[str, Any]

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise ConfigurationError(
                f"{self.file}: {key} in {self.where} has to be a list of texts, not {value!r}."
            )
        return tuple(value)

    def codes(self, key: str) -> tuple[str, ...]:
        return check_codes(self.texts(key), f"{self.file}: {key} in {self.where}")

    def text(self, key: str) -> str | None:
        value = self.table.get(key)
        if value is not None and not isinstance(value, str):
            raise ConfigurationError(
                f"{self.file}: {key} in {self.where} has to be a text, not {value!r}."
            )
        return value

    def choice(self, key: str, known: tuple[str, ...]) -> str | None:
        value = self.text(key)
        if value is not None and value not in known:
            raise ConfigurationError(
                f"{self.file}: {key} in {self.where} can't be {value!r}.{meant(value, known)}"
            )
        return value
