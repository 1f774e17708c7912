"""What is meant: a function and its arguments, a page by its URL, or a key as it stands."""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._status import NOT_THERE, WRONG_USE, CommandFailed

if TYPE_CHECKING:
    from ...cache.cached_function import CachedFunction
    from ...cache.policy import Policy

_OF_FUNCTION = re.compile(r"c:(.+?)@[^:]*:")
_NAMED = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Meant:
    """A result.

    Attributes:
        store: the name of the store that it is in.
        key: its own.
        policy: of what makes it, where that is known.
        parts: which parts of a request are in its key, with their values.
    """

    store: str
    key: bytes
    policy: Policy | None = None
    parts: dict[str, str] = field(default_factory=dict)


def values(words: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    """Arguments as they are typed: 7, 'a', (1, 2) and page=2 as in Python, all else as text."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for word in words:
        named = _NAMED.fullmatch(word)
        if named is not None:
            kwargs[named[1]] = _value(named[2])
        else:
            args.append(_value(word))
    return args, kwargs


def _value(word: str) -> Any:
    try:
        return ast.literal_eval(word)
    except (ValueError, SyntaxError):
        return word


def function(name: str) -> CachedFunction | None:
    """The cached function of that name: its own, or that of its module and itself."""
    from ...cache.cached_function import registered

    found = registered(name)
    if found is None and "." in name:
        _import(name)
        found = registered(name)
    if found is None and _import_urls():
        found = registered(name)
    return found


def known_function(name: str) -> CachedFunction:
    """The same.

    Raises:
        CommandFailed: there is none.
    """
    found = function(name)
    if found is None:
        raise CommandFailed(
            f"No function with holdfast.cached or cached_query is called {name!r}."
            f" {_perhaps(name)}",
            NOT_THERE,
        )
    return found


def _perhaps(name: str) -> str:
    from ...cache.cached_function import names

    known = names()
    last = name.rpartition(".")[2]
    close = [each for each in known if each.rpartition(".")[2] == last]
    close = close or difflib.get_close_matches(name, known, n=1)
    if close:
        return f"Did you mean {' or '.join(map(repr, close))}?"
    return (
        "Say its module and name, such as shop.prices.total; or import its module first: --import"
        " shop.prices."
    )


def key_of(found: CachedFunction, words: Sequence[str]) -> bytes:
    """The key of that function's result for arguments as they are typed.

    Raises:
        CommandFailed: it doesn't take them.
    """
    assert found.key is not None  # noqa: S101 - the wrapper gave it
    args, kwargs = values(words)
    try:
        return found.key(*args, **kwargs)
    except TypeError as error:
        raise CommandFailed(f"{found.policy.name}: {error}", WRONG_USE) from error


def _import(name: str) -> None:
    """Import the module that a function of this dotted name is in."""
    module = name.rpartition(".")[0]
    while module:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not module.startswith(error.name):
                raise CommandFailed(f"{module} can't be imported: {error}", WRONG_USE) from error
            module = module.rpartition(".")[0]
        except Exception as error:
            raise CommandFailed(f"{module} can't be imported: {error}", WRONG_USE) from error
        else:
            return


def has_django() -> bool:
    """Whether there is a Django project."""
    try:
        from django.conf import settings
    except ModuleNotFoundError:
        return False
    return bool(settings.configured)


def need_django(what: str) -> None:
    """See that there is a project.

    Raises:
        CommandFailed: there is none.
    """
    if not has_django():
        raise CommandFailed(
            f"{what} is about Django. Which project? Run it as manage.py holdfast cache ..., or"
            " give --settings.",
            WRONG_USE,
        )


def _import_urls() -> bool:
    """Import the project's URLs, and with them its views and what these use."""
    if not has_django():
        return False
    from django.conf import settings

    root = getattr(settings, "ROOT_URLCONF", None)
    if isinstance(root, str):
        importlib.import_module(root)
    return True


def meant(options: argparse.Namespace) -> Meant:
    """The result that was typed.

    Raises:
        CommandFailed: it can't be told.
    """
    from ...cache.explaining import as_key

    first, rest = options.key, options.argument
    if first.startswith("/"):
        if rest:
            raise CommandFailed("A URL takes no arguments.", WRONG_USE)
        return _page(first, options)
    try:
        key = as_key(first)
    except ValueError:
        raise CommandFailed(
            f"{first} is no key: digits are missing after hex:.", WRONG_USE
        ) from None
    of = _OF_FUNCTION.match(first)
    if of is not None and not rest:
        found = function(of[1])
        return Meant(options.store, key, None if found is None else found.policy)
    if first.startswith("hex:"):
        return Meant(options.store, key)
    known = known_function(first)
    return Meant(known.store, key_of(known, rest), known.policy)


def _page(path: str, options: argparse.Namespace) -> Meant:
    need_django("A URL")
    from ...django.pages.explaining import NotExplained, explained

    try:
        with _no_request_log():
            found = explained(
                path, dict(_pairs(options.header, ":")), dict(_pairs(options.cookie, "="))
            )
    except NotExplained as error:
        raise CommandFailed(str(error), NOT_THERE) from error
    return Meant(found.store, found.key, found.policy, dict(found.parts))


def _no_request_log() -> AbstractContextManager[Any]:
    """While it is entered, requests aren't logged: those that no visitor sent."""
    from django.conf import settings
    from django.test import override_settings

    from ...django.checks import LOG_MIDDLEWARE, MIDDLEWARE

    # In its place stands what opens scopes, as it does, too.
    middleware = [MIDDLEWARE if one == LOG_MIDDLEWARE else one for one in settings.MIDDLEWARE]
    return override_settings(MIDDLEWARE=list(dict.fromkeys(middleware)))


def _pairs(texts: Sequence[str], between: str) -> list[tuple[str, str]]:
    pairs = []
    for text in texts:
        name, there, value = text.partition(between)
        if not there:
            raise CommandFailed(f"{text!r} has no {between!r} in it.", WRONG_USE)
        pairs.append((name.strip(), value.strip()))
    return pairs
