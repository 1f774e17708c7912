"""The request scope: opening, closing, values, memo, bulk loading, carrying.

Needs the standard library only. What users need is on `holdfast` itself.
"""

from .bulk_loader import AsyncBulkLoader, BulkLoader, bulk_loader
from .carry import carry
from .errors import NoRequest, RequestEnded
from .open_scope import open_scope
from .per_request import per_request
from .proxy import LocalProxy, proxy, request, state
from .scope import Scope, current, live_scopes
from .state import State

__all__ = [
    "AsyncBulkLoader",
    "BulkLoader",
    "LocalProxy",
    "NoRequest",
    "RequestEnded",
    "Scope",
    "State",
    "bulk_loader",
    "carry",
    "current",
    "live_scopes",
    "open_scope",
    "per_request",
    "proxy",
    "request",
    "state",
]
