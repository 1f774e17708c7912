"""The report for programs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from ..findings import SEVERITIES, Finding
from . import Report

#: Changes when a field changes its meaning, or goes.
VERSION = 1


def written(report: Report) -> str:
    """One JSON document."""
    return json.dumps(as_data(report), indent=1) + "\n"


def as_data(report: Report) -> dict[str, Any]:
    """What the document holds."""
    by_severity = Counter(finding.severity for finding in report.findings)
    return {
        "version": VERSION,
        "findings": [finding_as_data(finding) for finding in report.findings],
        "problems": [asdict(problem) for problem in report.problems],
        "summary": {
            "files": report.files,
            "lines": report.lines,
            "reread": report.reread,
            "seconds": round(report.seconds, 3),
            **{severity: by_severity[severity] for severity in SEVERITIES},
            "left_out": asdict(report.left_out),
        },
    }


def finding_as_data(finding: Finding) -> dict[str, Any]:
    """One finding."""
    return {
        "class": finding.class_,
        "code": finding.code,
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "end_line": finding.end_line,
        "symbol": finding.symbol,
        "attribute": finding.attribute,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "message": finding.message,
        "mend": finding.mend,
    }
