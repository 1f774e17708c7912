"""Django's tasks (6.0 and newer): they carry the id of the request that enqueued them.

# tasks_backend.py of a project
class Backend(holdfast.django.tasks.CarriesRequest, DatabaseBackend): ...

TASKS = {"default": {"BACKEND": "shop.tasks_backend.Backend"}}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.tasks import Task

from ..log.jobs import KEY, incoming, outgoing

#: The argument that a worker hands on to the task; taken off before the function is called.
_ARGUMENT = f"__{KEY}__"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryingTask(Task):  # type: ignore[type-arg,unused-ignore]
    """A task that opens a scope with the id of the request that enqueued it."""

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Run it in sync code."""
        with incoming(kwargs.pop(_ARGUMENT, None), f"task {self.name}"):
            return Task.call(self, *args, **kwargs)

    async def acall(self, *args: Any, **kwargs: Any) -> Any:
        """Run it in async code."""
        async with incoming(kwargs.pop(_ARGUMENT, None), f"task {self.name}"):
            return await Task.acall(self, *args, **kwargs)


class CarriesRequest:
    """For a task backend: stands before the backend's own class."""

    task_class = CarryingTask

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """Enqueue *task* with the request's id beside its arguments."""
        return super().enqueue(task, args, _with_request(kwargs))  # type: ignore[misc]

    async def aenqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """The same in async code."""
        return await super().aenqueue(task=task, args=args, kwargs=_with_request(kwargs))  # type: ignore[misc]


def _with_request(kwargs: dict[str, Any]) -> dict[str, Any]:
    sent = outgoing()
    return {**kwargs, _ARGUMENT: sent} if sent and _ARGUMENT not in kwargs else kwargs
