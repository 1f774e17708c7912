"""What the observers are told: plain data in the environment, and as they read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..change import Change


@dataclass(frozen=True, slots=True)
class Settings:
    """What `start` was given.

    Attributes:
        folder: of this run; each process writes a file into it.
        roots: folders of the user's own code.
        run: the first part of the values of `events.HEADER`.
        markers: a regular expression of what users carry; empty: there is none.
        observe: whether times are taken; if not, only the entry of requests, canaries, and what
            is done at orders.
    """

    folder: Path
    roots: tuple[str, ...]
    run: str
    markers: str
    change: Change
    observe: bool

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Settings:
        """From plain data."""
        return cls(
            folder=Path(told["folder"]),
            roots=tuple(told.get("roots", ())),
            run=told.get("run", ""),
            markers=told.get("markers", ""),
            change=_change(told.get("change", {})),
            observe=told.get("observe", True),
        )


def _change(told: Mapping[str, Any]) -> Change:
    known = {field.name for field in fields(Change)}
    values = {name: _frozen(value) for name, value in told.items() if name in known}
    return Change(**values)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value
