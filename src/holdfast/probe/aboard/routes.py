"""The paths of a Django site, out of its URLconf, with values that their parameters accept."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from ..events import Route
from . import native, orders, places, writing
from .samples import sample
from .settings import Settings

#: Paths that are told, of a site that has more.
MOST = 1000
_DEEPEST = 20
_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head", "options"})

#: Values for parameters, tried in this order: what most sites have something for comes first.
_VALUES = (
    *("1", "a", "2026", "12", "en", "admin", "abc", "a-b", "a/b", "index.html", "2026-01-01"),
    *("00000000-0000-0000-0000-000000000000", "0" * 24, "0" * 32, "0" * 40, "true", "1.0"),
)


def install(settings: Settings) -> None:
    """Tell them when it is ordered."""
    orders.on("routes", tell)


def tell() -> None:
    """Write down the paths of this process's site; nothing, where there is no Django."""
    for number, route in enumerate(routes()):
        if number >= MOST:
            writing.trouble(f"the site has more than {MOST} paths")
            break
        writing.write(route)


def routes() -> Iterator[Route]:
    """Each path of the URLconf once. One that no value was found for is left out."""
    urls = sys.modules.get("django.urls")
    conf = sys.modules.get("django.conf")
    if urls is None or conf is None or not conf.settings.configured:
        return
    resolver = urls.get_resolver()
    seen: set[str] = set()
    for patterns, callback in _leaves(resolver.url_patterns, ()):
        found = _path(patterns)
        if found is None or found in seen:
            continue
        seen.add(found)
        yield Route(
            pid=native.getpid(),
            path=found,
            route=functools.reduce(_joined, map(str, patterns), ""),
            view=_view(callback),
            methods=_methods(callback),
        )


def _joined(before: str, route: str) -> str:
    """As in Django's `ResolverMatch.route`."""
    return before + route.removeprefix("^") if before else route


def _leaves(found: Any, before: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if len(before) > _DEEPEST:
        return
    for one in found:
        patterns = (*before, one.pattern)
        if hasattr(one, "url_patterns"):
            yield from _leaves(one.url_patterns, patterns)
        else:
            yield patterns, one.callback


def _path(patterns: tuple[Any, ...]) -> str | None:
    """A path that this way through the URLconf matches."""
    path = "/"
    for pattern in patterns:
        part = _part(pattern)
        if part is None:
            return None
        path += part
    try:
        _match(patterns, path[1:])
    except LookupError:
        return None
    return path


def _match(patterns: tuple[Any, ...], rest: str) -> None:
    for pattern in patterns:
        found = pattern.match(rest)
        if not found:
            raise LookupError(rest)
        rest = found[0]


def _part(pattern: Any) -> str | None:
    """What this one pattern matches."""
    if hasattr(pattern, "_route"):
        return _of_route(str(pattern._route), pattern.converters)
    if hasattr(pattern, "_regex"):
        return sample(str(pattern._regex))
    # A prefix for the language.
    return str(pattern)


def _of_route(route: str, converters: Mapping[str, Any]) -> str | None:
    """`<int:year>/` with a value for `year`."""
    found, rest = "", route
    while "<" in rest:
        before, _, rest = rest.partition("<")
        word, _, rest = rest.partition(">")
        name = word.rpartition(":")[2]
        value = _value(converters.get(name))
        if value is None:
            return None
        found += before + value
    return found + rest


def _value(converter: Any) -> str | None:
    if converter is None:
        return None
    told = str(converter.regex)
    regex = re.compile(told)
    made = sample(told)
    values = _VALUES if made is None else (*_VALUES, made)
    for value in values:
        if regex.fullmatch(value) and _accepts(converter, value):
            return value
    return None


def _accepts(converter: Any, value: str) -> bool:
    try:
        converter.to_url(converter.to_python(value))
    except Exception:  # noqa: BLE001 - the project's own code, and it says no
        return False
    return True


def _view(callback: Any) -> str:
    kind = getattr(callback, "view_class", None) or getattr(callback, "cls", None)
    return places.name_of(kind if kind is not None else inspect.unwrap(callback))


def _methods(callback: Any) -> tuple[str, ...]:
    """Of class-based views, and those of DRF; of a function nothing is known."""
    actions = getattr(callback, "actions", None)
    if isinstance(actions, Mapping):
        return tuple(sorted(str(name).upper() for name in actions))
    kind = getattr(callback, "view_class", None) or getattr(callback, "cls", None)
    if kind is None:
        return ()
    allowed = getattr(kind, "http_method_names", ())
    return tuple(
        sorted(
            str(name).upper()
            for name in allowed
            if name in _METHODS and (name == "options" or hasattr(kind, name))
        )
    )
