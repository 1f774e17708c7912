"""Everything that knows Django: app, checks, middleware, caches, pages that a save makes untrue."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bodies import body_tee
    from .cached_queries import cached_query
    from .invalidation import ainvalidate, invalidate
    from .pages.view import cached_view

__all__ = ["ainvalidate", "body_tee", "cached_query", "cached_view", "invalidate"]

#: What is imported when it is first used, and where it is. Django has to be set up by then, and
#: `INSTALLED_APPS` imports this module before it is.
_FOUND_IN = {
    "ainvalidate": ".invalidation",
    "body_tee": ".bodies",
    "cached_query": ".cached_queries",
    "cached_view": ".pages.view",
    "invalidate": ".invalidation",
}


def __getattr__(name: str) -> Any:
    if name not in _FOUND_IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_FOUND_IN[name], __name__), name)
