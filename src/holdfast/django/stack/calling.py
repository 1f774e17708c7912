"""What calling a middleware comes to: which methods it reaches, and where that isn't what it says.

Django believes `sync_capable` and `async_capable`. A class may inherit them from `MiddlewareMixin`
and then have a `__call__` of its own, which knows one of the two only.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.utils.deprecation import MiddlewareMixin


def calls_mixin_hooks(kind: type, *, is_async: bool) -> bool:
    """Whether calling an instance of *kind* calls its `process_request` and `process_response`."""
    reached = list(_reached(kind, "__call__"))
    if not is_async:
        return MiddlewareMixin in reached
    goes_on = any("__acall__" in _names(owner.__dict__["__call__"]) for owner in reached)
    return goes_on and MiddlewareMixin in _reached(kind, "__acall__")


def doubt(called: Any, get_response: Any, *, is_async: bool, can_async: bool) -> str | None:
    """What is wrong with a middleware, in the way in which Django runs it.

    Args:
        called: what Django calls: an instance, or what a factory returned.
        get_response: what it was given.
        is_async: whether Django runs it as async.
        can_async: what its class or factory says.

    Returns:
        A sentence without its subject, the middleware; None where nothing is wrong.
    """
    if isinstance(called, MiddlewareMixin) and not hasattr(called, "async_mode"):
        return "has an __init__ without super().__init__(get_response): every request fails."
    if inspect.isroutine(called):
        found = _doubt(None, called, is_async=is_async, can_async=can_async)
    else:
        found = doubt_of_class(type(called), is_async=is_async, can_async=can_async)
    if found is None and iscoroutinefunction(get_response) and not iscoroutinefunction(called):
        return (
            "isn't marked by markcoroutinefunction(self): middleware above it takes it for sync,"
            " and gets a coroutine in place of a response."
        )
    return found


def doubt_of_class(kind: type, *, is_async: bool, can_async: bool) -> str | None:
    """The same, as far as the class tells it."""
    return _doubt(kind, kind.__call__, is_async=is_async, can_async=can_async)


def _doubt(kind: type | None, function: Any, *, is_async: bool, can_async: bool) -> str | None:
    function = inspect.unwrap(function)
    has_acall = hasattr(kind, "__acall__")
    if iscoroutinefunction(function):
        if is_async:
            return None
        return (
            "is async, and doesn't say so: Django runs it as sync, and gets a coroutine in place of"
            " a response. Set async_capable = True and sync_capable = False."
        )
    if not is_async:
        if has_acall and not can_async:
            return "has an __acall__ that is never used, as async_capable isn't True."
        return None
    if (kind is not None and _calls_async(kind)) or _passes_on(function):
        return None
    never = ", and its __acall__ is never used" if has_acall else ""
    return (
        f"says that it is async capable, but its __call__ is sync{never}: in the event loop it gets"
        " a coroutine in place of a response."
    )


def _reached(kind: type, name: str) -> Iterator[type]:
    """The classes whose method *name* runs: the first one, and where it calls super(), the next."""
    for owner in kind.__mro__:
        method = owner.__dict__.get(name)
        if method is not None:
            yield owner
            if "super" not in _names(method):
                return


def _names(method: Any) -> frozenset[str]:
    """All names that a function's code uses."""
    code = getattr(inspect.unwrap(method), "__code__", None)
    return frozenset(code.co_names) if code is not None else frozenset()


def _calls_async(kind: type) -> bool:
    """Whether its `__call__` knows a coroutine method to call."""
    return any(
        iscoroutinefunction(getattr(kind, name, None))
        for owner in _reached(kind, "__call__")
        for name in _names(owner.__dict__["__call__"])
    )


def _passes_on(function: Callable[..., Any]) -> bool:
    """Whether it returns whatever `get_response` returns, and never looks at it."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return True
    returned = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Return)}
    return all(id(node) in returned for node in ast.walk(tree) if _asks_below(node))


def _asks_below(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    asked = node.func
    return getattr(asked, "attr", getattr(asked, "id", None)) == "get_response"
