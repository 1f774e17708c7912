"""`holdfast.django.cached_query`: a function that reads models, and a save that makes it untrue."""

from __future__ import annotations

from typing import Any

from ..cache import cached
from ..cache.typed import Decorator
from .tracking.start import need_tracking


def cached_query(ttl: float | None, **options: Any) -> Decorator:
    """Keep what a function makes of the database, until a committed change makes it untrue.

        @holdfast.django.cached_query(ttl=3600)
        def front_page():
            return list(Article.objects.filter(published=True).select_related("author")[:20])

    It remembers which rows it read, by primary key, foreign key and unique values where the queries
    say so, whole tables elsewhere. Whoever writes to them, by the ORM or by SQL, in any process
    that has the tracking, makes the result untrue. In a transaction it sees what the transaction
    itself has written. A queryset that it returns is evaluated, and is kept with its rows.

    Set `HOLDFAST = {"CACHE": {"TRACKING": True}}`, so that processes which only write are watched,
    too. Functions that `holdfast.cached` has decorated are tracked as well, then.

    Args:
        ttl: seconds for which a result is kept at most; None: until it is made untrue, or evicted.
        options: all that `holdfast.cached` takes. *tags* come beside those of the rows.

    Raises:
        TrackingOff: the settings turn tracking off, or the extra `holdfast[tracking]` is missing.

    For sync and async functions and for methods. A hit costs what one of `holdfast.cached` does. A
    query within a load costs some 20 microseconds more than elsewhere, and half a millisecond the
    first time that its text is seen.
    """
    need_tracking("cached_query")
    return cached(ttl, **options)
