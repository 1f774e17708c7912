"""The layers of the middleware chain, and what adapts one to the next, as Django builds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.handlers.base import BaseHandler

from .calling import calls_mixin_hooks, doubt


@dataclass(frozen=True)
class Hook:
    """One of the methods that Django calls beside the middleware itself.

    Attributes:
        name: such as `process_view`.
        is_async: whether it is a coroutine function.
    """

    name: str
    is_async: bool


@dataclass(frozen=True)
class Layer:
    """One middleware of the chain.

    Attributes:
        path: as it stands in `MIDDLEWARE`.
        can_sync: `sync_capable` of the class or factory.
        can_async: `async_capable` of it.
        is_async: how Django runs it in this chain.
        mixin_hooks: those of `process_request` and `process_response` that `MiddlewareMixin` calls.
        hooks: those that the handler calls, in any order.
        doubt: why it won't work in the way in which Django runs it here; None where it will.
    """

    path: str
    can_sync: bool
    can_async: bool
    is_async: bool
    mixin_hooks: tuple[Hook, ...] = ()
    hooks: tuple[Hook, ...] = ()
    doubt: str | None = None


@dataclass(frozen=True)
class Chain:
    """The middleware chain under one of the interfaces.

    Attributes:
        is_async: whether the handler at both its ends is async: under ASGI.
        layers: from the outermost to the one around the view.
        unused: what raised `MiddlewareNotUsed`.
    """

    is_async: bool
    layers: tuple[Layer, ...]
    unused: tuple[str, ...] = ()


def load(*, is_async: bool) -> Chain:
    """Have Django build the chain of `settings.MIDDLEWARE`: it makes an instance of each.

    Raises:
        Exception: what Django, or a middleware, raises where it can't be built.
    """
    watched = _Watched()
    watched.load_middleware(is_async=is_async)
    return Chain(is_async, *watched.layers())


@dataclass
class _Made:
    """What Django's loader did for one entry of `MIDDLEWARE`, before it called the class."""

    path: str
    below: Any
    adapted: Any
    is_async: bool
    hooks: list[tuple[Callable[..., Any], bool]] = field(default_factory=list)


class _Watched(BaseHandler):
    """A handler that notes what Django's loader adapts; it serves nothing.

    The loader asks for each entry, from the innermost on, to adapt what is below to it, and says
    the entry's name; then to adapt the hooks of the instance; at last, to adapt the outermost.
    """

    def __init__(self) -> None:
        self._made: list[_Made] = []
        self._outermost: Any = None

    def adapt_method_mode(
        self,
        is_async: bool,  # noqa: FBT001
        method: Any,
        method_is_async: bool | None = None,  # noqa: FBT001
        debug: bool = False,  # noqa: FBT001, FBT002
        name: str | None = None,
    ) -> Any:
        """Note the call, and do as Django does."""
        adapted = super().adapt_method_mode(is_async, method, method_is_async, debug, name)
        if name is not None:
            path = name.removeprefix("middleware ")
            self._made.append(_Made(path, method, adapted, is_async))
        elif method_is_async is None:
            self._made[-1].hooks.append((method, iscoroutinefunction(method)))
        else:
            self._outermost = method
        return adapted

    def layers(self) -> tuple[tuple[Layer, ...], tuple[str, ...]]:
        """The layers from the outermost on, and the names of those that were not used."""
        found: list[Layer] = []
        unused: list[str] = []
        outer_ends = [*(made.below for made in self._made[1:]), self._outermost]
        for made, outcome in zip(self._made, outer_ends, strict=False):
            # What was not used left the chain as it was.
            if outcome is made.below:
                unused.insert(0, made.path)
            else:
                found.insert(0, _layer(made, outcome.__wrapped__))
        return tuple(found), tuple(unused)


def _layer(made: _Made, called: Any) -> Layer:
    from django.utils.module_loading import import_string

    factory = import_string(made.path)
    can_async = getattr(factory, "async_capable", False)
    wrong = doubt(called, made.adapted, is_async=made.is_async, can_async=can_async)
    return Layer(
        path=made.path,
        can_sync=getattr(factory, "sync_capable", True),
        can_async=can_async,
        is_async=made.is_async,
        mixin_hooks=_mixin_hooks(called, is_async=made.is_async),
        hooks=tuple(Hook(method.__name__, is_async) for method, is_async in made.hooks),
        doubt=wrong,
    )


def _mixin_hooks(called: Any, *, is_async: bool) -> tuple[Hook, ...]:
    if not calls_mixin_hooks(type(called), is_async=is_async):
        return ()  # a way of its own, which may call such methods or not
    names = ("process_request", "process_response")
    return tuple(Hook(name, is_async=False) for name in names if hasattr(called, name))
