"""The two backends that settings name."""

from __future__ import annotations

from .guard_async import GuardedAsyncCalls
from .parameters import EMBEDDED, GUARDED


class EmbeddedCache(GuardedAsyncCalls):
    """A cache that all workers of one machine share, without a server: in a file, through LMDB.

    `CACHES = {"default": {"BACKEND": "holdfast.django.cache.EmbeddedCache"}}`

    `LOCATION` is a directory, or `lmdb:///directory`; by default, the project's own private one.
    Two caches with one location share their entries, so give them a `KEY_PREFIX` each. `TIMEOUT`,
    `VERSION`, `KEY_PREFIX` and `KEY_FUNCTION` are as in Django. `OPTIONS`:

    - `MAX_BYTES`: of all entries together. When it is reached, entries that are read least go.
    - `MAX_ENTRIES`: how many entries there may be, at about that; by default as many as fit into
      `MAX_BYTES`. (Django's own default of 300 is not taken over.)
    - `CULL_FREQUENCY`: at `MAX_ENTRIES`, one in so many goes; 0: all. Default: 3.
    - `STORE_TIMEOUT`: seconds after which a call is given up, while others write. Default: 5.
    - `PICKLE`, `COMPRESS_ABOVE`: as in `HOLDFAST`, for this cache alone.
    - `ONE_LOAD`, `WAIT`, `SPREAD`, `OUTAGE`: the guard, as in `GuardedCache`. Default: off.

    A call takes microseconds and is made in place, also with `await`. `incr` and `decr` are exact,
    however many processes call them. Values that are no plain data are pickled, and signed with
    `SECRET_KEY`: see `NotCacheable` for those that can't be.

    Raises:
        InvalidCacheBackendError: by each call, for settings that make no sense; see `fault`.
    """

    kind = EMBEDDED


class GuardedCache(GuardedAsyncCalls):
    """A cache in any store that Holdfast knows; `LOCATION` says which.

    `redis://host:6379/1`, `rediss://`, `valkey://`, `unix:///path?db=1`,
    `redis+sentinel://a,b/service`, `redis+cluster://a,b`, `memcached://a:11211,b:11211`,
    `lmdb:///directory`. A list of `memcached://` servers shares the keys among them.

    All of `EmbeddedCache`'s documentation holds, with these differences.

    It is guarded, by `OPTIONS` that are on by default:

    - `ONE_LOAD` (True): `get_or_set` and `aget_or_set` run their function once in the whole
      cluster. Others wait for it, for `WAIT` seconds (default: 10), and then call theirs. A value
      whose entry was deleted while it was made is not stored.
    - `SPREAD` (0.1): `set`, `set_many` and `get_or_set` take up to this share off a time-out of 10
      seconds or more, at random, so that entries that were written together don't end together.
    - `OUTAGE` ("miss"): while the store can't be reached, reads find nothing and writes are
      dropped, without waiting for a time-out each; `add`, `incr` and `decr` raise
      `StoreUnavailable` at once. "raise": every call raises.

    A call is one round trip; it ends within `STORE_TIMEOUT` seconds (default: 1). `MAX_BYTES` is
    for `lmdb:` only: servers have settings of their own. `MAX_ENTRIES` isn't for Memcached, which
    can't count its entries; with Redis it makes some writes look at all keys, so better set
    `maxmemory` there. `MAX_CONNECTIONS` is for Redis: connections of one process (or of one event
    loop).

    Raises:
        InvalidCacheBackendError: by each call, for settings that make no sense; see `fault`.
    """

    kind = GUARDED
