"""The whole page."""

from __future__ import annotations

import base64
import hashlib
import shlex
from importlib.resources import files

from ....doctor.page.markup import Markup, element, joined
from ..gantt import gantt
from ..looks import LOOKS, short
from ..report import Report
from ..watched import TOOL
from . import data, summary

#: Put together into one script, in this order.
_SCRIPTS = tuple(
    f"{name}.js"
    for name in ("model", "view", "shapes", "drawing", "lanes", "details", "tools", "reader")
)

_HEADINGS = {"holdfast probe": "Who is to blame", TOOL: "What crossed"}


def written(report: Report) -> str:
    """The page as text; to be written as UTF-8, with `backslashreplace` for what has no letters."""
    style = _own("page.css") + _colours()
    script = "\n".join(('"use strict";', "(() => {", *map(_own, _SCRIPTS), "})();", ""))
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}';"
        " base-uri 'none'; form-action 'none'"
    )
    command = short(shlex.join(report.command))
    head = joined(
        [
            element("meta", charset="utf-8"),
            _meta("Content-Security-Policy", policy),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element("meta", name="referrer", content="no-referrer"),
            element("title", f"{summary.headline(report)} {command}"),
            element("style", Markup(style)),
        ]
    )
    body = joined(
        [
            element("a", "Skip to the findings", href="#findings", class_="skip"),
            _header(report, command),
            element(
                "main",
                _section("findings", _HEADINGS[report.tool], summary.findings(report)),
                _picture(report) if report.run.together else "",
                # The watch takes no times within requests.
                _section("time", "Where the time went", summary.shares(report))
                if report.run.served
                else "",
            ),
            _footer(),
            element("script", Markup(data.written(report)), type="application/json", id="data"),
            element("script", Markup(script)),
        ]
    )
    page = element("html", element("head", head), element("body", body), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _own(name: str) -> str:
    """A file of this package; it holds nothing that ends its element."""
    return files(__package__).joinpath(name).read_text("utf-8")


def _colours() -> str:
    return "\n".join(f".of-{cause} {{ fill: {look.colour}; }}" for cause, look in LOOKS.items())


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _meta(header: str, content: str) -> Markup:
    return element("meta", **{"http-equiv": header, "content": content})


def _section(key: str, heading: str, *content: Markup) -> Markup:
    return element("section", element("h2", heading), *content, id=key, aria_label=heading)


def _header(report: Report, command: str) -> Markup:
    return element(
        "header",
        element("p", report.tool, class_="tool"),
        element("h1", *_parts(summary.headline(report))),
        element("p", element("code", command), class_="command"),
        summary.figures(report),
    )


def _parts(headline: str) -> list[object]:
    """A line is broken between its two parts first."""
    first, _, rest = headline.partition(": ")
    if not rest:
        return [headline]
    return [element("span", f"{first}:"), " ", element("span", rest)]


def _picture(report: Report) -> Markup:
    """The places that the script fills, and what stands there without it."""
    plain = "\n".join(
        "".join(text for text, _ in line)
        for line in gantt(report.shown, report.ideal.seconds, 100, height=40)
    )
    return _section(
        "picture",
        "Who waited for whom",
        element("div", id="tools", class_="tools", hidden=True),
        element("ul", id="legend", class_="legend", aria_label="Causes", hidden=True),
        element("div", id="stage", class_="stage", hidden=True),
        element("div", id="details", class_="details", hidden=True),
        element("p", id="said", class_="unseen", role="status", aria_live="polite"),
        element("noscript", element("pre", plain, class_="plain")),
        summary.table(report),
    )


def _footer() -> Markup:
    return element(
        "footer",
        element("p", "Made by Holdfast. One file, nothing from elsewhere, no tracking."),
    )
