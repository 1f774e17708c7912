"""Which findings are told: chosen by code, severity, confidence and place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .codes import covers
from .findings import CONFIDENCES, SEVERITIES, Finding
from .globs import matches


@dataclass(frozen=True, slots=True)
class ForPath:
    """What holds for files that a pattern fits.

    Attributes:
        select: of these codes and classes only; empty: of all that are selected anyway.
        ignore: not of these.
        severity: the least; None: as for all files.
        confidence: the least; None: as for all files.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: str | None = None
    confidence: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """What is told.

    Attributes:
        select: findings of these codes and classes; empty: of all.
        ignore: but not of these.
        severity: of this severity, or a worse one.
        confidence: of this confidence, or a higher one.
        paths: by patterns of paths: what else holds there. Codes are narrowed by each that fits, a
            severity or confidence is that of the last one that fits and has one.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: str = SEVERITIES[-1]
    confidence: str = CONFIDENCES[-1]
    paths: Mapping[str, ForPath] = field(default_factory=dict)

    def shows(self, finding: Finding) -> bool:
        """Whether *finding* is told."""
        severity, confidence = self.severity, self.confidence
        if not _chosen(finding.code, self.select, self.ignore):
            return False
        for pattern, there in self.paths.items():
            if matches(finding.path, (pattern,)):
                if not _chosen(finding.code, there.select, there.ignore):
                    return False
                severity = there.severity or severity
                confidence = there.confidence or confidence
        return at_least(finding.severity, severity, SEVERITIES) and at_least(
            finding.confidence, confidence, CONFIDENCES
        )


def _chosen(code: str, select: tuple[str, ...], ignore: tuple[str, ...]) -> bool:
    if select and not any(covers(named, code) for named in select):
        return False
    return not any(covers(named, code) for named in ignore)


def at_least(given: str, wanted: str, order: tuple[str, ...]) -> bool:
    """Whether *given* comes no later than *wanted* in *order*."""
    return order.index(given) <= order.index(wanted)
