"""Where state lives: the request in its thread, the thread in its process, and what all share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..findings import Finding
from .markup import Markup, element, joined


@dataclass(frozen=True)
class Home:
    """One of the places, from the widest to the narrowest."""

    key: str
    name: str
    lives: str


HOMES = (
    Home("shared", "Shared", "Seen by every worker: the database, the cache, Redis"),
    Home("process", "Process", "One worker's own, until that ends: modules, classes, middleware"),
    Home("thread", "Thread", "Serves one request after another; an event loop's, many at once"),
    Home("request", "Request", "One request, to its true end: request attributes, holdfast.state"),
)
#: By class: where the state is, and where it belongs.
_MOVES = {
    "S1": ("process", "belongs to the request"),
    "S2": ("process", "belongs to what all workers share"),
    "S3": ("thread", "belongs to the request"),
    "S4": ("thread", "needs no thread"),
    "S5": ("thread", "has to end with the request"),
    "S6": ("request", "is the client's word until a proxy of yours says so"),
    "S7": ("request", "belongs to the view"),
    "S8": ("process", "belongs to what all workers share"),
    "S9": ("thread", "keeps all requests of the loop waiting"),
    "S10": ("shared", "has to wait for COMMIT"),
}


def picture(findings: Sequence[Finding]) -> Markup:
    """The four places, one within the other, with the classes of findings that are there."""
    counts = Counter(one.class_ for one in findings)
    names = {class_: _names(class_, findings) for class_ in counts}
    inner = Markup()
    for home in reversed(HOMES):
        chips = [
            _chip(class_, counts[class_], why, names[class_])
            for class_, (where, why) in _MOVES.items()
            if where == home.key and counts[class_]
        ]
        inner = element(
            "section",
            element("h3", home.name),
            element("p", home.lives, class_="lives"),
            element("ul", *chips, class_="chips") if chips else "",
            inner,
            _others() if home.key == "shared" else "",
            class_=f"home {home.key}",
        )
    return element("div", inner, class_="picture")


_MOST_NAMES = 4


def _names(class_: str, findings: Sequence[Finding]) -> str:
    """What holds the state, as far as there is room."""
    found = list(dict.fromkeys(_name(one) for one in findings if one.class_ == class_))
    more = f" and {len(found) - _MOST_NAMES} more" if len(found) > _MOST_NAMES else ""
    return ", ".join(found[:_MOST_NAMES]) + more


def _name(finding: Finding) -> str:
    if finding.attribute.startswith(("self.", "cls.")):
        owner = finding.symbol.partition(".")[0]
        return f"{owner}.{finding.attribute.partition('.')[2]}"
    if finding.class_ in {"S1", "S2", "S3", "S8"}:
        return finding.attribute or finding.symbol
    return finding.symbol or finding.attribute or finding.path


def _chip(class_: str, count: int, why: str, names: str) -> Markup:
    return element(
        "li",
        element(
            "a",
            element("b", class_),
            element("span", f"\N{MULTIPLICATION SIGN} {count}", class_="count"),
            joined([" ", why]),
            href="#findings",
            class_="chip",
            data_class=class_,
        ),
        element("p", names, class_="names"),
    )


def _others() -> Markup:
    """The other workers, which see nothing of this one's."""
    ghosts = [element("span", f"worker {number}", class_="ghost") for number in (2, 3)]
    return element("p", *ghosts, " see nothing of what stays in one process.", class_="ghosts")
