"""Cached results that stay true: on a store, with leases, tags and an in-process tier.

What users write is `holdfast.cached` and `holdfast.invalidate`. What caches further kinds of things
goes by `loading.Loader`, and is told what a result depends on by `recording`.
"""

from ..values import MISSING
from .errors import CachedError, LoadTimeout
from .events import counts, snapshot
from .following import STREAM_LAG
from .functions import cached
from .loading import Loader, loader
from .policy import Policy
from .recording import Recording, current_recordings, recording
from .tagging import ainvalidate, invalidate

__all__ = [
    "MISSING",
    "STREAM_LAG",
    "CachedError",
    "LoadTimeout",
    "Loader",
    "Policy",
    "Recording",
    "ainvalidate",
    "cached",
    "counts",
    "current_recordings",
    "invalidate",
    "loader",
    "recording",
    "snapshot",
]
