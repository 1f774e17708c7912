"""What goes wrong between a value and its bytes."""

from __future__ import annotations

from typing import Self

from ..stores.errors import StoreError


class NotStorable(TypeError):  # noqa: N818 - says what the value is
    """A value of this type can't be shared. The message names the key, the type, and what to do."""

    def __init__(self, reason: str, place: str = "The value") -> None:
        super().__init__(f"{place} can't be stored: {reason}")
        self.reason = reason

    def at(self, place: str) -> Self:
        """The same, naming *place*, such as `flags['key0']`."""
        return type(self)(self.reason, place)


class UnreadableValue(StoreError):  # noqa: N818 - a state, not a mistake
    """What is stored is genuine, but this process can't make a value of it.

    Usually its class isn't imported here, has moved, or has a new field without a default.
    """
