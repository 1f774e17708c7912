"""Looks labels up, one by one or many at once, and makes those that are missing.

This is what used to be a cache in a `threading.local()` (see `before/label_cache.py`). What was
loaded is remembered for the length of a request, belongs to nobody else, and is gone with it.
"""

from collections.abc import Collection

import holdfast
from labels.models import Label


@holdfast.bulk_loader(maxsize=10_000, max_batch=500)
def label(urls: Collection[str]) -> dict[str, Label]:
    """The label of each URL, made where there was none.

    Right also when two workers make the same label at once: whoever comes second keeps the
    first one's row (`ignore_conflicts`) and reads it. URLs are sorted, so that two inserts never
    wait for each other. Inside of a REPEATABLE READ transaction the other's row stays invisible:
    leave that to READ COMMITTED, PostgreSQL's default.
    """
    found = {label.url: label for label in Label.objects.filter(url__in=urls)}
    missing = sorted(set(urls) - set(found))
    if missing:
        Label.objects.bulk_create([Label(url=url) for url in missing], ignore_conflicts=True)
        found |= {label.url: label for label in Label.objects.filter(url__in=missing)}
    return found


@holdfast.bulk_loader(maxsize=10_000, max_batch=500)
async def alabel(urls: Collection[str]) -> dict[str, Label]:
    """The same for async code, awaited. What tasks ask for together is loaded together."""
    found = {label.url: label async for label in Label.objects.filter(url__in=urls)}
    missing = sorted(set(urls) - set(found))
    if missing:
        await Label.objects.abulk_create([Label(url=url) for url in missing], ignore_conflicts=True)
        found |= {label.url: label async for label in Label.objects.filter(url__in=missing)}
    return found
