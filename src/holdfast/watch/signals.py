"""Receivers that a request connects to one of Django's signals, and that run in other requests.

A signal belongs to the process: a receiver that is connected for one request is called by all that
send it meanwhile. That is a leak once such a receiver puts data of the request that it was made for
into something of another one; a receiver that finds out that it isn't meant has done no harm.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

from ..on_import import on_import
from ..scope.scope import scope_var
from .request_data import all_request_data_in
from .shadow import RECEIVER, Foreign, Shadow, Write
from .visits import visit_of

_get = scope_var.get


#: Who is told. Signals are wrapped once, however many watches begin and end.
_watching: list[Shadow] = []
_waits = False


def watch_signals(shadow: Shadow) -> None:
    """Note who connects, and who is called, once Django's dispatcher is imported."""
    global _waits
    if shadow not in _watching:
        _watching.append(shadow)
    if not _waits:
        _waits = True
        on_import("django.dispatch.dispatcher", _wrap)


def leave_signals(shadow: Shadow) -> None:
    """Note no more."""
    if shadow in _watching:
        _watching.remove(shadow)


def _wrap(module: ModuleType) -> None:
    signal = module.Signal
    connect, disconnect, live = signal.connect, signal.disconnect, signal._live_receivers  # noqa: SLF001

    @wraps(connect)
    def connecting(
        self: Any, receiver: Any, sender: Any = None, weak: Any = 1, dispatch_uid: Any = None
    ) -> None:
        connect(self, receiver, sender, bool(weak), dispatch_uid)
        for shadow in _watching:
            shadow.known_by_variable.add(signal)
            shadow.write(self, _key(module, receiver), receiver)

    @wraps(disconnect)
    def disconnecting(
        self: Any, receiver: Any = None, sender: Any = None, dispatch_uid: Any = None
    ) -> bool:
        watching = [shadow for shadow in _watching if id(self) in shadow.cells]
        before = _connected(self) if watching else {}
        found: bool = disconnect(self, receiver, sender, dispatch_uid)
        for shadow in watching:
            for ident in before.keys() - _connected(self).keys():
                one = before[ident]
                gone = one() if isinstance(one, weakref.ref) else one
                shadow.forget(self, _key(module, gone))
        return found

    @wraps(live)
    def live_receivers(self: Any, sender: Any) -> Any:
        found = live(self, sender)
        for shadow in _watching:
            found = _looked_at(shadow, module, self, found)
        return found

    signal.connect, signal.disconnect, signal._live_receivers = (  # noqa: SLF001
        connecting,
        disconnecting,
        live_receivers,
    )


def _looked_at(shadow: Shadow, module: ModuleType, signal: Any, receivers: Any) -> Any:
    """The receivers, those of other requests wrapped."""
    cells = shadow.cells.get(id(signal))
    scope = _get()
    if cells is None or not cells.writes or not scope.usable:
        return receivers
    visit = visit_of(scope)

    def judged(receiver: Any) -> Any:
        key = _key(module, receiver)
        write = cells.writes.get(key)
        if write is None or write.visit is visit:
            return receiver
        return _foreign(signal, key, receiver, write)

    # From Django 5.0 on two lists: sync receivers, and async ones, which are left alone.
    if type(receivers) is tuple:
        return ([judged(receiver) for receiver in receivers[0]], *receivers[1:])
    return [judged(receiver) for receiver in receivers]


def _connected(signal: Any) -> dict[int, Any]:
    return {id(entry[1]): entry[1] for entry in list(signal.receivers)}


def _key(module: ModuleType, receiver: Any) -> object:
    """As Django itself tells receivers from each other."""
    return (RECEIVER, module._make_id(receiver))  # noqa: SLF001


def _foreign(signal: Any, key: object, receiver: Any, write: Write) -> Callable[..., Any]:
    """The receiver of another request: what it writes in this one is looked at."""
    data = {id(one): one for one in all_request_data_in(receiver, calls=True)}

    @wraps(receiver, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        visit = visit_of(_get())
        before, visit.foreign = visit.foreign, Foreign(signal, key, write, data)
        try:
            return receiver(*args, **kwargs)
        finally:
            visit.foreign = before

    return call if data else receiver
