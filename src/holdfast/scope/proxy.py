"""Proxies: objects that stand for whatever the current request's object is.

Reading an attribute has to cost next to nothing. From Python 3.12 on the interpreter runs a
`__getattribute__` that is written in Python without leaving its loop, provided that there is no
`__getattr__` beside it; a `__getattr__` alone, or a property beside one, costs half as much again
to ten times as much. (Measured in `benchmarks/`: 3 to 4 times a bare ContextVar read.)

Hence the rule in here: `self.anything` is the object's. What is the proxy's own is read from
`type(self)`.

A proxy is never callable and never awaitable, whatever it stands for. Templates call what is
callable, and frameworks await what can be awaited.
"""

from __future__ import annotations

import builtins
import copy
import copyreg
import math
import operator
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NoReturn, TypeVar, cast

from .errors import NoRequest
from .scope import scope_var
from .state import State

_T = TypeVar("_T")


class LocalProxy:
    """Stands for the object that its source returns, anew at each use.

    Made by `holdfast.proxy`. Attributes, items, operators, comparison, `with`, `isinstance`,
    copying and printing go to the object. Calling, awaiting and pickling don't, nor do `next()` and
    `os.fspath()`: give these the object itself.
    """

    __slots__ = ("__weakref__",)

    # Set on the class that each proxy gets for itself.
    _holdfast_target: Callable[[], Any]
    _holdfast_name: str

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(type(self)._holdfast_target(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(type(self)._holdfast_target(), name)

    def __dir__(self) -> list[str]:
        target = type(self)._holdfast_peek()
        return [] if target is _UNBOUND else dir(target)

    @classmethod
    def _holdfast_peek(cls) -> Any:
        """The object, or a mark where there is none. For all that must never raise."""
        try:
            return cls._holdfast_target()
        except (NoRequest, LookupError):
            return _UNBOUND

    def __repr__(self) -> str:
        target = type(self)._holdfast_peek()
        if target is _UNBOUND:
            return f"<{type(self)._holdfast_name}: no request here>"
        return repr(target)

    def __str__(self) -> str:
        target = type(self)._holdfast_peek()
        return repr(self) if target is _UNBOUND else str(target)

    def __format__(self, spec: str) -> str:
        target = type(self)._holdfast_peek()
        return format(repr(self), spec) if target is _UNBOUND else format(target, spec)

    def __bool__(self) -> bool:
        target = type(self)._holdfast_peek()
        return False if target is _UNBOUND else bool(target)

    def __hash__(self) -> int:
        target = type(self)._holdfast_peek()
        return object.__hash__(self) if target is _UNBOUND else hash(target)

    def __eq__(self, other: object) -> bool:
        target = type(self)._holdfast_peek()
        return self is other if target is _UNBOUND else bool(target == _seen_through(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __copy__(self) -> Any:
        return copy.copy(type(self)._holdfast_target())

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return copy.deepcopy(type(self)._holdfast_target(), memo)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            f"{type(self)._holdfast_name} can't be pickled: it stands for whatever is current where"
            " it is read. Pickle the values that you need from it."
        )

    def __enter__(self) -> Any:
        return type(self)._holdfast_target().__enter__()

    def __exit__(self, *error: object) -> Any:
        return type(self)._holdfast_target().__exit__(*error)

    async def __aenter__(self) -> Any:
        return await type(self)._holdfast_target().__aenter__()

    async def __aexit__(self, *error: object) -> Any:
        return await type(self)._holdfast_target().__aexit__(*error)


_UNBOUND: Any = object()


def _seen_through(value: Any) -> Any:
    return type(value)._holdfast_target() if issubclass(type(value), LocalProxy) else value


def _forward(operation: Callable[..., Any]) -> Callable[..., Any]:
    def forward(self: LocalProxy, *operands: Any) -> Any:
        return operation(type(self)._holdfast_target(), *map(_seen_through, operands))

    return forward


def _forward_reflected(operation: Callable[..., Any]) -> Callable[..., Any]:
    def forward(self: LocalProxy, other: Any) -> Any:
        return operation(other, type(self)._holdfast_target())

    return forward


_ARITHMETIC = (
    *("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod"),
    *("lshift", "rshift", "and_", "xor", "or_"),
)
_OTHER_OPERATORS = (
    *("lt", "le", "gt", "ge", "neg", "pos", "abs", "invert"),
    *("getitem", "setitem", "delitem", "contains", "index"),
)
# Not `next` and `os.fspath`: with their methods, every proxy would be an instance of Iterator and
# PathLike, and frameworks would take it for such.
_FUNCTIONS = ("iter", "len", "reversed", "int", "float", "complex", "round")
_BOTH_WAYS = ("pow", "divmod")
_ROUNDING = ("floor", "ceil", "trunc")


def _forward_all() -> None:
    for name in _ARITHMETIC:
        operation = getattr(operator, name)
        bare = name.rstrip("_")
        setattr(LocalProxy, f"__{bare}__", _forward(operation))
        setattr(LocalProxy, f"__r{bare}__", _forward_reflected(operation))
    for name in _OTHER_OPERATORS:
        setattr(LocalProxy, f"__{name}__", _forward(getattr(operator, name)))
    for name in (*_FUNCTIONS, *_BOTH_WAYS):
        setattr(LocalProxy, f"__{name}__", _forward(getattr(builtins, name)))
    for name in _BOTH_WAYS:
        setattr(LocalProxy, f"__r{name}__", _forward_reflected(getattr(builtins, name)))
    for name in _ROUNDING:
        setattr(LocalProxy, f"__{name}__", _forward(getattr(math, name)))


_forward_all()


def _otherwise(self: LocalProxy, name: str, error: Exception) -> Any:
    """What `self.name` is where the object has no such name, or where there is no object."""
    kind = type(self)
    if name == "__deepcopy__":
        return lambda memo: kind.__deepcopy__(self, memo)
    if isinstance(error, AttributeError):
        raise error
    if name == "__class__":
        return kind
    if name == "__dict__":
        return {}
    if name.startswith("__"):
        # Debuggers, doctest and mock look for these on anything: not an error to them.
        return object.__getattribute__(self, name)
    if name == "get" and issubclass(kind, _StateProxy):
        return object.__getattribute__(self, name)
    raise error


def _refuse_pickling(proxy: LocalProxy) -> NoReturn:
    LocalProxy.__reduce_ex__(proxy, 0)


def _make(
    target: Callable[[], Any],
    read: Callable[[Any, str], Any],
    name: str,
    kind: type[LocalProxy],
) -> Any:
    own = type(
        kind.__name__,
        (kind,),
        {
            "__slots__": (),
            "__module__": kind.__module__,
            "__doc__": kind.__doc__,
            "__getattribute__": read,
            "_holdfast_target": staticmethod(target),
            "_holdfast_name": name,
        },
    )
    # pickle and copy ask here before they ask the proxy, which would answer for the object.
    copyreg.pickle(own, _refuse_pickling)
    return own()


def proxy(source: Callable[[], _T] | ContextVar[_T], name: str | None = None) -> _T:
    """A proxy of your own, for anything that belongs to the current request.

        tenant = holdfast.proxy(lambda: holdfast.state.tenant)
        connection = holdfast.proxy(connection_var, name="connection")

    Args:
        source: a function without arguments that returns the object, or a ContextVar.
        name: what `repr` calls it where there is nothing; the source's name by default.

    What the source raises is raised by use of the proxy; `repr`, `str`, `bool`, `==` and `hash`
    stay silent where it raises `NoRequest` or `LookupError`. Costs what the source costs and a
    few tens of nanoseconds; never blocks. It can't be called or awaited.
    """
    target: Any
    if isinstance(source, ContextVar):
        target = source.get
        called = source.name
    elif callable(source):
        target = source
        called = getattr(source, "__qualname__", repr(source))
    else:
        raise TypeError(
            f"proxy() takes a function without arguments or a ContextVar, not {source!r}."
        )

    def read(self: LocalProxy, name: str) -> Any:
        try:
            return getattr(target(), name)
        except (NoRequest, AttributeError) as error:
            return _otherwise(self, name, error)

    return cast("_T", _make(target, read, name or called, LocalProxy))


class _StateProxy(LocalProxy):
    __slots__ = ()

    def get(self, name: str, default: Any = _UNBOUND) -> Any:
        """The value of *name*; a given *default* also stands where there is no request."""
        # Reached where there is no request; otherwise `state.get` is State's own.
        if default is _UNBOUND:
            type(self)._holdfast_target()
        return default


def _proxies_of_the_scope() -> tuple[Any, State]:
    get = scope_var.get

    def read_request(self: LocalProxy, name: str) -> Any:
        try:
            return getattr(get().request, name)
        except (NoRequest, AttributeError) as error:
            return _otherwise(self, name, error)

    def read_state(self: LocalProxy, name: str) -> Any:
        try:
            return getattr(get().state, name)
        except (NoRequest, AttributeError) as error:
            return _otherwise(self, name, error)

    return (
        _make(lambda: get().request, read_request, "holdfast.request", LocalProxy),
        _make(lambda: get().state, read_state, "holdfast.state", _StateProxy),
    )


#: The request object of the current request: Django's `HttpRequest` behind the middleware, a WSGI
#: environ or an ASGI scope behind the plain wrappers, or what you set with
#: `holdfast.current().request = ...`.
request: Any
#: The current request's own namespace: see `State`.
state: State
request, state = _proxies_of_the_scope()
