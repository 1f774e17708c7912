"""What can be read without a script: the verdict, the findings, and where the time went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ....doctor.page.markup import Markup, element, joined
from ...findings.finding import CODES, Finding
from ...markers import user_of
from ..bars import Row, causes_of, rows_of
from ..looks import LOOKS, as_seconds, short
from ..report import Report, counted, humane
from ..text import disturbance, nothing
from ..watched import TOOL

_MOST_ROWS = 100
_WORTH_A_WORD = 0.005


def headline(report: Report) -> str:
    """One sentence that says it all."""
    run, ideal = report.run, report.ideal
    users = counted(run.users, "user")
    if report.tool == TOOL:
        bugs = len(report.findings)
        if not bugs:
            return "Nothing went from one request to another."
        return f"{counted(bugs, 'bug')}: state went from one request to another."
    if not run.together:
        return "No user got to ask anything."
    if ideal.reached:
        how = "on a busy machine" if report.excused else "side by side"
        return f"{users}, {how}: {as_seconds(run.wall)}."
    instead = f"{as_seconds(run.wall)} instead of {as_seconds(ideal.seconds)}"
    return f"{users} waited for each other: {instead}."


def figures(report: Report) -> Markup:
    """What was measured, in large numbers."""
    run, ideal = report.run, report.ideal
    if report.tool == TOOL:
        return _notes(report)
    told = [
        (as_seconds(run.wall), "until all users were answered", "bad" if not ideal.reached else ""),
        (as_seconds(ideal.seconds), "at best: as long as each takes alone", ""),
        (f"{ideal.parallelism:.1f}", f"served at a time, of {counted(run.users, 'user')}", ""),
    ]
    if report.better is not None:
        told.append((as_seconds(report.better.wall), report.better.name, "good"))
    drawn = element(
        "dl",
        *(
            element("div", element("dt", about), element("dd", value), class_=f"figure {class_}")
            for value, about, class_ in told
        ),
        class_="figures",
    )
    return joined([drawn, _notes(report)])


def _notes(report: Report) -> Markup:
    disturbed = [disturbance(report)] if report.disturbed else []
    said = [*disturbed, *(short(one) for one in report.notes)]
    return joined(element("p", one, class_="note") for one in said)


def findings(report: Report) -> Markup:
    """All findings, the worst first."""
    if not report.findings:
        said = headline(report) if report.tool == TOOL else nothing(report)
        return element("p", said, class_="none")
    return joined(_finding(number, one) for number, one in enumerate(report.findings, 1))


def _finding(number: int, one: Finding) -> Markup:
    proof = one.proof
    return element(
        "article",
        element(
            "h3",
            element("span", f"{number}", class_="number"),
            element("code", short(one.culprit), class_="culprit"),
            element("span", one.code, class_="code", title=CODES.get(one.code, "")),
            element("span", "suspected, not proved", class_="unsure") if not one.proved else "",
        ),
        element("p", humane(short(one.sentence)), class_="sentence"),
        _before_and_after(one) if proof is not None else "",
        element("p", element("b", "Mend: "), one.mend, class_="mend"),
        element("p", element("code", short(one.place)), class_="place") if one.place else "",
        element(
            "details",
            element("summary", counted(len(one.evidence), "line") + " of evidence"),
            element("pre", humane(short("\n".join(one.evidence)))),
        )
        if one.evidence
        else "",
        class_="finding",
        data_code=one.code,
        data_culprit=one.culprit,
        data_run=proof.run if proof is not None else None,
    )


def _before_and_after(one: Finding) -> Markup:
    proof = one.proof
    if proof is None:
        return Markup()
    longest = max(proof.before, proof.after) or 1.0
    rows = [("as it was", proof.before, "before"), (proof.changed, proof.after, "after")]
    drawn = element(
        "table",
        *(
            element(
                "tr",
                element("th", name, scope="row"),
                element("td", _bar([(seconds / longest, kind)]), class_="drawn"),
                element("td", as_seconds(seconds), class_="seconds"),
            )
            for name, seconds, kind in rows
        ),
        class_="proof" if proof.holds else "proof fails",
        aria_label="Run again to prove it",
    )
    if proof.holds or not proof.why_not:
        return drawn
    return joined([drawn, element("p", f"This is no proof: {proof.why_not}", class_="unsure")])


def _bar(parts: Sequence[tuple[float, str]]) -> Markup:
    """Shares of 1, each with a class; drawn without a style, which the policy would not let in."""
    at, drawn = 0.0, []
    for share, kind in parts:
        width = max(share, 0.003) * 1000
        drawn.append(
            element("rect", x=f"{at:.1f}", y=0, width=f"{width:.1f}", height=10, class_=kind)
        )
        at += share * 1000
    return element(
        "svg", *drawn, viewBox="0 0 1000 10", preserveAspectRatio="none", aria_hidden="true"
    )


def shares(report: Report) -> Markup:
    """Where the time of all requests went, run by run."""
    return joined(_shares(run.name, rows_of(run)) for run in report.shown)


def _shares(name: str, rows: Sequence[Row]) -> Markup:
    sums = causes_of(rows)
    total = sum(sums.values())
    if not total:
        return Markup()
    told = [one for one in LOOKS if sums.get(one, 0.0) / total >= _WORTH_A_WORD]
    each = total / sum(len(row.bars) for row in rows)
    return element(
        "div",
        element("h3", name, element("span", f" {as_seconds(each)} a request", class_="soft")),
        _bar([(sums[one] / total, f"of-{one}") for one in told]),
        element(
            "ul",
            *(
                element(
                    "li",
                    swatch(one),
                    f"{LOOKS[one].title} ",
                    element("b", f"{sums[one] / total:.0%}"),
                )
                for one in sorted(told, key=lambda one: -sums[one])
            ),
            class_="causes",
        ),
        class_="shares",
    )


def swatch(cause: str) -> Markup:
    """Its colour, broad for work and thin for waiting."""
    thin = LOOKS[cause].waits
    shape = element(
        "rect", x=0, y=5 if thin else 1, width=18, height=4 if thin else 12, rx=2,
        class_=f"of-{cause}",
    )  # fmt: skip
    return element("svg", shape, viewBox="0 0 18 14", class_="swatch", aria_hidden="true")


def table(report: Report) -> Markup:
    """The picture as a table: for who doesn't see it, and for who wants to copy it."""
    rows = rows_of(report.run)
    slowest = sorted(rows, key=lambda row: -row.seconds)[:_MOST_ROWS]
    heads = ("User", "Request", "Status", "Seconds", "Waited", "Mostly", "Behind")
    left = len(rows) - len(slowest)
    return element(
        "details",
        element("summary", "The picture as a table"),
        element(
            "div",
            element(
                "table",
                element(
                    "thead", element("tr", *(element("th", one, scope="col") for one in heads))
                ),
                element("tbody", *(line for row in slowest for line in _lines(row))),
                class_="users",
            ),
            class_="scrolls",
            tabindex="0",
            role="region",
            aria_label="The picture as a table",
        ),
        element("p", f"The slowest; {counted(left, 'quicker user')} left out.") if left else "",
    )


def _lines(row: Row) -> Iterator[Markup]:
    for bar in row.bars:
        asked = bar.asked
        waits = [one for one in bar.pieces if one.waits]
        longest = max(waits, key=lambda one: one.seconds, default=None)
        who = user_of(bar.behind)
        cells = (
            row.user + 1,
            element("code", f"{asked.method} {asked.path}"),
            asked.status or asked.error or "no answer",
            f"{asked.seconds:.3f}",
            f"{bar.waited:.3f}",
            "" if longest is None else f"{LOOKS[longest.cause].title} {longest.name}".strip(),
            f"user {int(who) + 1}" if who.isdecimal() else "",
        )
        yield element("tr", *(element("td", cell) for cell in cells))
