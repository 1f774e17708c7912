"""How a command ends."""

from __future__ import annotations

#: Exit statuses. 130 is Ctrl-C's, as everywhere.
DONE = 0
NOT_THERE = 1
WRONG_USE = 2
STORE_FAILED = 3
WRONG_RESULTS = 4


class CommandFailed(Exception):  # noqa: N818 - a state, not a mistake
    """The command can't go on.

    Attributes:
        status: the exit status.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
