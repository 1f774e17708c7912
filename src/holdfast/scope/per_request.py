"""`per_request`: at most one call per request per arguments."""

from __future__ import annotations

import functools
import inspect
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterator, MutableMapping
from typing import Any, TypeVar, overload

from .flight import Flight
from .parameters import attach_defaults, parameter_list
from .scope import Scope, scope_var

_F = TypeVar("_F", bound=Callable[..., Any])

_get = scope_var.get


@overload
def per_request(function: _F, /) -> _F: ...
@overload
def per_request(*, maxsize: int | None = None) -> Callable[[_F], _F]: ...
def per_request(function: Any = None, /, *, maxsize: int | None = None) -> Any:
    """Call the function at most once per request and arguments, and remember what it returned.

        @holdfast.per_request
        def tenant_of(host): ...

    For functions, methods (`self` counts as an argument) and coroutine functions. Threads,
    greenlets or tasks of one request that ask at the same time wait for the first; if it raises,
    the error is its own, nothing is remembered, and the next one calls. Outside of requests, and
    after a request's end, each call goes straight through.

    Args:
        function: what is decorated.
        maxsize: how many results are kept for each request, the least recently used leaving first;
            by default all, until the request ends.

    Raises:
        TypeError: when called with an argument that can't be hashed.
        RuntimeError: when the function asks for the very result it is computing.

    A remembered result costs about twice `functools.cache`. Waiting blocks the thread, greenlet or
    task for as long as the first call takes, and no other.
    """
    if maxsize is not None and maxsize < 1:
        raise ValueError(
            f"per_request(maxsize={maxsize}): must be at least 1, or None for no limit."
        )
    if function is None:
        return functools.partial(_decorate, maxsize=maxsize)
    return _decorate(function, maxsize)


def _decorate(function: Any, maxsize: int | None) -> Any:
    wrapped_already = isinstance(function, staticmethod | classmethod | property | type)
    if wrapped_already or not callable(function):
        raise TypeError(
            f"per_request decorates functions, not {function!r}. Below @classmethod, @staticmethod"
            " or @property it must be the inner decorator."
        )
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(
            f"per_request can't remember what {function.__qualname__} yields: a generator can be"
            " read once. Return a list or a tuple."
        )
    return _Memo(function, maxsize).wrapper()


#: Stands in no key that is made of positional arguments alone.
_BY_NAME = object()


