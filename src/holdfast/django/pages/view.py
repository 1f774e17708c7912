"""`holdfast.django.cached_view`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from asgiref.sync import iscoroutinefunction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch

from ...cache.loading import Loader, loader
from ...cache.policy import Policy, policy
from ...values import MISSING
from ..tracking.start import need_tracking
from . import known
from .canonical import NotCanonical, canonical
from .identity import Identity
from .invalidation import called_by_url, dotted_name
from .page import FORM, conditional, is_page, thaw
from .request_class import plain
from .visit import ABSENT, REFUSED, Visit, making

_View = TypeVar("_View", bound=Callable[..., Any])

_CACHED = frozenset({"GET", "HEAD"})
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Options:
    """What a view is decorated with, beside its policy."""

    store: str
    negative_ttl: float | None
    version: str
    key: Callable[[HttpRequest], object] | None
    name: str | None


def cached_view(  # noqa: PLR0913 - as many choices
    ttl: float,
    *,
    stale: float = 0,
    stale_if_invalidated: float = 0,
    fail_safe: float = 0,
    negative_ttl: float | None = None,
    key: Callable[[HttpRequest], object] | None = None,
    version: object = "",
    store: str = "cache",
    name: str | None = None,
    **options: Any,
) -> Callable[[_View], _View]:
    """Keep a view's pages until a save makes them untrue.

        @holdfast.django.cached_view(ttl=3600)
        def article(request, pk): ...

    A page remembers which rows it was made of, its templates included, and which parts of the
    request. It is served again where these parts are the same and no committed change has touched
    these rows; at most for *ttl* seconds. What else it is made of (the clock, another service) may
    be that old. For functions and class-based views, sync and async: above a view, around
    `as_view()`, also in a URLconf, or by `method_decorator` on `dispatch`.

    Only GET is stored, and HEAD is answered from that. Not stored: a response that sets a cookie,
    has a CSRF token or messages in it, is streamed, has another status than 200, or whose
    `Cache-Control` says private, no-store or no-cache; of a view that changes the session, reads
    the body, or reads all headers or cookies at once.

    Args:
        ttl: seconds that a page is kept at most.
        stale: seconds after that for which it is served still, while one run in the background
            makes it anew.
        stale_if_invalidated: seconds for which it is served still after a change has made it
            untrue, likewise.
        fail_safe: seconds after its time for which it is served still where the view raises, or
            the store is away.
        negative_ttl: seconds that a 404 is kept, or an `Http404`. None: not at all.
        key: returns what else the page depends on and no request shows: the tenant in a context
            variable, an experiment. Called at each request; any plain value or model instance.
        version: part of the key. Change it where a change of code shall begin with new pages.
        store: the name of the store in `HOLDFAST["STORES"]`.
        name: what its figures are called, and part of the key. Default: the view's dotted name.
            Views that are made in functions have none that other processes know: without this
            one, each process has pages of its own of them.
        options: `jitter`, `early`, `wait`, `on_wait`, `tier`, as for `holdfast.cached`.

    Raises:
        TypeError, ValueError: at once, for options that make no sense. At a request, where it was
            put on something that isn't called with Django's `HttpRequest`.
        TrackingOff: the settings turn tracking off, or the extra `holdfast[tracking]` is missing.

    A hit costs some 15 µs on a store of this machine, beside a view that does nothing.
    """
    if callable(ttl):
        raise TypeError("cached_view needs a ttl in seconds: @cached_view(ttl=300).")
    for reserved in ("absent", "may_store"):
        if reserved in options:
            raise TypeError(f"cached_view has no option {reserved!r}: see negative_ttl.")
    if negative_ttl is not None and not negative_ttl > 0:
        raise ValueError(f"cached_view: negative_ttl must be more than 0, not {negative_ttl!r}.")
    if key is not None and not callable(key):
        raise TypeError(f"cached_view: key must be a function of the request, not {key!r}.")
    options |= {
        "stale": stale,
        "stale_if_invalidated": stale_if_invalidated,
        "fail_safe": fail_safe,
        "may_store": functools.partial(_may_store, negative_ttl),
    }
    need_tracking("cached_view")
    return _Decorator(
        Options(store, negative_ttl, str(version), key, name),
        lambda view: policy(name or f"view:{view}", ttl, options),
    )


def _may_store(negative_ttl: float | None, page: Any) -> bool | float:
    absent = page[0] == ABSENT or (is_page(page) and page[1] == _NOT_FOUND)
    return negative_ttl if absent and negative_ttl is not None else True


class _Decorator:
    """What `cached_view` returns. Made once, and called anew at each request by method_decorator.

    Args:
        options: of the view.
        make_policy: makes the policy for a view of that name.
    """

    __name__ = "cached_view"

    def __init__(self, options: Options, make_policy: Callable[[str], Policy]) -> None:
        self.options = options
        self._make_policy = make_policy
        self._policies: dict[str, Policy] = {}
        make_policy("a view")  # says at once what is wrong with the options

    def __call__(self, view: Any) -> Any:
        identity = Identity(view, self.options.name)
        owner = identity.owner
        pages = _Pages(self, dotted_name(view) if owner is None else _class_name(owner), identity)
        if iscoroutinefunction(view) or getattr(owner, "view_is_async", False):

            @functools.wraps(view)
            async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
                return await pages.arespond(view, args, kwargs)

            return _telling(async_wrapper, pages)

        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return pages.respond(view, args, kwargs)

        return _telling(wrapper, pages)

    def policy_of(self, name: str) -> Policy:
        """The policy, whose figures go by the view's name."""
        found = self._policies.get(name)
        if found is None:
            found = self._policies[name] = self._make_policy(name)
        return found


