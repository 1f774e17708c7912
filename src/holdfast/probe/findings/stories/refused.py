"""Requests that do well alone are refused, or fail, when many come at once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from ...run import Asked, Run
from ..finding import Finding

_TOO_MANY, _SERVER_ERROR, _UNAVAILABLE = 429, 500, 503
_ERROR_LINE = re.compile(
    r"^\s*(?:[\w.]+(?:Error|Exception|Timeout)\b.*|.*\bexceed.*)$", re.MULTILINE
)


def failed(asked: Asked) -> bool:
    """Whether it got no answer, or one that says that the server could not serve it."""
    return asked.status in {0, _TOO_MANY} or asked.status >= _SERVER_ERROR


def findings(run: Run) -> Iterator[Finding]:
    """One for each way in which requests failed that do not fail alone."""
    broken = {one.path for one in run.alone if failed(one)}
    ways = defaultdict[tuple[int, str], list[Asked]](list)
    for one in run.together:
        if failed(one) and one.path not in broken:
            ways[one.status, one.error.partition(":")[0] if not one.status else ""].append(one)
    server = next((one.server for one in reversed(run.processes) if one.server), "the server")
    errors = {one.request: one.error for one in run.served if one.error}
    seen = {one.request for one in run.served}
    for (status, error), asked in sorted(ways.items(), key=lambda item: -len(item[1])):
        inside = [one for one in asked if one.request in seen]
        what = f"status {status}" if status else (asked[0].error or error or "no answer")
        who = "the application" if len(inside) > len(asked) / 2 else server
        said = _said(run, [errors[one.request] for one in inside if one.request in errors])
        yield Finding(
            code="refused",
            culprit=f"{who}: {what}",
            sentence=(
                f"{len(asked)} of {len(run.together)} requests failed ({what}) when "
                f"{run.users} users came at once, and none that was alone: "
                + (
                    "the application had them, and failed."
                    if inside
                    else f"{who} refused them before the application was called."
                )
            ),
            mend=_mend(status, inside=bool(inside)),
            numbers={"failed": len(asked), "of": len(run.together), "status": status},
            evidence=said,
        )


def _said(run: Run, errors: list[str]) -> tuple[str, ...]:
    lines = dict.fromkeys(
        [*errors, *(found.group().strip() for found in _ERROR_LINE.finditer(run.log))]
    )
    return tuple(lines)[:5]


def _mend(status: int, *, inside: bool) -> str:
    if inside:
        return "Look at the server's log for the error: it comes only when requests overlap."
    if status in {_TOO_MANY, _UNAVAILABLE}:
        return (
            "Raise the server's limit (uvicorn: --limit-concurrency; granian: --backpressure; a "
            "proxy: its own), or have enough workers that it is not reached."
        )
    return (
        "Raise the server's backlog (gunicorn, uvicorn, hypercorn, granian: --backlog; uWSGI: "
        "--listen), its time limits, and see in its log whether a worker was killed or restarted."
    )
