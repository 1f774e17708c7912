"""The markers that users carry: what of one user must never be seen by another one.

A marker says whose it is, so that whoever meets one can tell without asking. It has small letters
and digits only: no escaping changes it, for URLs, HTML, JSON, headers, cookies, SQL or shells.
Standard library only: observers in the server's processes know markers, too.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Final

#: How the second part of `events.HEADER` names the user that asks before all others, alone.
ALONE: Final = "alone"

#: Where a user may carry a marker, and the letter by which it stands in there.
LETTERS: Final[Mapping[str, str]] = {
    "query": "q",
    "header": "h",
    "cookie": "c",
    "body": "b",
    "login": "l",
}
_KINDS: Final = {letter: kind for kind, letter in LETTERS.items()}
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_ALONE_NUMBER: Final = 9999
#: More users than this can't be told apart.
MOST_USERS: Final = _ALONE_NUMBER


def new_run() -> str:
    """A run's name, which nobody can guess."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(10))


def request_of(run: str, user: int, number: int) -> str:
    """What a request is called, as in `events.HEADER`. *user*: -1 is who asks alone."""
    return f"{run}-{ALONE if user < 0 else user}-{number}"


def user_of(request: str) -> str:
    """The user of a request, from what it is called."""
    return request.split("-")[1] if request.count("-") == 2 else ""  # noqa: PLR2004 - its parts


def marker(run: str, kind: str, user: int, number: int) -> str:
    """A marker for one request of a user.

    Args:
        run: see `new_run`.
        kind: one of `LETTERS`.
        user: -1: who asks alone; else below `MOST_USERS`.
        number: of the request, from 0 on, below 100,000.
    """
    rest = "".join(secrets.choice(_ALPHABET) for _ in range(6))
    whose = _ALONE_NUMBER if user < 0 else user
    return f"hf{run}{LETTERS[kind]}{whose:04d}{number % 100_000:05d}{rest}"


def pattern(run: str) -> str:
    """A regular expression for the markers of a run, in texts of small letters.

    Its groups are the letter of the kind, the user and the number: see `read`.
    """
    return rf"hf{re.escape(run)}([{''.join(_KINDS)}])(\d{{4}})(\d{{5}})[a-z0-9]{{6}}"


def read(run: str, found: re.Match[str]) -> tuple[str, str]:
    """The kind of a marker that `pattern` has found, and the request that carried it."""
    letter, user, number = found.groups()
    whose = -1 if int(user) == _ALONE_NUMBER else int(user)
    return _KINDS[letter], request_of(run, whose, int(number))
