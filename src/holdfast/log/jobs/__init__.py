"""Background jobs that carry the id of the request which started them.

An adapter is two lines: where a job is sent, put `outgoing()` beside its arguments; where it runs,
run it in `with incoming(what_was_sent):`. The files beside this one do that for what they are named
after.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from ...configuration import setting
from ...scope.open_scope import open_scope
from ...scope.scope import Scope, scope_var
from ..entry import Known, plain_state
from ..ids import is_request_id, is_traceparent, new_id

#: Under which name adapters send what `outgoing` gives.
KEY = "holdfast"


def outgoing() -> dict[str, Any]:
    """What a job has to take along: plain data, which any broker can carry.

    `request_id`, `traceparent` where there is a trace, and `state` with the values that the
    setting `STATE` names. Empty outside of requests and jobs. Never blocks or raises.
    """
    scope = scope_var.get()
    known: Known | None = getattr(scope, "log", None)
    if known is None:
        return {}
    sent: dict[str, Any] = {"request_id": known.request_id}
    traceparent = _traceparent() or known.traceparent
    if traceparent:
        sent["traceparent"] = traceparent
    names = setting("LOG", {}).get("STATE", ())
    if names and scope.usable:
        values = plain_state(names, vars(scope.state))
        if values:
            sent["state"] = values
    return sent


def _traceparent() -> str:
    if "opentelemetry.trace" not in sys.modules:
        return ""
    from ..traces import current_traceparent

    return current_traceparent()


class incoming:  # noqa: N801 - used like a function
    """A scope for a job, in which log lines carry the id of the request that started it.

        with holdfast.log.incoming(message.headers.get("holdfast")):    # or: async with
            run(message)

    Opens a scope as `holdfast.open_scope` does, and closes it. What was sent is taken as far as it
    is well-formed: ids may have come from anywhere.

    Args:
        sent: what `outgoing()` gave. None, or anything else: the job has an id of its own.
        name: what errors call the scope, such as the job's name.
    """

    __slots__ = ("_name", "_opened", "_sent")

    def __init__(self, sent: Mapping[str, Any] | None = None, name: str = "") -> None:
        self._sent = sent if isinstance(sent, Mapping) else {}
        self._name = name
        state = self._sent.get("state")
        values = state if isinstance(state, Mapping) else {}
        self._opened = open_scope(
            None, **{name: value for name, value in values.items() if _is_plain_name(name)}
        )

    def _equip(self, scope: Scope) -> Scope:
        known = Known()
        request_id, traceparent = self._sent.get("request_id"), self._sent.get("traceparent")
        is_given = isinstance(request_id, str) and is_request_id(request_id)
        known.request_id = str(request_id) if is_given else new_id()
        if isinstance(traceparent, str) and is_traceparent(traceparent):
            known.traceparent = traceparent
            known.trace_id, known.span_id = traceparent[3:35], traceparent[36:52]
        scope.log = known
        if self._name:
            scope.name = self._name
        return scope

    def __enter__(self) -> Scope:
        return self._equip(self._opened.__enter__())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened.__exit__(kind, error, traceback)

    async def __aenter__(self) -> Scope:
        return self._equip(await self._opened.__aenter__())

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._opened.__aexit__(kind, error, traceback)


def _is_plain_name(name: object) -> bool:
    return (
        isinstance(name, str)
        and name.isidentifier()
        and not name.startswith("_")
        and name not in ("get", "request", "self")  # State's own, and open_scope's
    )
