"""What dict, counter, lock and stream have in common: a name on a named store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import named_stores

if TYPE_CHECKING:
    from ..stores.async_protocol import AsyncStore
    from ..stores.protocol import Store


class Handle:
    """A name for state that is elsewhere. Making one costs next to nothing, and reads nothing.

    Two handles of one name are the same state; as Python objects they are compared by identity.
    Handles can be copied and pickled: another process finds the same state by them.
    """

    __slots__ = ("__weakref__", "_name", "_store_name")

    def __init__(self, name: str, store: str) -> None:
        self._name = name
        self._store_name = store

    @property
    def name(self) -> str:
        """What it is called."""
        return self._name

    @property
    def _store(self) -> Store:
        return named_stores.store(self._store_name)

    @property
    def _async_store(self) -> AsyncStore:
        return named_stores.asynchronous(self._store_name)

    def _arguments(self) -> dict[str, Any]:
        """What it is made of, to be made again."""
        return {"name": self._name, "store": self._store_name}

    def __reduce__(self) -> tuple[Any, ...]:
        return _make_again, (type(self), self._arguments())

    def __copy__(self) -> Any:
        return _make_again(type(self), self._arguments())

    def __deepcopy__(self, memo: object) -> Any:
        return self.__copy__()

    def __repr__(self) -> str:
        place = "" if self._store_name == "default" else f" on {self._store_name!r}"
        return f"<holdfast.shared.{type(self).__name__.lower()} {self._name!r}{place}>"


def _make_again(kind: type[Handle], arguments: dict[str, Any]) -> Handle:
    return kind(**arguments)
