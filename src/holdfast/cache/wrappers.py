"""The functions that users call in place of the ones they have decorated."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from ..scope.parameters import attach_defaults, parameter_list
from ..values import MISSING
from .cached_function import CachedFunction
from .keys import encode, encode_all
from .methods import CachedMethod, is_method


def wrapped(
    function: Callable[..., Any], state: CachedFunction, key: Callable[..., Any] | None
) -> Any:
    """*function*, with its own parameters, its results cached as *state* says."""
    signature = inspect.signature(function)
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    is_async = inspect.iscoroutinefunction(function)
    if kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
        face = _open_face(signature, state, key)
    else:
        face = _exact_face(signature, state, key)
    made = functools.wraps(function)(face["wrapper_async" if is_async else "wrapper"])
    given: Any = made
    given.__holdfast_tag__ = state.tag
    given.policy = state.policy
    given.key = state.key = face["key"]
    prefix = "a" if is_async else ""
    given.invalidate = face[prefix + "invalidate"]
    given.refresh = face[prefix + "refresh"]
    given.peek = face[prefix + "peek"]
    given.ainvalidate = face["ainvalidate"]
    return CachedMethod(made) if is_method(function, signature) else made


# Each is compiled once for each function. `KEY` is an expression of the parameters.
_SOURCE = """
def key({parameters}):
    return {KEY}

def wrapper({parameters}):
    _holdfast_key = {KEY}
    _holdfast_value = _holdfast_quick(_holdfast_key)
    if _holdfast_value is not _holdfast_MISSING:
        return _holdfast_value
    return _holdfast_state.call(
        _holdfast_key,
        lambda: _holdfast_state.function({passed}),
        lambda: _holdfast_state.named_tags({passed}),
    )

async def wrapper_async({parameters}):
    _holdfast_key = {KEY}
    _holdfast_value = _holdfast_quick(_holdfast_key)
    if _holdfast_value is not _holdfast_MISSING:
        return _holdfast_value
    return await _holdfast_state.acall(
        _holdfast_key,
        lambda: _holdfast_state.function({passed}),
        lambda: _holdfast_state.named_tags({passed}),
    )

def refresh({parameters}):
    return _holdfast_state.refresh(
        {KEY},
        lambda: _holdfast_state.function({passed}),
        lambda: _holdfast_state.named_tags({passed}),
    )

async def arefresh({parameters}):
    return await _holdfast_state.arefresh(
        {KEY},
        lambda: _holdfast_state.function({passed}),
        lambda: _holdfast_state.named_tags({passed}),
    )

def peek({parameters}):
    return _holdfast_state.peek({KEY})

async def apeek({parameters}):
    return await _holdfast_state.apeek({KEY})

def invalidate({parameters}):
    return _holdfast_state.invalidate({KEY})

async def ainvalidate({parameters}):
    return await _holdfast_state.ainvalidate({KEY})
"""

_DOCS = {
    "key": "What the result is called in the store.",
    "refresh": "Load the result now, and return it.",
    "arefresh": "Load the result now, and return it.",
    "peek": "The result, if there is one that is fresh and true; else MISSING.",
    "apeek": "The result, if there is one that is fresh and true; else MISSING.",
    "invalidate": "Make the result untrue: no worker serves it from now on.",
    "ainvalidate": "Make the result untrue: no worker serves it from now on.",
}


def _exact_face(
    signature: inspect.Signature, state: CachedFunction, key: Callable[..., Any] | None
) -> dict[str, Any]:
    """Functions with the decorated one's own parameters.

    They cost half of ones with *args and **kwargs, and f(7), f(pk=7) and a default that was left
    out make one key. As dataclasses do, they are compiled from source; only parameter names go
    into that, the defaults are attached.
    """
    parameters, passed = parameter_list(signature)
    names = list(signature.parameters)
    if key is not None:
        expression = f"_holdfast_prefix + _holdfast_encode(_holdfast_key_of({passed}))"
    elif not names:
        expression = "_holdfast_prefix"
    elif len(names) == 1:
        # The usual one, a number: half the time of the way that any argument can go.
        expression = (
            f"_holdfast_number % {names[0]} if type({names[0]}) is int else"
            f" _holdfast_prefix + _holdfast_encode({names[0]})"
        )
    else:
        expression = f"_holdfast_prefix + _holdfast_encode_all(({', '.join(names)}))"
    namespace: dict[str, Any] = {
        "_holdfast_prefix": state.prefix,
        "_holdfast_number": state.prefix.replace(b"%", b"%%") + b"i%d",
        "_holdfast_encode": encode,
        "_holdfast_encode_all": encode_all,
        "_holdfast_key_of": key,
        "_holdfast_quick": state.quick,
        "_holdfast_state": state,
        "_holdfast_MISSING": MISSING,
    }
    source = _SOURCE.format(parameters=parameters, passed=passed, KEY=expression)
    exec(source, namespace)  # noqa: S102 - only parameter names of a function go into it
    for name in ("wrapper", "wrapper_async", *_DOCS):
        made = namespace[name]
        attach_defaults(signature, made)
        made.__doc__ = _DOCS.get(name)
        made.__module__ = state.function.__module__
    return namespace


def _open_face(
    signature: inspect.Signature, state: CachedFunction, key: Callable[..., Any] | None
) -> dict[str, Any]:
    """The same for functions that take any arguments: bound anew at each call."""

    def key_of(*args: Any, **kwargs: Any) -> bytes:
        if key is not None:
            return state.prefix + encode(key(*args, **kwargs))
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return state.prefix + encode_all(tuple(bound.arguments.values()))

    namespace: dict[str, Any] = {
        "_holdfast_key_of": key_of,
        "_holdfast_quick": state.quick,
        "_holdfast_state": state,
        "_holdfast_MISSING": MISSING,
    }
    expression = "_holdfast_key_of(*args, **kwargs)"
    source = _SOURCE.format(parameters="*args, **kwargs", passed="*args, **kwargs", KEY=expression)
    exec(source, namespace)  # noqa: S102 - nothing of the function goes into it
    for name, text in _DOCS.items():
        namespace[name].__doc__ = text
    return namespace
