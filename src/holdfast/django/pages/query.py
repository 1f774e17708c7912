# ruff: noqa: D102 - the methods are those of QueryDict, and do what it does
"""`request.GET`, noting which of its items are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

from django.http import QueryDict

from .mappings import PADDING
from .observation import Observation

_NOTHING: Any = object()
_Lists = dict[Any, list[Any]]


class ObservedQuery(QueryDict):
    """`request.GET`: Django's own, or what middleware has put in its place.

    Args:
        original: the query itself.
        observation: told what is read.
        whole: called when it is read in a way that depends on more than one item.
    """

    def __init__(
        self, original: QueryDict, observation: Observation, whole: Callable[[], object]
    ) -> None:
        super().__init__("", mutable=True, encoding=original.encoding)
        for key, values in original.lists():
            super().setlist(key, list(values))
        self._pad()
        # What is written stays in here, as nobody else reads it.
        self._mutable = original._mutable  # noqa: SLF001
        self._holdfast_observation = observation
        self._holdfast_whole = whole

    def _pad(self) -> None:
        if not dict.__len__(self):
            dict.__setitem__(self, PADDING, [])  # type: ignore[misc]

    def _look(self, key: Any) -> None:
        values = dict.get(self, key, _NOTHING)
        part = f"query:{key}"
        if values is _NOTHING:
            self._holdfast_observation.note_absent(part)
        else:
            self._holdfast_observation.note(part, values)

    def __getitem__(self, key: Any) -> Any:
        self._look(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._look(key)
        return dict.__contains__(self, key)

    def getlist(self, key: Any, default: Any = None) -> Any:
        self._look(key)
        return super().getlist(key, default)

    def _getlist(self, key: Any, default: Any = None, force_list: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's
        self._look(key)
        return super()._getlist(key, default, force_list)  # type: ignore[misc]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._note_written(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        self._look(key)
        super().__delitem__(key)
        self._pad()

    def setlist(self, key: Any, list_: Any) -> None:
        self._note_written(key)
        super().setlist(key, list_)

    def _note_written(self, key: Any) -> None:
        # Not there yet while the original is taken over.
        observation = self.__dict__.get("_holdfast_observation")
        if observation is not None:
            observation.note_written(f"query:{key}")

    def pop(self, key: Any, *default: Any) -> Any:
        self._look(key)
        try:
            return super().pop(key, *default)
        finally:
            self._pad()

    def setdefault(self, key: Any, default: Any = None) -> Any:
        self._look(key)
        return super().setdefault(key, default)

    # All of it

    def _seen(self) -> _Lists:
        self._holdfast_whole()
        items: Any = dict.items(self)
        return {key: values for key, values in items if key is not PADDING}

    def __iter__(self) -> Iterator[Any]:
        return iter(self._seen())

    def __reversed__(self) -> Iterator[Any]:
        return iter([*self._seen()][::-1])

    def __len__(self) -> int:
        return len(self._seen())

    def __eq__(self, other: object) -> bool:
        return self._seen() == other

    def __ne__(self, other: object) -> bool:
        return self._seen() != other

    __hash__ = None  # type: ignore[assignment]

    # As with any dict of lists: Django's has no operators of its own.
    def __or__(self, other: Any) -> Any:
        return self._seen() | other

    def __ror__(self, other: Any) -> Any:
        return other | self._seen()

    def __ior__(self, other: Any) -> Self:  # type: ignore[override]
        for key, values in ({} | other).items():
            self._note_written(key)
            dict.__setitem__(self, key, values)
        return self

    def __repr__(self) -> str:
        return f"<{QueryDict.__name__}: {self._seen()!r}>"

    def __copy__(self) -> Any:
        return self._plain()

    def __deepcopy__(self, memo: Any) -> Any:
        return self._plain()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._plain().__reduce_ex__(protocol)

    def _plain(self) -> QueryDict:
        plain = QueryDict("", mutable=True, encoding=self.encoding)
        for key, values in self._seen().items():
            plain.setlist(key, list(values))
        return plain

    # What Django has made of these goes by `__iter__`, and looks at each.

    def keys(self) -> Any:
        return self._seen().keys()

    def lists(self) -> Any:
        # QueryDict.__init__ does not call it; urlencode and copy do.
        return self._seen().items()

    def popitem(self) -> Any:
        self._seen()
        self._assert_mutable()  # type: ignore[attr-defined]
        key = next(reversed(self), _NOTHING)
        if key is _NOTHING:
            raise KeyError("popitem(): dictionary is empty")
        return key, self.pop(key)

    def clear(self) -> None:
        self._seen()
        super().clear()
        self._pad()

    def dict(self) -> Any:
        return {key: values[-1] if values else [] for key, values in self._seen().items()}
