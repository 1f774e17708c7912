"""The embedded store: bytes in a memory-mapped file that all processes of a machine share.

The parts, from below: `clock`, `waiting`, `forks`, `turn` (whose turn it is to write),
`directory`; `environment` (the open file), `transactions` (what runs in it, and what happens when
LMDB says no); `records` (how one lies in the file), `eviction` and `marks`, `topics`, `table` (all
writes to records), `fifos`, `locks`; `tag_table` (tags, and what is marked); `parts` puts them
together; `engine` and `asynchronous` are the two faces, `tags` and `async_tags` those of tags.
"""

from .asynchronous import AsyncLmdbStore
from .engine import LmdbStore

__all__ = ["AsyncLmdbStore", "LmdbStore"]
