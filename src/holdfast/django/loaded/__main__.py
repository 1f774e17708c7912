"""The child process of `holdfast doctor --settings`: loads a project, and writes what it saw.

    python -m holdfast.django.loaded SETTINGS ROOT RESULT [FOLDER...]

It runs apart from the doctor, so that whatever the project prints, patches, starts or breaks stays
here. RESULT is written whole or not at all.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .places import Places
from .seen import Seen


def main(settings: str, root: Path, result: Path) -> None:
    """Load, look, write."""
    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    written: dict[str, Any] = {"problem": "", "failed": [], "seen": [], "chain": []}
    try:
        _load()
    except BaseException as error:  # noqa: BLE001 - also a SystemExit that a module raises
        written["problem"] = _line(error)
        written["where"] = _where(error, root)
    else:
        written |= _looked(Places(settings, root))
    beside = result.with_suffix(".part")
    beside.write_text(json.dumps(written), "utf-8")
    beside.replace(result)


def _load() -> None:
    import django
    from django.conf import settings

    django.setup()
    # What a server imports besides.
    if settings.ROOT_URLCONF:
        from django.urls import get_resolver

        _ = get_resolver().url_patterns


def _looked(places: Places) -> dict[str, Any]:
    from django import get_version

    from ..stack.application import find
    from . import caches, chain, databases, own, versions

    failed: list[str] = []
    seen: list[Seen] = []
    reports: list[Any] = []

    def run(what: str, look: Callable[[], Iterable[Seen]]) -> None:
        try:
            seen.extend(look())
        except Exception as error:  # noqa: BLE001 - one part that fails leaves the others
            failed.append(f"{what}: {_line(error)}")

    def of_chain() -> Iterator[Seen]:
        reports.extend(chain.reports())
        yield from chain.look(reports, places)

    application = find()
    is_asgi = application.where is not None and application.problem is None
    run("the middleware chain", of_chain)
    run("CACHES", lambda: caches.look(places))
    run("DATABASES", lambda: databases.look(places, is_asgi=is_asgi))
    run("installed packages", lambda: versions.look(places))
    run("Holdfast's own checks", lambda: own.look(places))
    return {
        "failed": failed,
        "seen": [asdict(one) for one in seen],
        "chain": [one.as_data() for one in reports],
        "django": get_version(),
    }


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:500]


def _where(error: BaseException, root: Path) -> dict[str, Any] | None:
    """The last line of the project's own that took part."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_absolute() and path.is_relative_to(root) and "site-packages" not in path.parts:
            return {"file": frame.filename, "line": frame.lineno}
    return None


if __name__ == "__main__":
    sys.path[:0] = [one for one in sys.argv[4:] if one not in sys.path]
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
