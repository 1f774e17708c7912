"""The chain, step by step, and what it costs: as data for programs, and in words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.core.handlers.asgi import ASGIHandler as DjangosHandler
from django.core.handlers.wsgi import WSGIHandler

from . import chain, costs, receivers
from .application import Application, find
from .causes import Blame, blames, needs_thread, switches_of
from .step import Setting, Step, When
from .steps import steps

_WIDTH = 100


@dataclass(frozen=True)
class Report:
    """How a request is served in one way.

    Attributes:
        interface: "asgi" or "wsgi".
        handler: whose handler it is: "Django's" or "Holdfast's".
        in_use: whether the project's own `asgi.py` makes this one.
        application: what that makes, under ASGI.
        view: "async" or "sync".
        steps: what it passes.
        unused: middleware that raised `MiddlewareNotUsed`.
        doubts: middleware that won't work like this, and why.
        costs: what switches cost here.
    """

    interface: str
    handler: str
    in_use: bool
    application: Application | None
    view: str
    steps: list[Step]
    unused: tuple[str, ...]
    doubts: tuple[tuple[str, str], ...]
    costs: costs.Costs

    @property
    def switches(self) -> int:
        """How many switches a request with a plain response pays."""
        return len(switches_of(self.steps))

    @property
    def has_thread(self) -> bool:
        """Whether a thread is started for each request."""
        return self.interface == "asgi" and needs_thread(self.steps)

    @property
    def seconds(self) -> float:
        """The processor time that the switches, and the thread, take."""
        ways = [way for way, _ in switches_of(self.steps)]
        thread = self.costs.thread if self.has_thread else 0.0
        return sum(map(self.costs.switches.__getitem__, ways)) + thread

    @property
    def blames(self) -> list[Blame]:
        """Who causes the switches."""
        return blames(self.steps, self.costs)

    def as_data(self) -> dict[str, Any]:
        """For programs. Times are in microseconds."""
        return {
            "interface": self.interface,
            "handler": self.handler,
            "in_use": self.in_use,
            "application": None if self.application is None else asdict(self.application),
            "view": self.view,
            "switches": self.switches,
            "thread": self.has_thread,
            "microseconds": _microseconds(self.seconds),
            "steps": [self._step(step) for step in self.steps],
            "unused": list(self.unused),
            "doubts": [{"middleware": path, "why": why} for path, why in self.doubts],
            "causes": [
                {
                    "name": blame.name,
                    "kinds": list(blame.kinds),
                    "switches": blame.switches,
                    "microseconds": _microseconds(blame.seconds),
                    "remedy": blame.remedy,
                }
                for blame in self.blames
            ],
        }

    def cost(self, step: Step) -> float:
        """The processor time of a step's switches, in seconds."""
        return sum(self.costs.switches[way] for way, _ in step.switches)

    def _step(self, step: Step) -> dict[str, Any]:
        return {
            "what": step.what,
            "where": step.place.value,
            "when": step.when.value,
            "middleware": step.middleware,
            "hook": step.hook,
            "microseconds": _microseconds(self.cost(step)),
            "switches": [
                {"way": way.value, "kind": cause.kind, "cause": cause.name}
                for way, cause in step.switches
            ],
        }


def reports(*, interfaces: tuple[str, ...] = ("asgi", "wsgi")) -> list[Report]:
    """The project's chain, under each interface and for each kind of view.

    Makes an instance of each middleware, as a server does, and measures for half a second.
    """
    measured = costs.measure()
    return [report for interface in interfaces for report in _of(interface, measured)]


def _of(interface: str, measured: costs.Costs) -> Iterator[Report]:
    is_async = interface == "asgi"
    loaded = chain.load(is_async=is_async)
    sender: Any = DjangosHandler if is_async else WSGIHandler
    heard = receivers.of_sender(sender)
    used = find() if is_async else None
    for ours in (False, True) if is_async else (False,):
        for view_is_async in (is_async, not is_async):
            yield Report(
                interface,
                "Holdfast's" if ours else "Django's",
                used is None or (used.problem is None and used.ours is ours),
                used,
                "async" if view_is_async else "sync",
                steps(loaded, Setting(heard, view_is_async, ours)),
                loaded.unused,
                tuple((each.path, each.doubt) for each in loaded.layers if each.doubt),
                measured,
            )


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6)


def words(found: list[Report]) -> str:
    """For people: the chain that is in use under each interface, and then the totals of all."""
    parts = []
    for interface in dict.fromkeys(report.interface for report in found):
        of_it = [report for report in found if report.interface == interface]
        shown = next((report for report in of_it if report.in_use), of_it[0])
        parts += [_served(shown), _chain(shown), _doubts(shown), _totals(of_it), _causes(shown)]
    return "\n\n".join(part for part in parts if part)


def _served(report: Report) -> str:
    used = report.application
    if used is None:
        return ""
    if used.problem is not None:
        return f"Which handler serves the project isn't known: {used.problem}."
    return f"{used.where}: {' > '.join([*used.wrappers, f'{report.handler} handler'])}"


def _chain(report: Report) -> str:
    name = report.interface.upper()
    lines = [f"{name}, {report.handler} handler, {_a(report.view)} view:"]
    width = max(len(step.place.value) for step in report.steps)
    for step in report.steps:
        cost = f"{_microseconds(report.cost(step)):,} µs" if step.switches else ""
        marks = f"  {'<->' if step.switches else '   '} {cost:>6}"
        when = "" if step.when is When.ALWAYS else f"  ({step.when.value})"
        lines.append(f"  {step.place.value.ljust(width)}{marks}  {step.what}{when}")
    lines += [f"  not used: {path}" for path in report.unused]
    return "\n".join(lines)


def _doubts(report: Report) -> str:
    lines = ["It won't work like this:"] if report.doubts else []
    for path, why in report.doubts:
        lines.append(textwrap.indent(textwrap.fill(f"{path} {why}", _WIDTH), "  "))
    return "\n".join(lines)


def _totals(found: list[Report]) -> str:
    lines = ["A request pays, in switches (<->) and processor time of this machine:"]
    for report in found:
        who = f"{report.handler} handler, {_a(report.view)} view"
        thread = ", and a thread of its own" if report.has_thread else ""
        used = "  <- this project" if report.in_use and report.interface == "asgi" else ""
        lines.append(
            f"  {who.ljust(33)} {_switches(report.switches):>11}{thread},"
            f" {_microseconds(report.seconds):,} µs{used}"
        )
    return "\n".join(lines)


def _causes(report: Report) -> str:
    if not report.blames:
        return ""
    lines = ["What causes them, and what would remove them:"]
    for blame in report.blames:
        cost = f"{_switches(blame.switches)}, {_microseconds(blame.seconds):,} µs"
        lines.append(f"  {blame.name}: {cost}")
        lines.append(textwrap.indent(textwrap.fill(blame.remedy, _WIDTH), " " * 6))
    return "\n".join(lines)


def _switches(count: int) -> str:
    return f"{count} switch{'' if count == 1 else 'es'}"


def _a(kind: str) -> str:
    return f"{'an' if kind[0] == 'a' else 'a'} {kind}"
