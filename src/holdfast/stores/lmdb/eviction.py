"""Which records go when a cache is full: SIEVE.

Yazhuo Zhang, Juncheng Yang, Yao Yue, Ymir Vigfusson, K. V. Rashmi: "SIEVE is Simpler than LRU: an
Efficient Turn-Key Eviction Algorithm for Web Caches", NSDI 2024. Records stand in the order of
their insertion, and a use only marks its record. A hand goes from the oldest to the newest: where
it meets a mark it takes it away, where it meets none it evicts. Then records asked for once only,
which most are, go early, and a read moves nothing.

That last point is what makes it fit here: a read is a read transaction, takes no lock, and sets one
byte in a second file that all processes have mapped. Two records may share a byte (there is one for
each 64 bytes of the limit, at most a million): then one of them stays a little longer.
"""

from __future__ import annotations

from typing import Any

from . import records
from .marks import Marks
from .records import NUMBER

_HAND = b"hand"
#: Records that one write looks at, at most, to make room for itself.
SLICE = 256


class Sieve:
    """Evicts from the databases of one environment.

    Args:
        databases: by name; `open` gives them anew with each opening of the file.
        marks: of the same store.
    """

    def __init__(self, databases: Any, marks: Marks) -> None:
        self._databases = databases
        self._marks = marks
        self.evicted = 0

    def insert(self, txn: Any, birth: int, engine_key: bytes) -> int:
        """Put a new record into the order, behind all others. Returns its slot."""
        txn.put(NUMBER.pack(birth), engine_key, append=True, db=self._databases[b"order"])
        slot = self._marks.slot(birth)
        self._marks.bytes[slot] = 0
        return slot

    def deleted(self, txn: Any, birth: int) -> None:
        """Take a record out of the order."""
        txn.delete(NUMBER.pack(birth), db=self._databases[b"order"])

    def evict(self, txn: Any, remove: Any, *, size: int, count: int, look_at: int = SLICE) -> int:
        """Evict until *size* bytes or *count* records are gone, whatever is first.

        Args:
            txn: a write transaction with buffers.
            remove: what deletes a record: remove(txn, engine key, its bytes).
            size: bytes to free.
            count: records to evict.
            look_at: records to look at, at most.

        Returns:
            How many bytes are gone.
        """
        databases, marks, mask = self._databases, self._marks.bytes, self._marks.mask
        hand = txn.get(_HAND, db=databases[b"meta"])
        freed = gone = 0
        with txn.cursor(databases[b"order"]) as order:
            there = (hand is not None and order.set_range(bytes(hand))) or order.first()
            for _ in range(look_at):
                if not there or freed >= size or gone >= count:
                    break
                birth, engine_key = bytes(order.key()), bytes(order.value())
                record = txn.get(engine_key, db=databases[b"records"])
                slot = int.from_bytes(record[records.SLOT]) & mask if record is not None else 0
                if record is not None and marks[slot]:
                    marks[slot] = 0
                    there = order.next()
                else:
                    if record is not None:
                        freed += len(record) + len(engine_key)
                        gone += 1
                        remove(txn, engine_key, record)
                    # The cursor follows what is deleted under it only if asked anew.
                    there = order.set_range(birth)
                there = there or order.first()
            if there:
                txn.put(_HAND, bytes(order.key()), db=databases[b"meta"])
        self.evicted += gone
        return freed
