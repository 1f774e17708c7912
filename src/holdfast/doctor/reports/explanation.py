"""What a code means: `holdfast doctor --explain S1a`."""

from __future__ import annotations

import textwrap

from ..classes import every_rule, title
from ..codes import covers
from ..rules import Rule


def explanation(named: str) -> str:
    """Of a code, or of all codes of a class; empty, if there is none of that name."""
    rules = [rule for rule in every_rule() if covers(named, rule.code)]
    if not rules:
        return ""
    parts = [_of(rule) for rule in rules]
    if len(rules) > 1 or rules[0].code != named:
        parts.insert(0, f"{named}: {title(named)}\n")
    return "\n".join(parts)


def _of(rule: Rule) -> str:
    reason = textwrap.fill(" ".join(rule.reason.split()), 88)
    return (
        f"{rule.code}: {rule.title}\n\n{reason}\n\nWrong:\n\n{_code(rule.wrong)}\n\n"
        f"Right:\n\n{_code(rule.right)}\n"
    )


def _code(text: str) -> str:
    return textwrap.indent(text.strip("\n").rstrip(), "    ")
