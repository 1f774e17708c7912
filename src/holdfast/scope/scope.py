"""The request scope: what one request holds, from its first byte to its last.

One mutable object, compared by identity, stands in one module-level ContextVar. The
variable is set once, where the request enters; from then on only the object changes.
That is what survives every thread hop, task and loop on every server.

A scope never adopts an inherited one: thread pools, keep-alive greenlets, uvicorn and
daphne hand an earlier request's context to the next. And it is never taken back with
`ContextVar.reset(token)`, which fails in a generator that another context closes.
"""

from __future__ import annotations

import inspect
import logging
import os
import warnings
import weakref
from _thread import RLock
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar, overload

from .errors import NoRequest, RequestEnded
from .state import State

_T = TypeVar("_T")

logger = logging.getLogger("holdfast")

# The ids of the scopes that are open in this process. Ids and not references: a scope that
# was abandoned must be free to be collected, and is closed then.
_live: set[int] = set()

os.register_at_fork(after_in_child=_live.clear)


class Hold:
    """Keeps a scope's values past its end: carried work has one of these.

    The scope refers to it weakly. When the last carried function is gone and the request
    has ended, the scope is emptied.
    """

    __slots__ = ("__weakref__", "scope")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def __del__(self) -> None:
        if self.scope.closed:
            self.scope._empty()


class Scope:
    """What one request holds.

    You rarely make one: the WSGI and ASGI wrappers, the Django middleware and
    `holdfast.open_scope` do. Opening and closing cost less than a microsecond and never
    block.

    Attributes:
        request: the request object: Django's `HttpRequest`, a WSGI environ, an ASGI scope, or
            whatever you set.
        state: the request's own namespace.
        closed: whether the request has ended.
    """

    __slots__ = (
        "__weakref__",
        "_callbacks",
        "_hold",
        "_name",
        "_ticket",
        "closed",
        "log",
        "may_await",
        "memo",
        "request",
        "state",
        "usable",
    )

    request: Any
    state: State
    closed: bool
    # Whether async code closes it, which can await callbacks.
    may_await: bool
    # What per_request and bulk_loader remember: by decorated function.
    memo: dict[Any, Any]
    # The request log's entry. Only set where there is a log, and kept past the end: the lines of
    # work that outlives its request carry the request's id.
    log: Any
    # Whether there is anything to read: not outside of requests, nor after the end. A slot, since
    # that is what the interpreter reads fastest.
    usable: bool

    if TYPE_CHECKING:
        # The slots `request`, `state` and `memo` once more: see below the class.
        _kept_request: Any
        _kept_state: Any
        _kept_memo: Any

    def __init__(
        self, request: Any = None, name: str | tuple[str, ...] = "", *, may_await: bool = False
    ) -> None:
        self.request = request
        self.state = State()
        self.memo = {}
        self.closed = False
        self.usable = True
        self.may_await = may_await
        self._name = name
        self._callbacks: list[Callable[[], object]] = []
        self._hold: weakref.ref[Hold] | None = None
        # Whoever deletes it closes the scope: of all who try, one succeeds. Not the set of live
        # scopes, which a forked child clears: it has to be able to close what it was forked in.
        self._ticket = True
        _live.add(id(self))

    @property
    def name(self) -> str:
        """What errors and logs call this request, such as `GET /labels/`. You may set it."""
        name = self._name
        return name if isinstance(name, str) else "".join(name)

    @name.setter
    def name(self, name: str) -> None:
        self._name = name

    @property
    def closes_at_once(self) -> bool:
        """Whether closing calls nobody back, or only who says by `never_blocks` that it's quick."""
        return all(getattr(callback, "never_blocks", False) for callback in self._callbacks)

    def on_close(self, callback: Callable[[], object]) -> None:
        """Have *callback* called, without arguments, when the request has truly ended.

        Callbacks run once, the last registered first, each of them even where another
        raises (that is logged to the logger `holdfast`), and still see the scope's values.
        Where async code closes the scope (the ASGI wrapper, `async with open_scope()`), a
        coroutine function may be given and is awaited.

        Raises:
            RequestEnded: the scope is closed.
            TypeError: a coroutine function was given, and nobody could await it.
        """
        if inspect.iscoroutinefunction(callback) and not self.may_await:
            raise TypeError(
                f"on_close({callback!r}): this scope is closed by code that can't await."
                " Give a plain function, wrap the application in holdfast.asgi.RequestScope, or"
                " open the scope with `async with holdfast.open_scope()`."
            )
        self._callbacks.append(callback)
        if self.closed:
            # The closer may have gone through the list before this one was in it.
            try:
                self._callbacks.remove(callback)
            except ValueError:
                return
            raise RequestEnded.named(self.name)

    def close(self) -> None:
        """End the request: run the callbacks, let go of everything. Only the first call counts.

        Called by whoever opened the scope. Does not block, beyond what the callbacks do.
        """
        # Written out, as each call counts here: most requests have no callback and carry nothing.
        try:
            del self._ticket
        except AttributeError:
            return
        self.closed = True
        if self._callbacks:
            self._close_with_callbacks()
        elif self._hold is not None:
            self._finish()
        else:
            _live.discard(id(self))
            self._empty()

    def _close_with_callbacks(self) -> None:
        try:
            # Awaits nothing, so that one step takes it to its end.
            with suppress(StopIteration):
                self._run_callbacks(awaiting=False).send(None)
        finally:
            self._finish()

    async def aclose(self) -> None:
        """The same as `close`, awaiting the callbacks that can be awaited."""
        try:
            del self._ticket
        except AttributeError:
            return
        self.closed = True
        try:
            if self._callbacks:
                await self._run_callbacks(awaiting=True)
        finally:
            self._finish()

    async def _run_callbacks(self, *, awaiting: bool) -> None:
        failure: BaseException | None = None
        with self.entered():
            while self._callbacks:
                callback = self._callbacks.pop()
                try:
                    result = callback()
                    if inspect.iscoroutine(result):
                        if awaiting:
                            await result
                        else:
                            result.close()
                            raise TypeError(f"nobody could await what {callback!r} returned")
                except Exception:
                    logger.exception("%s: on_close(%r) raised", self.name, callback)
                except BaseException as error:  # noqa: BLE001
                    # A cancellation, an interrupt, a greenlet's end: not ours to swallow, but
                    # the other callbacks run first.
                    failure = failure or error
        if failure is not None:
            raise failure

    def hold(self) -> Hold:
        """A token that keeps the values of this scope past its end, for as long as it lives."""
        with _holding:
            hold = self._hold() if self._hold is not None else None
            if hold is None:
                hold = Hold(self)
                self._hold = weakref.ref(hold)
            return hold

    @contextmanager
    def entered(self) -> Iterator[Self]:
        """Make this scope the current one for a while, and put back what was there before."""
        outer = scope_var.get()
        scope_var.set(self)
        try:
            yield self
        finally:
            scope_var.set(outer)

    def _finish(self) -> None:
        _live.discard(id(self))
        # The local reference matters: should it be the last one, Hold.__del__ empties.
        hold = self._hold() if self._hold is not None else None
        if hold is None:
            self._empty()

    def _empty(self) -> None:
        # First the class: from here on every reader is told that the request has ended, and no
        # reader meets a half-emptied scope.
        self.__class__ = EndedScope
        self.usable = False
        self._kept_request = self._kept_state = self._kept_memo = None

    def __del__(self) -> None:
        # The last resort, for a server that never came back to the request.
        if not hasattr(self, "_ticket"):
            return
        self.close()
        warnings.warn(
            f"The request {self.name} was never closed; closed by the garbage collector",
            ResourceWarning,
            stacklevel=2,
            source=self,
        )

    def __repr__(self) -> str:
        name = f" {self.name}" if self.name else ""
        return f"<{type(self).__name__}{name}{' (closed)' if self.closed else ''}>"

    def __copy__(self) -> Self:
        # Whoever copies a request copies its environ, where the scope stands; the scope is what it
        # is.
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A scope can't be pickled: it belongs to one request of one process.")


