"""The namespace that belongs to one request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class State:
    """A request's own names and values: `state.user_id = 7`.

    `name in state`, `del state.name`, `state.get(name, default)`, iteration over
    the names and `len()` work. A name that was not set raises `AttributeError`.
    Reading costs as much as any attribute, nothing blocks, and threads and tasks of
    one request may share it: each single operation is atomic.
    """

    def __getattr__(self, name: str) -> Any:
        # Only reached where normal look-up failed.
        raise AttributeError(
            f"holdfast.state.{name} was not set in this request."
            f" Set it first, or read holdfast.state.get({name!r}, default).",
            name=name,
            obj=self,
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN:
            raise AttributeError(
                f"holdfast.state.{name} can't be set: {name!r} belongs to State itself."
                " Take another name."
            )
        self.__dict__[name] = value

    def get(self, name: str, default: Any = None) -> Any:
        """The value of *name*, or *default* where it was not set."""
        return self.__dict__.get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__

    def __iter__(self) -> Iterator[str]:
        # A copy: another thread of the request may set a name meanwhile.
        return iter(tuple(self.__dict__))

    def __len__(self) -> int:
        return len(self.__dict__)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in tuple(self.__dict__.items()))
        return f"State({inside})"


_OWN = frozenset(dir(State))
