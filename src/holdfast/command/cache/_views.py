"""Whether a view, or a URL, is called so in this project."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver


def doubt(name: str) -> str | None:
    """What to say of a name that neither a URL in ROOT_URLCONF nor a view has; else None."""
    known = set(_names_below(get_resolver(), ""))
    if name in known or _is_there(name):
        return None
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"There is no view and no URL called {name!r}." + (
        f" Did you mean {close[0]!r}?" if close else ""
    )


def _names_below(resolver: URLResolver, space: str) -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            below = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from _names_below(entry, below)
        elif isinstance(entry, URLPattern):
            yield entry.lookup_str
            if entry.name:
                yield space + entry.name


def _is_there(name: str) -> bool:
    module, _, attribute = name.rpartition(".")
    try:
        return hasattr(importlib.import_module(module), attribute)
    except Exception:  # noqa: BLE001 - no module, or one that can't be imported
        return False