# The same slots under names that EndedScope does not hide: to empty them, at the cost of a slot.
for _slot in ("request", "state", "memo"):
    setattr(Scope, f"_kept_{_slot}", vars(Scope)[_slot])
# Native and never held across anything that could switch greenlets. Re-entrant, because the
# garbage collector may run a finalizer that carries something while we hold it.
_holding = RLock()
_NOTHING_REMEMBERED: Any = MappingProxyType({})


class _Unreadable(Scope):
    """A scope without anything to read: every look says why."""

    __slots__ = ()

    memo = _NOTHING_REMEMBERED

    _why: Callable[[], NoRequest]

    def _refuse(self, *_: object) -> NoReturn:
        raise self._why()

    request = property(_refuse, _refuse)
    state = property(_refuse, _refuse)
    hold = _refuse


class EndedScope(_Unreadable):
    """A scope whose request is over: it knows its name and nothing else."""

    __slots__ = ()

    def _why(self) -> NoRequest:
        return RequestEnded.named(self.name)

    def __del__(self) -> None:
        pass  # it has been closed, and so nearly all end: not a microsecond for that


class _Nowhere(_Unreadable):
    """Stands in the variable where no request is."""

    __slots__ = ()

    def __init__(self) -> None:
        self.closed = True
        self.usable = False
        self._name = "(no request)"

    def on_close(self, callback: Callable[[], object]) -> None:
        raise NoRequest.here()

    def close(self) -> None:
        pass

    def _why(self) -> NoRequest:
        return NoRequest.here()


NOWHERE: Scope = _Nowhere()
scope_var: ContextVar[Scope] = ContextVar("holdfast.scope", default=NOWHERE)

_get = scope_var.get
_RAISE: Any = object()


@overload
def current() -> Scope: ...
@overload
def current(default: _T) -> Scope | _T: ...
def current(default: Any = _RAISE) -> Any:
    """The scope of the request that this code runs for.

    Args:
        default: returned where there is none: outside of requests, and after the request has
            ended in work that was not carried.

    Raises:
        NoRequest: there is none, and no default was given; `RequestEnded` where there was one.

    Costs about 20 ns and never blocks.
    """
    scope = _get()
    if scope.usable:
        return scope
    if default is _RAISE:
        scope.request  # noqa: B018 - raises the error that says why
    return default


def live_scopes() -> int:
    """How many scopes are open in this process: the leak gauge. Zero between requests."""
    return len(_live)
