"""The report as SARIF 2.1.0, the format of code scanning."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..baseline import Key, key_of
from ..classes import every_rule, title
from ..codes import class_of
from ..examination import Problem
from ..findings import Finding
from ..rules import Rule
from . import Report

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
#: How far up a list a finding belongs, of 100.
_RANKS = {"high": 90.0, "medium": 60.0, "low": 30.0}
_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def written(report: Report) -> str:
    """One SARIF log with one run."""
    return json.dumps(as_data(report), indent=1) + "\n"


def as_data(report: Report) -> dict[str, Any]:
    """What the log holds."""
    rules = {rule.code: rule for rule in every_rule()}
    places = {code: place for place, code in enumerate(rules)}
    seen: Counter[Key] = Counter()
    results = []
    for finding in report.findings:
        key = key_of(finding)
        seen[key] += 1
        results.append(_result(finding, places.get(finding.code), key, seen[key]))
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "holdfast doctor",
                        "semanticVersion": version("holdfast"),
                        "rules": [_rule(rule) for rule in rules.values()],
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [_problem(one) for one in report.problems],
                    }
                ],
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    reason = " ".join(rule.reason.split())
    example = f"Wrong:\n\n{rule.wrong.strip()}\n\nRight:\n\n{rule.right.strip()}\n"
    shown = (
        f"{reason}\n\nWrong:\n\n```python\n{rule.wrong.strip()}\n```\n\n"
        f"Right:\n\n```python\n{rule.right.strip()}\n```\n"
    )
    class_ = class_of(rule.code)
    return {
        "id": rule.code,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": reason},
        "help": {"text": f"{reason}\n\n{example}", "markdown": shown},
        "properties": {"tags": [class_, title(class_)]},
    }


def _result(finding: Finding, place: int | None, key: Key, count: int) -> dict[str, Any]:
    mark = hashlib.sha256("\0".join((*key, str(count))).encode("utf-8", "surrogateescape"))
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": _artifact(finding.path),
            "region": {
                "startLine": finding.line,
                "startColumn": finding.column,
                "endLine": max(finding.end_line, finding.line),
            },
        }
    }
    if finding.symbol:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.symbol}]
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message}\nMend: {finding.mend}"},
        "locations": [location],
        "partialFingerprints": {"holdfastDoctor/v1": mark.hexdigest()},
        "rank": _RANKS[finding.confidence],
        "properties": {
            "class": finding.class_,
            "attribute": finding.attribute,
            "confidence": finding.confidence,
            "mend": finding.mend,
        },
    }
    if place is not None:
        result["ruleIndex"] = place
    return result


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "level": "note",
        "message": {"text": f"Not examined: {problem.message}"},
        "locations": [{"physicalLocation": {"artifactLocation": _artifact(problem.path)}}],
    }


def _artifact(path: str) -> dict[str, Any]:
    if Path(path).is_absolute():
        return {"uri": "file://" + quote(path.encode("utf-8", "surrogateescape"))}
    uri = quote(path.encode("utf-8", "surrogateescape"))
    return {"uri": uri, "uriBaseId": "%SRCROOT%"}
