"""The whole page."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files

from ..classes import order, title
from ..findings import SEVERITIES, Finding
from ..reports import Report, counted
from .findings import listed
from .markup import Markup, element, joined
from .picture import picture


def document(report: Report, name: str, chain: Markup) -> str:
    """The page as text.

    Args:
        report: what is told.
        name: of the project.
        chain: the middleware chain, as `page.chain` draws it.
    """
    style, script = (_own(file) for file in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}';"
        " base-uri 'none'; form-action 'none'"
    )
    head = joined(
        [
            element("meta", charset="utf-8"),
            _meta("Content-Security-Policy", policy),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element("meta", name="referrer", content="no-referrer"),
            element("title", f"{name}: where state lives"),
            element("style", Markup(style)),
        ]
    )
    body = joined(
        [
            element("a", "Skip to the findings", href="#findings", class_="skip"),
            _header(report, name),
            element(
                "main",
                _section("picture", "Where state lives", picture(report.findings)),
                _section("chain", "The middleware chain", chain),
                _section("findings", "Findings", listed(report.findings)),
                _problems(report),
            ),
            element("script", Markup(script)),
        ]
    )
    page = element("html", element("head", head), element("body", body), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _own(name: str) -> str:
    """A file of this package; it holds nothing that ends its element."""
    return files(__package__).joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _meta(header: str, content: str) -> Markup:
    return element("meta", **{"http-equiv": header, "content": content})


def _section(key: str, heading: str, content: Markup) -> Markup:
    return element("section", element("h2", heading), content, id=key, aria_label=heading)


def _header(report: Report, name: str) -> Markup:
    found = report.findings
    severities = Counter(one.severity for one in found)
    parts = [
        counted(severities[one], one) if one != "info" else f"{severities[one]} info"
        for one in SEVERITIES
        if severities[one]
    ]
    said = f"{counted(len(found), 'finding')}" + (f": {', '.join(parts)}" if parts else "")
    return element(
        "header",
        element("p", "holdfast doctor", class_="tool"),
        element("h1", name),
        element(
            "p",
            f"{said}, in {counted(report.files, 'file')} with {report.lines:,} lines.",
            class_="said",
        ),
        element("nav", _classes(found), aria_label="Classes of findings"),
    )


def _classes(found: Sequence[Finding]) -> Markup:
    counts = Counter(one.class_ for one in found)
    return element(
        "ul",
        *(
            element(
                "li",
                element(
                    "a",
                    element("b", class_),
                    element("span", counts[class_], class_="count"),
                    element("span", title(class_) or "Good to know", class_="about"),
                    href="#findings",
                    data_class=class_,
                ),
            )
            for class_ in sorted(counts, key=order)
        ),
        class_="classes",
    )


def _problems(report: Report) -> Markup:
    if not report.problems:
        return Markup()
    rows = [element("li", element("code", one.path), f" {one.message}") for one in report.problems]
    return _section("problems", "What could not be examined", element("ul", *rows))
