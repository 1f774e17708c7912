"""The embedded store: bytes in a memory-mapped file that all processes of a machine share.

The parts, from below: `clock`, `waiting`, `forks`, `turn` (whose turn it is to write),
`directory`; `environment` (the open file), `transactions` (what runs in it, and what happens when
LMDB says no); `records` (how one lies in the file), `eviction` and `marks`, `topics`, `table` (all
writes to records), `fifos`, `locks`; `parts` puts them together; `engine` and `asynchronous` are
the two faces.
"""

from .asynchronous import AsyncLmdbStore
from .engine import LmdbStore

__all__ = ["AsyncLmdbStore", "LmdbStore"]
