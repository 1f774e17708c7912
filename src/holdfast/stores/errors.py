"""What goes wrong with a store."""

from __future__ import annotations


class StoreError(Exception):
    """Anything that a store could not do."""


class StoreUnavailable(StoreError):  # noqa: N818 - a state, not a mistake
    """The store can't be reached, or refused."""


class StoreTimeout(StoreUnavailable):
    """The store did not answer in time. Whether it did what was asked is not known."""


class StoreFull(StoreError):  # noqa: N818 - a state, not a mistake
    """There is no room left, and nothing that may be evicted."""


class UnsupportedByStoreError(StoreError):
    """This kind of store can't do that at all."""
