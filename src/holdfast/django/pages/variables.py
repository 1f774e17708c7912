"""What context processors have put into a template's context, noting which of it a fragment reads.

They have read it from the request before the fragment begins, where nobody sees that it is the
request's: a user that is loaded already, a language, a token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from django.utils.functional import SimpleLazyObject

from .canonical import NotCanonical
from .described import described
from .observation import ABSENT, Observation
from .request_class import HAS_TOKEN, is_unread_user, plain

#: Stands before the name in the part's name.
PART = "context:"
_TOKEN = "csrf_token"  # noqa: S105 - no password
_NONCE = "csp_nonce"
_NOTHING: Any = object()


class Variables:
    """The variables of one context that context processors have made.

    Args:
        context: of the template.
        request: which they were made of, or None.
    """

    __slots__ = ("_context", "_index", "_made", "_request")

    def __init__(self, context: Any, request: Any) -> None:
        self._context = context
        self._request = request
        # Where Django keeps them; an inclusion tag's context has none.
        index: int = getattr(context, "_processors_index", -1)
        self._index = index if index < len(context.dicts) else -1
        self._made: Any = context.dicts[self._index] if self._index >= 0 else {}

    def text(self, part: str) -> str:
        """A part's value, as text. In a fragment around this one, that it is read is noted.

        Raises:
            NotCanonical: it can't be written down.
        """
        value = self._made.get(part.removeprefix(PART), _NOTHING)
        if value is _NOTHING:
            return ABSENT
        return described(value, self._request)

    @contextmanager
    def observed(self, observation: Observation) -> Iterator[None]:
        """Have *observation* told which of them the code inside reads."""
        context, index = self._context, self._index
        token = context.get(_TOKEN)
        if index >= 0:
            context.dicts[index] = _Observed(self._made, observation)
        try:
            if token is None:
                yield
                return
            # Also one that was rendered before, or that a tag has handed on.
            with context.push(**{_TOKEN: SimpleLazyObject(_refusing(token, observation))}):
                yield
        finally:
            if index >= 0:
                context.dicts[index] = self._made


def _refusing(token: Any, observation: Observation) -> Callable[[], Any]:
    def read() -> Any:
        observation.refuse(HAS_TOKEN)
        return str(token)

    return read


class _Observed(MutableMapping[str, Any]):
    """Stands for the mapping that is in the context."""

    def __init__(self, original: Any, observation: Observation) -> None:
        self._original = original
        self._observation = observation
        self._written: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        # In a fragment around this one, this one's looking is noted, too.
        value = self._original.get(name, _NOTHING)
        if name not in self._written:
            _note(self._observation, name, value)
        if value is _NOTHING:
            raise KeyError(name)
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        self._written.add(name)
        self._original[name] = value

    def __delitem__(self, name: str) -> None:
        del self._original[name]
        self._written.add(name)

    def __iter__(self) -> Iterator[str]:
        return iter([*self._original])

    def __len__(self) -> int:
        return len(self._original)


def _note(observation: Observation, name: str, value: Any) -> None:
    request = observation.request
    part = PART + name
    if part in observation.parts:
        return
    if value is _NOTHING:
        observation.note_here(part, ABSENT)
        return
    if name == _NONCE:
        observation.refuse("it looks at a nonce, which is one response's own")
        return
    if name == _TOKEN or (request is not None and value is request) or _is_unread(value):
        return
    if request is not None and value is plain(request, "__dict__").get("_messages", _NOTHING):
        _ = request._messages  # noqa: SLF001 - that it looks at them is seen there
        return
    try:
        # What a lazy one reads now is a page's around this fragment, too: so nobody looks away.
        text = described(value, request)
    except NotCanonical as error:
        observation.refuse(f"it reads the variable {name}, which is {error}")
        return
    observation.note_here(part, text)


def _is_unread(value: Any) -> bool:
    """Whether it is the user, or the permissions, of whom nothing was read yet."""
    if type(value).__module__ == "django.contrib.auth.context_processors":
        value = getattr(value, "user", None)
    return is_unread_user(value)
