"""Holdfast keeps a web project's state where it belongs.

In one request: `request`, `state`, `current`, `open_scope`, `per_request`, `bulk_loader`, `carry`,
`live_scopes`, `proxy`. The request enters through `holdfast.wsgi.RequestScope`,
`holdfast.asgi.RequestScope` or `holdfast.django.middleware.RequestScope`.

Seen by all workers: `holdfast.shared.dict`, `.counter`, `.lock`, `.stream`.

Cached while they are true: `cached`, `invalidate`, `ainvalidate`.

Importing this needs and loads the standard library only.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .configuration import configure
from .scope import (
    AsyncBulkLoader,
    BulkLoader,
    NoRequest,
    RequestEnded,
    Scope,
    bulk_loader,
    carry,
    current,
    live_scopes,
    open_scope,
    per_request,
    proxy,
    request,
    state,
)
from .startup import Problem, startup_problems
from .worker_state import worker_state

if TYPE_CHECKING:
    from . import asgi as asgi
    from . import cache as cache
    from . import django as django
    from . import log as log
    from . import shared as shared
    from . import wsgi as wsgi
    from .cache import ainvalidate, cached, invalidate

__version__ = "0.1.0"

__all__ = [
    "AsyncBulkLoader",
    "BulkLoader",
    "NoRequest",
    "Problem",
    "RequestEnded",
    "Scope",
    "ainvalidate",
    "bulk_loader",
    "cached",
    "carry",
    "configure",
    "current",
    "invalidate",
    "live_scopes",
    "open_scope",
    "per_request",
    "proxy",
    "request",
    "startup_problems",
    "state",
    "worker_state",
]

_OF_CACHE = frozenset({"ainvalidate", "cached", "invalidate"})
_ROOMS = frozenset({"asgi", "cache", "django", "log", "shared", "wsgi"})


def __getattr__(name: str) -> Any:
    # `import holdfast` and then `holdfast.wsgi.RequestScope(app)`: a room is loaded when it is
    # first used, so that nobody pays for one that they don't use.
    if name in _ROOMS:
        return import_module(f".{name}", __name__)
    if name in _OF_CACHE:
        found = globals()[name] = getattr(import_module(".cache", __name__), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=None)
