"""Who listens to the signals that every request sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.signals import request_finished, request_started
from django.dispatch import Signal

from .. import house_keeping


@dataclass(frozen=True)
class Heard:
    """The receivers of one signal, by name.

    Attributes:
        sync: the sync ones, Django's own among them.
        others: the async ones.
        of_the_project: the sync ones that aren't Django's own.
    """

    sync: tuple[str, ...]
    others: tuple[str, ...]
    of_the_project: tuple[str, ...]


@dataclass(frozen=True)
class Receivers:
    """The receivers of `request_started` and `request_finished`."""

    started: Heard
    finished: Heard


def of_sender(sender: Any) -> Receivers:
    """Those that hear of requests of a handler, such as Django's `ASGIHandler`."""
    return Receivers(
        _heard(request_started, sender, house_keeping.AT_START),
        _heard(request_finished, sender, house_keeping.AT_END),
    )


def _heard(signal: Signal, sender: Any, djangos: frozenset[Any]) -> Heard:
    sync, others = house_keeping.receivers(signal, sender)
    return Heard(
        tuple(map(_name, sync)),
        tuple(map(_name, others)),
        tuple(_name(receiver) for receiver in sync if receiver not in djangos),
    )


def _name(receiver: Any) -> str:
    name = getattr(receiver, "__qualname__", None) or type(receiver).__qualname__
    module = getattr(receiver, "__module__", None)
    return f"{module}.{name}" if module else name
