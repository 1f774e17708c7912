"""The middleware chain: as the settings have it, or as Django resolved it in the loaded project."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import sources
from ..codes import class_of
from ..findings import Finding
from ..lifetimes import is_test
from ..names import statements
from .markup import Markup, element


@dataclass(frozen=True)
class Written:
    """`MIDDLEWARE` as it stands in a file."""

    path: str
    line: int
    entries: tuple[str, ...]


def written(files: Iterable[tuple[str, Path]]) -> Written | None:
    """The longest list that a settings file of the project has; None: there is none.

    Args:
        files: the project's, with their paths as they are shown.
    """
    found = [one for shown, path in files if not is_test(shown) for one in _in_file(shown, path)]
    return max(found, key=lambda one: (len(one.entries), one.path), default=None)


def _in_file(shown: str, path: Path) -> Iterator[Written]:
    try:
        data = sources.content(path)
    except sources.UnreadableError:
        return
    if b"MIDDLEWARE" not in data:
        return
    tree = sources.parsed(path, data).tree
    for statement in statements(tree.body) if tree is not None else ():
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            named = {one.id for one in targets if isinstance(one, ast.Name)}
            if named & {"MIDDLEWARE", "MIDDLEWARE_CLASSES"}:
                entries = tuple(_texts(statement.value))
                if entries:
                    yield Written(shown, statement.lineno, entries)


def _texts(node: ast.expr) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and "." in part.value:
            yield part.value


def from_settings(chain: Written | None, findings: Sequence[Finding]) -> Markup:
    """As it is written, with what is found in each middleware."""
    if chain is None:
        return element("p", "No MIDDLEWARE was found in the files that were examined.")
    rows = []
    for entry in chain.entries:
        hits = list(_of(entry, findings))
        codes = sorted({one.code for one in hits})
        rows.append(
            element(
                "li",
                element("code", entry),
                *(
                    element(
                        "a", code, href="#findings", class_="chip small", data_class=class_of(code)
                    )
                    for code in codes
                ),
                class_="layer hit" if codes else "layer",
            )
        )
    return element(
        "div",
        element("p", f"As {chain.path}:{chain.line} has it; the outermost is first."),
        element("ol", *rows, element("li", "the view", class_="layer view"), class_="layers"),
    )


def _of(entry: str, findings: Sequence[Finding]) -> Iterator[Finding]:
    module, _, name = entry.rpartition(".")
    ending = module.replace(".", "/")
    for one in findings:
        path = one.path.removesuffix(".py").removesuffix("/__init__")
        # In the module, or in a package of that name, which imports it.
        if f"/{ending}/" in f"/{path}/" and one.symbol.partition(".")[0] == name:
            yield one


def from_loaded(reports: Sequence[dict[str, Any]]) -> Markup:
    """As Django resolves it: each step, where it runs, and where the request changes threads."""
    shown = [one for one in reports if one["in_use"]]
    shown = [one for one in shown if (one["view"] == "async") == (one["interface"] == "asgi")]
    return element("div", *(_interface(one) for one in shown))


def _interface(report: dict[str, Any]) -> Markup:
    switches = report["switches"]
    thread = ", and a thread of its own" if report["thread"] else ""
    return element(
        "div",
        element("h3", f"{report['interface'].upper()}, {report['view']} view"),
        element(
            "p",
            f"{report['handler']} handler. A request pays {switches} switch"
            f"{'' if switches == 1 else 'es'} of threads{thread}: {report['microseconds']} µs of"
            " processor time on this machine.",
        ),
        element(
            "ol",
            *(_step(step) for step in report["steps"] if step["when"] == "always"),
            class_="steps",
        ),
        class_="interface",
    )


_LANES = {"event loop": "loop", "request's thread": "thread", "worker's thread": "process"}


def _step(step: dict[str, Any]) -> Markup:
    lane = _LANES.get(step["where"], "loop")
    ways = len(step["switches"])
    return element(
        "li",
        element("span", step["where"], class_=f"where of-{lane}"),
        element("code", step["what"]),
        element("span", "⇄ " * ways, class_="switch", title=f"{ways} switches of threads")
        if ways
        else "",
        class_="step",
    )
