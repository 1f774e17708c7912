"""Where a store is, as people are told, and whether it is there yet."""

from __future__ import annotations

from pathlib import Path

from .. import configuration, named_stores
from ..stores.location import default_directory


def is_made(name: str) -> bool:
    """Whether the store of that name may hold anything. To open an embedded one would make it."""
    url = named_stores.store(name).url
    return not url.startswith("lmdb:") or Path(url.removeprefix("lmdb://")).is_dir()


def whereabouts(name: str) -> str:
    """The store's URL, and what to do if another one was meant."""
    url = named_stores.store(name).url
    if configuration.project is None and url == f"lmdb://{default_directory()}":
        return f"{url} (this folder's store; --settings names a project)"
    return url