def _telling(wrapper: Any, pages: _Pages) -> Any:
    """Have the view tell who explains its pages of them; so do decorators around it."""
    wrapper.__holdfast_pages__ = pages
    return wrapper


@dataclass(frozen=True, slots=True)
class Explained:
    """Where a page lies, and why there.

    Attributes:
        store: the name of the store.
        key: in that.
        policy: of the view.
        parts: which parts of the request are in the key, with their values in this one.
    """

    store: str
    key: bytes
    policy: Policy
    parts: Mapping[str, str]


class _NotCached(Exception):  # noqa: N818 - a state, not a mistake
    """There is no page, and none shall be made here."""


class _Pages:
    """The pages of one view.

    Args:
        decorator: what it was decorated with.
        name: of the view.
        identity: the same, for keys.
    """

    __slots__ = ("_decorator", "_identity", "_name", "_options")

    def __init__(self, decorator: _Decorator, name: str, identity: Identity) -> None:
        self._decorator = decorator
        self._options = decorator.options
        self._name = name
        self._identity = identity

    def explained(self, request: HttpRequest, match: ResolverMatch) -> Explained:
        """Where the page lies that *request* gets, and why just there. Runs no view.

        Raises:
            NotCanonical: it lies nowhere: what the view is called with can't be written down.
        """
        owner = getattr(match.func, "view_class", None)
        name = self._name if owner is None else f"{owner.__module__}.{owner.__name__}"
        view = self._identity.text_for(request, match)
        place = self._place(view, request, match.args, match.kwargs)
        parts = known.look_up(self._options.store, place)
        return Explained(
            self._options.store,
            parts.key(place, request),
            self._decorator.policy_of(name),
            parts.texts(request),
        )

    def respond(self, view: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """The response: found, or made."""
        request, own, rest = _called_with(args)
        if own is not None:
            if getattr(own, "view_is_async", False):
                return self.arespond(view, args, kwargs)
            view = functools.partial(view, own)
        else:
            own = self._identity.owner
        if request.method not in _CACHED:
            return view(request, *rest, **kwargs)
        name = self._name if own is None else _class_name(own)
        rules, pages = self._decorator.policy_of(name), loader(self._options.store)
        # Where a part, or what the view is called with, is nothing that a key can be made of, the
        # page is nobody else's.
        try:
            identity = self._identity
            seen = identity.text() if own is None else identity.text_of(own, request, rest, kwargs)
            place = self._place(seen, request, rest, kwargs)
            if place in making.get():
                raise _NotCached  # this very page is being made around it
            page = self._quick(pages, rules, place, request)
            if page is not MISSING:
                return _response(request, page, None)
            visit = Visit(self._options, name, place, request, view, rest, kwargs, own)
            if request.method == "HEAD":
                page = pages.peek(visit.key(), rules)
                if page is MISSING:
                    raise _NotCached
            else:
                page = pages.fetch(visit.key, visit.load, rules, store_at=visit.store_at)
        except (NotCanonical, _NotCached):
            return view(request, *rest, **kwargs)
        return _response(request, page, visit.made)

    async def arespond(self, view: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """As `respond`."""
        request, own, rest = _called_with(args)
        if own is not None:
            view = functools.partial(view, own)
        else:
            own = self._identity.owner
        if request.method not in _CACHED:
            return await view(request, *rest, **kwargs)
        name = self._name if own is None else _class_name(own)
        rules, pages = self._decorator.policy_of(name), loader(self._options.store)
        try:
            identity = self._identity
            seen = identity.text() if own is None else identity.text_of(own, request, rest, kwargs)
            place = self._place(seen, request, rest, kwargs)
            if place in making.get():
                raise _NotCached  # this very page is being made around it
            parts = known.remembered(self._options.store, place)
            if parts is not None:
                await parts.aprepare(request)
            page = self._quick(pages, rules, place, request)
            if page is not MISSING:
                return _response(request, page, None)
            visit = Visit(self._options, name, place, request, view, rest, kwargs, own)
            if request.method == "HEAD":
                page = await pages.apeek(await visit.akey(), rules)
                if page is MISSING:
                    raise _NotCached
            else:
                page = await pages.afetch(visit.akey, visit.aload, rules, store_at=visit.astore_at)
        except (NotCanonical, _NotCached):
            return await view(request, *rest, **kwargs)
        return _response(request, page, visit.made)

    def _place(
        self, view: str, request: HttpRequest, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> str:
        """The view and the URL, and what it was called with where that isn't the URL's."""
        held = plain(request, "__dict__")
        called = ""
        if not called_by_url(held.get("resolver_match"), args, kwargs):
            called = canonical((tuple(args), dict(kwargs)))
        options = self._options
        own = canonical(options.key(request)) if options.key is not None else ""
        # Each but the last two is one line, and these are quoted.
        return (
            f"view {FORM}\n{view}\n{options.version}\n{held['path']!r}\n{held['path_info']!r}\n"
            f"{held.get('urlconf')!r}\n{called}\n{own}"
        )

    def _quick(self, pages: Loader, rules: Policy, place: str, request: HttpRequest) -> Any:
        """The page, if it lies ready in this process."""
        parts = known.remembered(self._options.store, place)
        if parts is None:
            return MISSING
        return pages.quick(parts.key(place, request), rules)


def _called_with(args: Sequence[Any]) -> tuple[HttpRequest, Any, Sequence[Any]]:
    """The request, the view's instance where a method was decorated, and what follows."""
    if args and isinstance(args[0], HttpRequest):
        return args[0], None, args[1:]
    if len(args) > 1 and isinstance(args[1], HttpRequest):
        return args[1], args[0], args[2:]
    found = type(args[1] if len(args) > 1 else args[0]).__qualname__ if args else "nothing"
    raise TypeError(
        f"cached_view needs Django's HttpRequest, and was called with {found}. Decorate a view, or"
        " a class-based view's dispatch: @method_decorator(cached_view(ttl=...), name='dispatch')."
    )


def _class_name(own: Any) -> str:
    cls = own if isinstance(own, type) else type(own)
    return f"{cls.__module__}.{cls.__name__}"


def _response(request: HttpRequest, page: Any, made: HttpResponseBase | None) -> HttpResponseBase:
    """What the visitor gets."""
    if made is None:
        if is_page(page):
            response = thaw(page)
        elif type(page) is tuple and page[0] == ABSENT:
            raise Http404(*page[1:])
        else:
            raise RuntimeError("A page was stored by a version of Holdfast that is not known here.")
    elif page == REFUSED:
        return made  # refused: whatever it is, it is this visitor's
    else:
        response = made  # type: ignore[assignment] # only such are stored
    return conditional(request, response)
