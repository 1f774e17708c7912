"""A page's tags by the view's name and arguments: what `holdfast.django.invalidate` takes.

A page is known by the dotted name of its view's function or class, by the name that its URL has
(`articles:detail`), and by each of these with its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, Resolver404, ResolverMatch, resolve, reverse
from django.urls.base import get_script_prefix

from .canonical import NotCanonical, canonical
from .identity import same
from .request_class import plain


def page_tags(
    request: HttpRequest, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[bytes, ...]:
    """The tags of the page that a view makes for *request*.

    Args:
        request: it knows the URL's name, where a URL led here.
        name: the dotted name of the decorated view.
        args: what it was called with.
        kwargs: the same.
    """
    match = _as_resolved(request)
    if match is None:
        return (_tag(name), _tag(name, args, kwargs))
    names = dict.fromkeys((name, match._func_path, match.view_name))  # noqa: SLF001
    whole = (_tag(each) for each in names)
    return (*whole, *(_tag(each, match.args, match.kwargs) for each in names))


def view_tags(
    view: str | Callable[..., Any],
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    urlconf: str | None = None,
) -> tuple[bytes, ...]:
    """The tags to bump so that a view's pages are untrue: all of them, or those with arguments.

    Args:
        view: the name of a URL (`"articles:detail"`), the dotted name of a view, or the view.
        args: as for `django.urls.reverse`; none at all stands for every page of the view.
        kwargs: the same.
        urlconf: where the name is looked up, if that is not `ROOT_URLCONF`.

    Raises:
        NoReverseMatch: arguments were given, and no URL has this name and takes them.

    Whether there is a view of a dotted name is not known here: no page has such a tag then.
    """
    name = view if isinstance(view, str) else dotted_name(view)
    if not args and not kwargs:
        return (_tag(name),)
    try:
        path = reverse(view, urlconf, list(args) or None, dict(kwargs or {}) or None)
    except NoReverseMatch:
        if isinstance(view, str) and "." not in view:
            raise
        # Not in the URLconf by itself (a class, a view below another decorator): as it was called.
        return (_tag(name, tuple(args), kwargs or {}),)
    # Through the resolver, since a page knows its arguments as the URL gave them: 7 and "7", by
    # position and by name are one page.
    match = resolve("/" + path.removeprefix(get_script_prefix()), urlconf)
    return (_tag(name, match.args, match.kwargs),)


def called_by_url(
    match: ResolverMatch | None, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> bool:
    """Whether *args* and *kwargs* are what the URL gave, and nobody has put others in their place.

    Middleware may change `match.kwargs` itself, in `process_view`. Not known, and so no, is what
    was captured by an `include()`.
    """
    if match is None or match.args != tuple(args):
        return False
    held = match.__dict__
    given, extra = held["captured_kwargs"] or {}, held["extra_kwargs"]
    return same({**given, **extra} if extra else given, kwargs)


def _as_resolved(request: HttpRequest) -> ResolverMatch | None:
    """What the request's URL leads to, with the arguments that it had before any middleware."""
    match: ResolverMatch | None = plain(request, "__dict__").get("resolver_match")
    if match is None or called_by_url(match, match.args, match.kwargs):
        return match
    try:
        return resolve(request.path_info, getattr(request, "urlconf", None))
    except Resolver404:
        return match


def dotted_name(view: Callable[..., Any]) -> str:
    """A view's module and name, as `ResolverMatch` has them; of a class-based one, the class's."""
    named: Any = getattr(view, "view_class", view)
    if not hasattr(named, "__name__"):
        named = type(named)
    return f"{named.__module__}.{named.__name__}"


def _tag(name: str, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] = {}) -> bytes:
    if args is None:
        return f"view:{name}".encode()
    try:
        passed = canonical(tuple(args)) + canonical(dict(sorted(kwargs.items())))
    except NotCanonical as error:
        passed = f"unknown {error}"  # pages with such arguments are never stored
    return f"view:{name}:{passed}".encode("utf-8", "surrogatepass")
