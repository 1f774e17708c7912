"""Celery: tasks carry the id of the request that sent them.

# where the Celery application is made, for web processes and workers alike
import holdfast.log.jobs.celery
holdfast.log.jobs.celery.connect()
"""

from __future__ import annotations

from typing import Any

from celery import signals  # type: ignore[import-untyped]

from . import KEY, incoming, outgoing

_OPENED = "_holdfast_scope"


def connect() -> None:
    """Send the request's id with each task, and open a scope with it around each task. Idempotent.

    A task that Celery runs at once (`task_always_eager`) stays in the scope of its caller.
    """
    signals.before_task_publish.connect(_send, weak=False, dispatch_uid="holdfast.send")
    signals.task_prerun.connect(_begin, weak=False, dispatch_uid="holdfast.begin")
    signals.task_postrun.connect(_end, weak=False, dispatch_uid="holdfast.end")


def _send(headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
    if headers is not None and (sent := outgoing()):
        headers[KEY] = sent


def _begin(task: Any = None, **kwargs: Any) -> None:
    request = task.request
    if request.is_eager:
        return
    opened = incoming(getattr(request, KEY, None), f"task {task.name}")
    opened.__enter__()
    setattr(request, _OPENED, opened)


def _end(task: Any = None, **kwargs: Any) -> None:
    opened = getattr(task.request, _OPENED, None)
    if opened is not None:
        setattr(task.request, _OPENED, None)
        opened.__exit__(None, None, None)
