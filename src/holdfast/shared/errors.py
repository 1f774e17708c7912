"""What goes wrong with shared state, beyond what goes wrong with a store."""

from __future__ import annotations

from typing import Self

from ..stores.errors import StoreError


class ChangeTimeout(StoreError):  # noqa: N818 - as TimeoutError would be, were it not taken
    """`change` gave up: others kept changing the same key. Nothing was changed."""


class LockTimeout(StoreError):  # noqa: N818
    """The lock could not be had in time."""


class LockLost(StoreError):  # noqa: N818 - a state, not a mistake
    """The lock's time was over before it was released: somebody else may have had it meanwhile."""


class AlreadyHeld(RuntimeError):  # noqa: N818 - a state, not a mistake
    """This thread, greenlet or task holds the lock already, and would wait for itself."""


class Gap(StoreError):  # noqa: N818 - a state, not a mistake
    """Changes were missed: the log is bounded, and doesn't reach back that far any more.

    Read the whole state anew. The stream goes on after the gap, if it is iterated again.

    Attributes:
        since: the position of the last change that was seen.
        position: where the stream goes on: state that is read now is at least as new.
    """

    def __init__(self, name: str, since: int, position: int) -> None:
        super().__init__(
            f"The changes of {name!r} after position {since} are no longer known. Read the whole"
            f" state anew, and go on from position {position} (iterate the same stream again)."
        )
        self.name = name
        self.since = since
        self.position = position

    def __reduce__(self) -> tuple[type[Self], tuple[str, int, int]]:
        return type(self), (self.name, self.since, self.position)
