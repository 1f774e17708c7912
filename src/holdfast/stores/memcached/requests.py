"""What an operation asks of its connections, whichever face it is driven by.

An operation is written once, as a generator: it yields requests, is sent their replies, and returns
its result.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """One command for one server."""

    server: int
    command: bytes


#: Several commands, in one round trip to each server.
Asks = list[Ask]


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Each server's statistics."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What one server was started with."""

    server: int


Request = Asks | Pause | Figures | Settings
Operation = Generator[Request, Any, T]
