# ruff: noqa: D102 - the methods are those of dict, and do what dict does
"""Mappings of a request that note which of their items are read.

Each is a copy that holds what the original holds, since some read a dict without asking it; what is
written goes to the original, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

from django.http.request import HttpHeaders

from .observation import Observation

_NOTHING: Any = object()

#: A key that stands in otherwise empty copies, and is shown to nobody. Written in C, `json` asks an
#: empty dict nothing: that there is nothing in it would not be noted.
PADDING: Any = object()


class ObservedDict(dict[Any, Any]):
    """A dict of the request.

    Args:
        original: the dict itself.
        observation: told what is read.
        kind: stands before the key in the part's name.
        whole: called when the dict is read in a way that depends on more than one item.
        hidden: keys that are not there for the run.
    """

    __slots__ = ("_hidden", "_kind", "_observation", "_original", "_whole")

    def __init__(
        self,
        original: dict[Any, Any],
        observation: Observation,
        kind: str,
        whole: Callable[[], object],
        hidden: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(original)
        for key in hidden:
            dict.pop(self, key, None)
        self._pad()
        self._original = original
        self._observation = observation
        self._kind = kind
        self._whole = whole
        self._hidden = hidden

    def _pad(self) -> None:
        if not dict.__len__(self):
            dict.__setitem__(self, PADDING, None)

    # One item

    def _look(self, key: Any) -> Any:
        if key in self._hidden:
            return _NOTHING
        value = self._original.get(key, _NOTHING)
        part = f"{self._kind}:{key}"
        if value is _NOTHING:
            self._observation.note_absent(part)
        else:
            self._observation.note(part, value)
        return value

    def __getitem__(self, key: Any) -> Any:
        value = self._look(key)
        if value is _NOTHING:
            raise KeyError(key)
        return value

    def get(self, key: Any, default: Any = None) -> Any:
        value = self._look(key)
        return default if value is _NOTHING else value

    def __contains__(self, key: object) -> bool:
        return self._look(key) is not _NOTHING

    def __setitem__(self, key: Any, value: Any) -> None:
        self._observation.note_written(f"{self._kind}:{key}")
        dict.__setitem__(self, key, value)
        self._original[key] = value

    def __delitem__(self, key: Any) -> None:
        if self._look(key) is _NOTHING:
            raise KeyError(key)
        dict.pop(self, key, None)
        self._pad()
        del self._original[key]

    def setdefault(self, key: Any, default: Any = None) -> Any:
        value = self._look(key)
        if value is _NOTHING:
            self[key] = value = default
        return value

    def pop(self, key: Any, *default: Any) -> Any:
        value = self._look(key)
        if value is _NOTHING:
            if default:
                return default[0]
            raise KeyError(key)
        del self[key]
        return value

    # All of it

    def _seen(self) -> dict[Any, Any]:
        self._whole()
        return {key: v for key, v in self._original.items() if key not in self._hidden}

    def __iter__(self) -> Iterator[Any]:
        return iter(self._seen())

    def __reversed__(self) -> Iterator[Any]:
        return iter([*self._seen()][::-1])

    def __len__(self) -> int:
        return len(self._seen())

    def __bool__(self) -> bool:
        return bool(self._seen())

    def __eq__(self, other: object) -> bool:
        return self._seen() == other

    def __ne__(self, other: object) -> bool:
        return self._seen() != other

    __hash__ = None

    def __or__(self, other: Any) -> dict[Any, Any]:
        return {**self._seen(), **other}

    def __ror__(self, other: Any) -> dict[Any, Any]:
        return {**other, **self._seen()}

    def __ior__(self, other: Any) -> Self:
        self.update(other)
        return self

    def __repr__(self) -> str:
        return repr(self._seen())

    def __copy__(self) -> dict[Any, Any]:
        return self._seen()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (self._seen(),)

    def copy(self) -> dict[Any, Any]:
        return self._seen()

    def keys(self) -> Any:
        return self._seen().keys()

    def values(self) -> Any:
        return self._seen().values()

    def items(self) -> Any:
        return self._seen().items()

    def update(self, *others: Any, **items: Any) -> None:
        for key, value in dict(*others, **items).items():
            self[key] = value

    def popitem(self) -> Any:
        key = next(reversed(self._seen()))
        return key, self.pop(key)

    def clear(self) -> None:
        self._whole()
        dict.clear(self)
        self._pad()
        self._original.clear()


class ObservedHeaders(HttpHeaders):
    """`request.headers`, over an observed `META`."""

    def __init__(self, meta: ObservedDict) -> None:
        self._meta = meta

    @property
    def _store(self) -> dict[str, tuple[str, str]]:  # type: ignore[override]
        # What everything that reads more than one of them comes to.
        found: dict[str, tuple[str, str]] = HttpHeaders(dict(self._meta.items()))._store  # noqa: SLF001
        return found

    def __getitem__(self, key: str) -> str:
        name = key.replace("-", "_").upper()
        if name not in self.UNPREFIXED_HEADERS:
            name = f"{self.HTTP_PREFIX}{name}"
        try:
            return str(self._meta[name])
        except KeyError:
            raise KeyError(key.lower()) from None

    def __contains__(self, key: object) -> bool:
        try:
            self[str(key)]
        except KeyError:
            return False
        return True
