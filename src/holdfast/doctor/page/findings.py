"""The findings, and what chooses among them."""

from __future__ import annotations

from collections.abc import Sequence

from ..classes import every_rule, order, title
from ..findings import SEVERITIES, Finding
from ..rules import Rule
from .markup import Markup, element, joined


def listed(findings: Sequence[Finding]) -> Markup:
    """The filters, and all findings."""
    if not findings:
        return element("p", "Nothing was found.", class_="none")
    rules = {rule.code: rule for rule in every_rule()}
    classes = sorted({one.class_ for one in findings}, key=order)
    return joined(
        [
            _filters(classes),
            element("p", class_="shown", id="shown", role="status"),
            element("div", *(_finding(one, rules.get(one.code)) for one in findings), id="list"),
        ]
    )


def _filters(classes: Sequence[str]) -> Markup:
    return element(
        "form",
        element(
            "label",
            "Search ",
            element("kbd", "/"),
            element("input", type="search", id="search", autocomplete="off", spellcheck="false"),
        ),
        element(
            "label",
            "Class",
            element(
                "select",
                element("option", "all", value=""),
                *(
                    element("option", f"{one}: {title(one) or 'good to know'}", value=one)
                    for one in classes
                ),
                id="class",
            ),
        ),
        element(
            "fieldset",
            element("legend", "Severity"),
            *(
                element(
                    "label",
                    element("input", type="checkbox", name="severity", value=one, checked=True),
                    f" {one}",
                )
                for one in SEVERITIES
            ),
        ),
        element(
            "label",
            element("input", type="checkbox", id="high"),
            " high confidence only",
        ),
        element("button", "Show all", type="reset"),
        id="filters",
        hidden=True,
    )


def _class(one: str) -> str:
    return f"{one}: {title(one) or 'good to know'}"


def _finding(one: Finding, rule: Rule | None) -> Markup:
    return element(
        "article",
        element(
            "h3",
            element("span", one.code, class_=f"code {one.severity}"),
            " ",
            element("span", f"{one.path}:{one.line}", class_="place"),
        ),
        element(
            "p",
            f"{one.severity}, {one.confidence} confidence",
            f", in {one.symbol}" if one.symbol else "",
            class_="meta",
        ),
        element("pre", element("code", one.text.strip())) if one.text.strip() else "",
        element("p", one.message),
        element("p", element("b", "Mend: "), one.mend, class_="mend") if one.mend else "",
        _why(rule) if rule is not None else "",
        class_="finding",
        tabindex="-1",
        data_class=one.class_,
        data_severity=one.severity,
        data_confidence=one.confidence,
    )


def _why(rule: Rule) -> Markup:
    return element(
        "details",
        element("summary", f"Why {rule.code} matters"),
        element("p", " ".join(rule.reason.split())),
        element("h4", "Wrong"),
        element("pre", element("code", rule.wrong.strip("\n"))),
        element("h4", "Right"),
        element("pre", element("code", rule.right.strip("\n"))),
    )
