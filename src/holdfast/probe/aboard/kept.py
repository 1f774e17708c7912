"""What stayed behind: at an order, requests that have ended and are still reached, and by what.

Nothing is done while requests are served. At the order all objects are looked through once: for
requests of the probe's users, and for texts that show their markers. Where some are found, those
who hold them are looked for, step by step, up to a root: see `heap` and `roots`. What a server, a
cache or a connection keeps of its last request is no finding.
"""

from __future__ import annotations

import gc
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .. import markers
from ..events import Kept
from . import native, orders, requests, ticking, writing
from .heap import Heap, TooLong
from .names import Path, pattern_of
from .roots import Roots
from .settings import Settings
from .walk import Walk

#: Seconds of processor time that it may take, and seconds after which what may end by itself is
#: looked at again.
LONGEST = 2.5
AGAIN_AFTER = 0.4
#: Paths that are told, and requests that are told of each.
_MOST_PATHS = 20
_MOST_REQUESTS = 10

#: Classes of frameworks that stand for a request, and where they keep its data.
_CLASSES = (
    ("django.http.request", "HttpRequest", "META"),
    ("rest_framework.request", "Request", "_request"),
    ("starlette.requests", "HTTPConnection", "scope"),
    ("werkzeug.wrappers", "Request", "environ"),
)


def install(settings: Settings) -> None:
    """Look when it is ordered."""
    orders.on("kept", lambda: tell(settings))


def tell(settings: Settings) -> None:
    """Write down what is kept now."""
    gc.collect()
    found = look(settings)
    if any(one.passing for one in found) and ticking.lately():
        # A thread or a task that works on after its request may be about to end.
        found = []
        native.sleep(AGAIN_AFTER)
        gc.collect()
        found = look(settings)
    told = Counter(pattern_of(one.text) for one in found)
    for one in found[:_MOST_PATHS]:
        pattern = pattern_of(one.text)
        writing.write(
            Kept(
                pid=native.getpid(),
                at=native.monotonic(),
                what=one.what,
                path=pattern if told[pattern] > 1 or len(one.requests) > 1 else one.text,
                count=len(one.requests),
                requests=tuple(sorted(one.requests)[:_MOST_REQUESTS]),
            )
        )


def look(settings: Settings) -> Sequence[Path]:
    """The paths by which requests that have ended are reached, those of the same kind as one."""
    try:
        heap = Heap(LONGEST)
        targets = _Targets(settings)
        targets.find(heap)
        if not targets.names:
            return []
        return _merged(_paths(heap, targets))
    except TooLong as error:
        writing.trouble(f"what stayed behind was not looked at to the end: {error}")
        return []


class _Targets:
    """Requests that have ended, and texts that show their markers.

    Attributes:
        names: by the identity of an object, the requests that it stands for.
        texts: those of them that are texts.
    """

    def __init__(self, settings: Settings) -> None:
        self.names: dict[int, frozenset[str]] = {}
        self.whats: dict[int, str] = {}
        self.texts: set[int] = set()
        self._run = settings.run
        self._markers = re.compile(settings.markers) if settings.markers else None
        self._under_way = {one.name for one in list(requests.under_way.values())}
        self._kinds = _kinds()

    def find(self, heap: Heap) -> None:
        """Look through all objects."""
        standing: dict[type, str | None] = {}
        for one in heap.objects:
            kind = type(one)
            if kind is dict:
                name = _named(one)
            else:
                if kind not in standing:
                    standing[kind] = next(
                        (where for known, where in self._kinds if issubclass(kind, known)), None
                    )
                where = standing[kind]
                name = _named_within(one, where) if where is not None else ""
            if name and self._counts(name):
                number = heap.remember(one)
                self.names[number] = frozenset({name})
                self.whats[number] = kind.__name__
        if self._markers is not None:
            for text in heap.texts(f"hf{self._run}"):
                self._text(text, self._markers)

    def _text(self, text: str | bytes, pattern: re.Pattern[str]) -> None:
        told = text if isinstance(text, str) else text.decode("latin-1")
        whose = {markers.read(self._run, found)[1] for found in pattern.finditer(told)}
        whose = {name for name in whose if self._counts(name)}
        if whose:
            self.names[id(text)] = frozenset(whose)
            self.whats[id(text)] = type(text).__name__
            self.texts.add(id(text))

    def _counts(self, name: str) -> bool:
        return name.startswith(f"{self._run}-") and name not in self._under_way


def _kinds() -> list[tuple[type, str]]:
    found = []
    for module, name, where in _CLASSES:
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type):
            found.append((kind, where))
    return found


def _named_within(one: object, where: str) -> str:
    """By what the request's header calls it; without running code of its class."""
    try:
        data = object.__getattribute__(one, "__dict__").get(where)
    except AttributeError:
        return ""
    if type(data) is dict:
        return _named(data)
    return _named_within(data, "META") if data is not None else ""


def _named(data: Mapping[Any, Any]) -> str:
    """The same, of a WSGI environ or an ASGI scope."""
    name = data.get(requests.ENVIRON_NAME)
    if name is not None:
        return name if type(name) is str else ""
    headers = data.get("headers")
    if type(headers) not in {list, tuple} or "type" not in data:
        return ""
    for pair in headers:  # type: ignore[union-attr]
        if type(pair) in {list, tuple} and len(pair) == 2 and pair[0] == requests.SCOPE_NAME:  # noqa: PLR2004
            return bytes(pair[1]).decode("latin-1")
    return ""


def _paths(heap: Heap, targets: _Targets) -> Iterable[Path]:
    roots = Roots()
    whole = targets.names.keys() - targets.texts
    yield from Walk(heap, roots, targets.whats, targets.names, texts=False).paths(whole)
    # What holds a text of a request counts only where the request itself isn't what holds it.
    yield from Walk(heap, roots, targets.whats, targets.names, texts=True).paths(targets.texts)


def _merged(paths: Iterable[Path]) -> list[Path]:
    """One path for each way, without what was declared to be one worker's on purpose.

    What holds the request may be reached by several modules: then by one of the user's own, or by
    the one with the shortest name.
    """
    best: dict[tuple[int, str], Path] = {}
    for path in paths:
        if not path.is_declared:
            known = best.get(path.holder)
            if known is None or path.rank < known.rank:
                best[path.holder] = path
    found: dict[tuple[str, str], Path] = {}
    for path in best.values():
        key = path.what, pattern_of(path.text)
        known = found.get(key)
        if known is None:
            found[key] = path
        else:
            known.requests |= path.requests
    return list(found.values())
