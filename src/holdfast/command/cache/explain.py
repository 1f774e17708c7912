"""Say all about one result: what is stored, whether it is true, and if not, what made it untrue.

    holdfast cache explain shop.prices.total 7 currency=EUR
    holdfast cache explain /articles/7/?page=2 --cookie theme=dark
    holdfast cache explain c:shop.prices.total@1:i7

A function is named by its module and itself, or as its name= says; its arguments are written as in
Python, and what is no Python is a text. Of a URL, the middleware runs, and no view. The exit status
is 1 where nothing is stored.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .._output import Output
from .._status import DONE, NOT_THERE
from . import _what

if TYPE_CHECKING:
    from ...cache.explaining import Explanation

_MOST_TAGS = 50


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `explain` takes."""
    parser.add_argument("key", help="a function's name, a URL's path, or a key")
    parser.add_argument("argument", nargs="*", help="of the function")
    parser.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="of the request for the URL",
    )
    parser.add_argument(
        "--cookie", action="append", default=[], metavar="NAME=VALUE", help="of the same"
    )


def run(options: argparse.Namespace, output: Output) -> int:
    """Explain."""
    from ...cache import explaining

    meant = _what.meant(options)
    about = explaining.explain(meant.store, meant.key, meant.policy)
    data = about.as_dict() | ({"parts": meant.parts} if options.key.startswith("/") else {})
    lines = list(_lines(about))
    if options.key.startswith("/"):
        lines += list(_parts(meant))
    output.record(data, "\n".join(lines))
    return DONE if about.found is not None else NOT_THERE


def _lines(about: Explanation) -> Iterator[str]:
    from ...cache.explaining import kind_of, shown

    if about.policy is not None:
        yield f"name      {about.policy.name}"
    yield f"key       {shown(about.key)}"
    yield f"store     {about.store}, at {about.now} of its sequence"
    if about.is_quiet:
        yield (
            "          It has lost what was announced before, so nothing is stored until all"
            " commits of then are over."
        )
    yield f"state     {_STATES[about.state]}"
    found = about.found
    if found is not None:
        yield f"stored    {kind_of(found)}, {len(found.payload):,} bytes: {about.value}"
        yield f"loaded    {_loaded(about)}"
        yield f"fresh     {_fresh(found.head.fresh, found.fresh_for)}"
    if about.policy is not None:
        yield f"old       {_permissions(about)}"
    if found is not None:
        yield from _tags(about)
    for sql, times in sorted(about.queries.items(), key=lambda query: -query[1]):
        yield f"too broad {times:,} times: {sql}"


_STATES = {
    "missing": "nothing is stored",
    "untrue": "not true any more: it was changed since it was loaded",
    "fresh": "true and fresh: it is served",
    "over": "true, but its time is over",
}


def _loaded(about: Explanation) -> str:
    found, by = about.found, about.loaded_by
    assert found is not None  # noqa: S101 - the caller has looked
    when = "at a time that isn't known"
    if found.head.at:
        when = f"at {dt.datetime.fromtimestamp(found.head.at).astimezone():%Y-%m-%d %H:%M:%S %Z}"
    where = "by a process that isn't known any more"
    if by is not None:
        where = f"by process {by.pid} on {by.host} ({by.command})"
    age = f"{found.age:.1f} s ago, " if math.isfinite(found.age) else ""
    return f"{age}{when}, {where}, in {found.head.took * 1000:.1f} ms"


def _fresh(whole: float, left: float) -> str:
    if not math.isfinite(whole):
        return "until it is made untrue, or evicted"
    if left > 0:
        return f"for {left:.1f} s still, of {whole:.1f}"
    return f"it was, for {whole:.1f} s; that ended {-left:.1f} s ago"


def _permissions(about: Explanation) -> str:
    from ...cache.explaining import permissions

    assert about.policy is not None  # noqa: S101 - the caller has looked
    given = {name: seconds for name, seconds in permissions(about.policy).items() if seconds}
    if not given:
        return "results are not served when they are over, or untrue"
    return ", ".join(f"{name}={seconds:g} s" for name, seconds in given.items())


def _tags(about: Explanation) -> Iterator[str]:
    from ...cache.explaining import shown

    if not about.same_epoch:
        yield "tags      the store was emptied, restarted or replaced since: none can be checked"
        return
    if not about.tags:
        yield "tags      none: it is true until its time is over"
        return
    yield f"tags      loaded at {about.number}; since then:"
    untrue = [tag for tag in about.tags if tag.state != "unchanged"]
    rest = [tag for tag in about.tags if tag.state == "unchanged"]
    for tag in (untrue + rest)[:_MOST_TAGS]:
        at = "" if tag.state == "unchanged" else f" at {tag.number}"
        marks = f", marked by {tag.marks}" if tag.marks else ""
        yield f"  {tag.state}{at}{marks}: {shown(tag.name)}"
    if len(about.tags) > _MOST_TAGS:
        yield f"  … and {len(about.tags) - _MOST_TAGS} more: --json has all"


def _parts(meant: _what.Meant) -> Iterator[str]:
    if not meant.parts:
        yield "request   no part of it is in the key: all visitors get this page"
        return
    yield "request   in the key are:"
    for name, value in meant.parts.items():
        yield f"  {name} = {value}"
