"""`--json`: the report for programs, with a version."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any, Final

from ..findings.finding import Finding
from ..run import Asked, Run
from .bars import Bar, causes_of, rows_of
from .report import Report

#: Changes when a field changes its meaning, or goes. New fields may come without.
VERSION: Final = 1
TOOL: Final = "holdfast probe"


def written(report: Report) -> str:
    """One JSON document, on one line."""
    return json.dumps(as_data(report), ensure_ascii=True, allow_nan=False) + "\n"


def as_data(report: Report) -> dict[str, Any]:
    """What the document holds. All times are seconds."""
    ideal = report.ideal
    return {
        "tool": TOOL,
        "version": VERSION,
        "command": list(report.command),
        "users": report.run.users,
        "wall": _rounded(report.run.wall),
        "ideal": _rounded(ideal.seconds),
        "limit": _rounded(ideal.limit),
        "reached": ideal.reached,
        "parallelism": round(ideal.parallelism, 2),
        "cores": ideal.cores,
        "starved": _rounded(ideal.starved),
        "alone": {path: _rounded(seconds) for path, seconds in ideal.alone.items()},
        "findings": [_finding(one) for one in report.findings],
        "runs": [_run(run) for run in report.runs],
    }


def _finding(one: Finding) -> dict[str, Any]:
    proof = None
    if one.proof is not None:
        proof = {
            "changed": one.proof.changed,
            "change": one.proof.change.as_settings(),
            "before": _rounded(one.proof.before),
            "after": _rounded(one.proof.after),
            "run": one.proof.run,
            "holds": one.proof.holds,
            "why_not": one.proof.why_not,
        }
    return {
        "code": one.code,
        "culprit": one.culprit,
        "place": one.place,
        "sentence": one.sentence,
        "mend": one.mend,
        "proved": one.proved,
        "proof": proof,
        "numbers": dict(one.numbers),
        "evidence": list(one.evidence),
    }


def _run(run: Run) -> dict[str, Any]:
    rows = rows_of(run)
    bars = [bar for row in sorted(rows, key=lambda one: one.user) for bar in row.bars]
    return {
        "name": run.name,
        "users": run.users,
        "wall": _rounded(run.wall),
        "settings": run.settings,
        "causes": {cause: _rounded(seconds) for cause, seconds in causes_of(rows).items()},
        "paths": _paths(bars),
        "requests": [_request(bar, run.begun) for bar in bars],
        "crossed": [asdict(one) for one in run.crossed],
        "kept": [asdict(one) for one in run.kept],
        "counts": [asdict(one) for one in run.counts],
        "troubles": [asdict(one) for one in run.troubles],
        "processes": [asdict(one) for one in run.processes],
    }


def _request(bar: Bar, zero: float) -> dict[str, Any]:
    asked = bar.asked
    sums = defaultdict[str, float](float)
    for piece in bar.pieces:
        sums[piece.cause] += piece.seconds
    return {
        "request": asked.request,
        "user": asked.user,
        "method": asked.method,
        "path": asked.path,
        "status": asked.status,
        "error": asked.error,
        "sent": _rounded(asked.sent - zero),
        "seconds": _rounded(asked.seconds),
        "waited": _rounded(bar.waited),
        "behind": bar.behind,
        "causes": {cause: _rounded(seconds) for cause, seconds in sums.items()},
    }


def _paths(bars: Sequence[Bar]) -> Mapping[str, Any]:
    paths = defaultdict[str, list[Asked]](list)
    for bar in bars:
        paths[f"{bar.asked.method} {bar.asked.path}"].append(bar.asked)
    return {name: _path(asked) for name, asked in sorted(paths.items())}


def _path(asked: Sequence[Asked]) -> dict[str, Any]:
    seconds = sorted(one.seconds for one in asked)
    statuses = defaultdict[str, int](int)
    for one in asked:
        statuses[str(one.status)] += 1
    return {
        "requests": len(asked),
        "median": _rounded(median(seconds)),
        "p95": _rounded(seconds[min(len(seconds) - 1, int(len(seconds) * 0.95))]),
        "slowest": _rounded(seconds[-1]),
        "statuses": dict(sorted(statuses.items())),
    }


def _rounded(seconds: float) -> float:
    """To microseconds: what is behind them is noise."""
    return round(seconds, 6)
