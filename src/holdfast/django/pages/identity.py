"""Which view it is, as text for keys.

The URL is in each key, and names the view as a rule. But a view may call one of several, by what
nobody has seen it read; and `as_view()`, `functools.partial` and methods make many views of one
name. So all that tells a view from others is written down: its name and what it was made with, and
of a class-based view what its instance holds when the run begins.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

from django.http import HttpRequest
from django.urls import ResolverMatch
from django.utils.decorators import method_decorator
from django.utils.translation import override
from django.views import View

from .canonical import NotCanonical
from .described import described
from .observation import looking_away

_NOTHING: Any = object()


class Identity:
    """Which view one is that was decorated.

    Args:
        view: what was decorated.
        given: the name that it was decorated with, or None.

    Attributes:
        owner: the instance whose method it is; None: of none, or not known yet.
    """

    __slots__ = ("_given", "_is_class", "_made_with", "_name", "_text", "owner")

    def __init__(self, view: Any, given: str | None) -> None:
        self._given = given
        self.owner, self._made_with, innermost = _taken_apart(view)
        self._text: str | None = None
        # Decorators that use functools.wraps have the name of what they are around.
        named = view if hasattr(view, "__qualname__") else innermost
        self._is_class = False
        if self.owner is not None:
            self._name = _name(named)
        elif hasattr(view, "view_class"):
            cls = view.view_class
            self._is_class = True
            self._name = f"{_name(cls)} {_name(cls.dispatch)}{_apart(cls, given)}"
        elif hasattr(named, "__qualname__"):
            self._name = _name(named)
            if named.__module__ != method_decorator.__module__:  # its stand-in, never called
                self._name += _apart(named, given)
        else:
            self._name = _name(type(named))
            self._made_with = (*self._made_with, getattr(named, "__dict__", named))

    def text(self) -> str:
        """Which view it is, where it is no instance's method. One line.

        Raises:
            NotCanonical: what it was made with can't be written down, and it has no name.
        """
        if self._text is None:
            self._text = f"{self._name} {self._given!r} {self._made()}"
        return self._text

    def text_of(
        self, own: Any, request: HttpRequest, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> str:
        """The same of a method, whose instance may hold what it has been told of the request.

        Args:
            own: the instance.
            request: it is not looked into.
            args: what the method is called with.
            kwargs: the same.

        Raises:
            NotCanonical: it holds what can't be written down.
        """
        return self._text_of(self._name, own, request, args, kwargs)

    def text_for(self, request: HttpRequest, match: ResolverMatch) -> str:
        """The same of the view that *match* leads to. Makes the instance, and doesn't call it."""
        args, kwargs, own, name = match.args, match.kwargs, self.owner, self._name
        cls = getattr(match.func, "view_class", None)
        if cls is not None and not self._is_class:  # its `dispatch` was decorated
            own, name = cls(**getattr(match.func, "view_initkwargs", {})), _name(cls.dispatch)
            own.setup(request, *args, **kwargs)
        return self.text() if own is None else self._text_of(name, own, request, args, kwargs)

    def _text_of(
        self,
        name: str,
        own: Any,
        request: HttpRequest,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> str:
        cls = own if isinstance(own, type) else type(own)
        made = self._made() if self._made_with else ""
        holds = ""
        if own is not cls:
            try:
                holds = _held(own, request, args, kwargs)
            except NotCanonical:
                if self._given is None or isinstance(own, View):
                    raise
        return f"{_name(cls)}{_apart(cls, self._given)} {name} {self._given!r} {made} {holds}"

    def _made(self) -> str:
        try:
            # Texts in nobody's language: they are the same in each process.
            with override(None), looking_away():
                return "".join([_arguments(each) for each in self._made_with])
        except NotCanonical as error:
            if self._given is not None:
                return ""  # told from others by its name
            raise NotCanonical(
                f"what its view was made with, {error}: tell it from others by"
                " cached_view(ttl=..., name=...)"
            ) from error


def _taken_apart(view: Any) -> tuple[Any, tuple[Any, ...], Any]:
    """The instance that a view is bound to, what it was made with, and the function itself."""
    made: tuple[Any, ...] = ()
    while True:
        if isinstance(view, functools.partial):
            if view.args or view.keywords:
                made = (*made, (view.args, view.keywords))
            view = view.func
            continue
        own = getattr(view, "__self__", None)
        if own is not None and not isinstance(own, types.ModuleType):
            return own, made, view
        if hasattr(view, "view_class"):
            return None, (*made, getattr(view, "view_initkwargs", {})), view
        inner = getattr(view, "__wrapped__", None)
        if inner is None:
            return None, made, view
        view = inner


def _held(own: Any, request: HttpRequest, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """What the instance holds beside what `View.setup` gives to each."""
    held: dict[str, Any] = getattr(own, "__dict__", {"__slots__": own})
    told = [
        name
        for name, value in held.items()
        if value is not request and not _is_setup(name, value, own, args, kwargs)
    ]
    if not told:
        return ""
    found = []
    for name in sorted(told):
        try:
            # What a lazy one reads now is a page's around this one, too: so nobody looks away.
            found.append(f"{name}={described(held[name], request, own)}")
        except NotCanonical as error:
            raise NotCanonical(f"self.{name} of its view, {error}") from error
    return ",".join(found)


def _is_setup(
    name: str, value: Any, own: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> bool:
    """Whether it is what `View.setup` has put there, which the key has anyway."""
    if name == "kwargs":
        return type(value) is dict and same(value, kwargs)
    if name == "args":
        return type(value) is tuple and len(value) == len(args) and all(map(_is, value, args))
    return name == "head" and getattr(value, "__func__", None) is getattr(type(own), "get", None)


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both hold the very same values: equal ones might differ in what isn't compared."""
    if len(one) != len(other):
        return False
    for name, value in one.items():  # noqa: SIM110 - at each hit, and twice as fast
        if other.get(name, _NOTHING) is not value:
            return False
    return True


def _is(one: object, other: object) -> bool:
    return one is other


def _arguments(made_with: Any) -> str:
    if isinstance(made_with, Mapping):
        return f"{{{','.join(f'{name}={described(v)}' for name, v in made_with.items())}}}"
    if isinstance(made_with, tuple):  # of a partial
        args, keywords = made_with
        return f"({','.join(map(described, args))}){_arguments(keywords)}"
    return described(made_with)


def _name(named: Any) -> str:
    return f"{named.__module__}.{named.__qualname__}"


def _apart(named: Any, given: str | None) -> str:
    """What tells those apart that are made in one place, and so have one name: nothing for others.

    What they were made with can't be known, and they have no name that other processes know them
    by. So their pages are their process's own.
    """
    if given is not None or "<" not in named.__qualname__:
        return ""
    found = _made_in_functions.get(named)
    if found is None:
        found = _made_in_functions.setdefault(named, f" {uuid4()}")
    return found


_made_in_functions: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