class _Memo:
    """What per_request knows of one decorated function."""

    def __init__(self, function: Callable[..., Any], maxsize: int | None) -> None:
        self.function = function
        self.maxsize = maxsize
        self.what = getattr(function, "__qualname__", repr(function))
        # Where the scope keeps the results, and the calls under way.
        self.results_key = object()
        self.flights_key = object()

    def wrapper(self) -> Callable[..., Any]:
        signature = inspect.signature(self.function)
        is_async = inspect.iscoroutinefunction(self.function)
        kinds = {parameter.kind for parameter in signature.parameters.values()}
        takes_any = kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
        if takes_any or not inspect.isfunction(self.function):
            made = self._open_wrapper(is_async=is_async)
        else:
            made = self._exact_wrapper(signature, is_async=is_async)
        return functools.wraps(self.function)(made)

    def _exact_wrapper(self, signature: inspect.Signature, *, is_async: bool) -> Callable[..., Any]:
        """A wrapper with the function's own parameters.

        It costs half of one with *args and **kwargs, and f(7), f(pk=7) and a default that was
        left out make one key. As dataclasses do, it is compiled from source; only parameter names
        go into that, the defaults are attached.
        """
        names = list(signature.parameters)
        key = names[0] if len(names) == 1 else f"({', '.join(names)})"
        parameters, passed = parameter_list(signature)
        hit = "_holdfast_get().memo[_holdfast_results][_holdfast_key]"
        if self.maxsize is not None:
            hit = "_holdfast_recent(_holdfast_get(), _holdfast_key)"
        source = (
            f"{'async ' if is_async else ''}def wrapper({parameters}):\n"
            f"    try:\n"
            f"        return {hit.replace('_holdfast_key', key)}\n"
            f"    except (KeyError, TypeError):\n"  # not remembered, or not hashable
            f"        pass\n"
            f"    return {'await ' if is_async else ''}_holdfast_miss"
            f"({key}, lambda: _holdfast_function({passed}))\n"
        )
        namespace: dict[str, Any] = {
            "_holdfast_get": _get,
            "_holdfast_results": self.results_key,
            "_holdfast_recent": self._recent,
            "_holdfast_miss": self._miss_async if is_async else self._miss,
            "_holdfast_function": self.function,
        }
        exec(source, namespace)  # noqa: S102 - only parameter names of a function go into it
        made: Any = namespace["wrapper"]
        attach_defaults(signature, made)
        return made  # type: ignore[no-any-return]

    def _open_wrapper(self, *, is_async: bool) -> Callable[..., Any]:
        def key_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:
            return (args, _BY_NAME, tuple(sorted(kwargs.items()))) if kwargs else args

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            key = key_of(args, kwargs)
            try:
                return self._recent(_get(), key)
            except (KeyError, TypeError):  # not remembered, or not hashable
                pass
            return self._miss(key, lambda: self.function(*args, **kwargs))

        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
            key = key_of(args, kwargs)
            try:
                return self._recent(_get(), key)
            except (KeyError, TypeError):  # not remembered, or not hashable
                pass
            return await self._miss_async(key, lambda: self.function(*args, **kwargs))

        return async_wrapper if is_async else wrapper

    def _recent(self, scope: Scope, key: Hashable) -> Any:
        results = scope.memo[self.results_key]
        value = results[key]
        if self.maxsize is not None:
            results.move_to_end(key)  # KeyError, should it just have been pushed out
        return value

    def _check(self, key: Any) -> None:
        """Refuse what can't be hashed, and say which argument it is."""
        try:
            hash(key)
        except TypeError:
            unhashable = next(filter(None, map(_unhashable, _flat(key))), type(key).__name__)
            raise TypeError(
                f"{self.what} is called once per request and arguments, and a {unhashable} can't"
                " be told from another one: it is not hashable. Pass a tuple, a frozenset or a key"
                " instead."
            ) from None

    def _places(self, scope: Scope) -> tuple[MutableMapping[Hashable, Any], dict[Hashable, Flight]]:
        fresh: MutableMapping[Hashable, Any] = {} if self.maxsize is None else OrderedDict()
        return (
            scope.memo.setdefault(self.results_key, fresh),
            scope.memo.setdefault(self.flights_key, {}),
        )

    def _keep(self, results: MutableMapping[Hashable, Any], key: Hashable, value: Any) -> None:
        results[key] = value
        if self.maxsize is not None:
            while len(results) > self.maxsize:
                results.popitem(last=False)  # type: ignore[call-arg]

    def _miss(self, key: Hashable, call: Callable[[], Any]) -> Any:
        scope = _get()
        self._check(key)
        if not scope.usable:
            return call()
        results, flights = self._places(scope)
        while True:
            flight = Flight()
            under_way = flights.setdefault(key, flight)
            if under_way is flight:
                break
            under_way.wait(self.what)
            if key in results:
                return results[key]
        flight.board()
        try:
            # It may have landed between our look and our taking off.
            if key in results:
                return results[key]
            value = call()
            self._keep(results, key, value)
            return value
        finally:
            del flights[key]
            flight.land()

    async def _miss_async(self, key: Hashable, call: Callable[[], Awaitable[Any]]) -> Any:
        scope = _get()
        self._check(key)
        if not scope.usable:
            return await call()
        results, flights = self._places(scope)
        while True:
            flight = Flight()
            under_way = flights.setdefault(key, flight)
            if under_way is flight:
                break
            await under_way.wait_async(self.what)
            if key in results:
                return results[key]
        flight.board()
        try:
            if key in results:
                return results[key]
            value = await call()
            self._keep(results, key, value)
            return value
        finally:
            del flights[key]
            flight.land()


def _unhashable(value: Any) -> str | None:
    """The type's name, if *value* can't be hashed."""
    try:
        hash(value)
    except TypeError:
        return type(value).__name__
    return None


def _flat(key: Any) -> Iterator[Any]:
    """The arguments in a key."""
    if not isinstance(key, tuple):
        yield key
        return
    for part in key:
        yield from _flat(part)
