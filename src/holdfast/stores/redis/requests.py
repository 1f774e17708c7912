"""What an operation asks of its connection, whichever face it is driven by.

An operation is written once, as a generator: it yields requests, is sent their replies, and returns
its result. `RedisStore` drives it with blocking connections, `AsyncRedisStore` with those of the
event loop.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from .scripts import Script

T = TypeVar("T")

#: One command with its arguments.
Command = tuple[Any, ...]

#: Commands whose replies redis-py doesn't read anything into that an operation would need.
AS_IS = frozenset(
    {"EVAL", "EVALSHA", "EXISTS", "GET", "MGET", "MSET", "PEXPIRE", "PTTL", "SET", "UNLINK"}
)


@dataclass(frozen=True, slots=True)
class Run:
    """A script, in one step."""

    script: Script
    keys: tuple[bytes, ...]
    arguments: tuple[Any, ...] = ()

    def by_digest(self) -> Command:
        """As the server knows it, if it has seen it."""
        return ("EVALSHA", self.script.digest, len(self.keys), *self.keys, *self.arguments)

    def by_text(self) -> Command:
        """As any server understands it, and remembers it."""
        return ("EVAL", self.script.text, len(self.keys), *self.keys, *self.arguments)


@dataclass(frozen=True, slots=True)
class Batch:
    """Several commands in one round trip (in a cluster, one for each node), in no common step."""

    commands: list[Command]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A command that the server answers late, on a connection that nobody else waits for."""

    command: Command


@dataclass(frozen=True, slots=True)
class Masters:
    """The names of all servers that hold keys; in the order to visit them in."""


@dataclass(frozen=True, slots=True)
class At:
    """A command for the server of that name."""

    master: str
    command: Command


@dataclass(frozen=True, slots=True)
class BatchAt:
    """Several commands for the server of that name, in one round trip."""

    master: str
    commands: list[Command]


Request = Command | Run | Batch | Waiting | Masters | At | BatchAt
Operation = Generator[Request, Any, T]
