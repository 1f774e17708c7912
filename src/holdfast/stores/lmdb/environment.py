"""One LMDB file of one process: opened late, followed when it grows, closed around a fork.

A handle that a child inherits books reader slots under its parent's name, which nobody frees. So
none is inherited: the file is closed just before a fork, in the parent, and parent and child open
it again when they next need it, each for itself.

The file isn't sparse. LMDB writes through its memory map, and a process that writes to a page for
which the disk has no room is killed (SIGBUS); where it doesn't (in a durable file), a full disk is
an I/O error in the midst of a commit. So the room is allocated before the map is enlarged: it is
the size of the file that grows in steps, and the map of every process is as large as the file.
"""

from __future__ import annotations

import errno
import os
import struct
import time
from pathlib import Path
from typing import Any

from ..errors import StoreError, StoreFull, StoreTimeout, StoreUnavailable
from ..tags import COMMIT_TIMEOUT
from . import directory, forks, tag_table, waiting
from .clock import Clock, boot, offset_now
from .marks import Marks
from .turn import Turn

#: Of the layout of records and databases. A new one starts a new file: older processes that still
#: run during an upgrade go on with theirs.
FORMAT = 1

DATABASES = (
    b"records",
    b"expiry",
    b"order",
    b"topics",
    b"log",
    b"locks",
    b"meta",
    b"tags",
    b"forgetting",
)

_STEP = 4 * 2**20
#: Live data fills two thirds of the map at most: a full map could not even be deleted from, since
#: LMDB writes the changed pages anew before it frees the old ones.
_ROOM = 1.5
_MOST_READERS = 1024

_CRAMPED_SECONDS = 5.0

_META = struct.Struct(">Qq")


def lmdb() -> Any:
    """The library, imported when it is needed first."""
    import lmdb as library

    return library


class Environment:
    """The file, and what of it this process has open.

    Args:
        place: the directory.
        name: of the file in it, without its format.
        size: bytes of live data that it may hold. The file is up to half as large again.
        durable: whether a commit is on the disk when it returns, and the file outlives a reboot.
        evicts: whether it is a cache, and reads are to be noted.
        timeout: seconds to wait for whoever else just opens it.
    """

    def __init__(  # noqa: PLR0913 - what makes a file
        self, place: Path, name: str, *, size: int, durable: bool, evicts: bool, timeout: float
    ) -> None:
        self.place = place
        self.file = place / f"{name}-{FORMAT}.mdb"
        self.waits = place / f"{name}-{FORMAT}.wait"
        self.marks = Marks(place / f"{name}-{FORMAT}.used", size) if evicts else None
        self.size = size
        self.durable = durable
        self.timeout = timeout
        self.turn = Turn(str(place / f"{name}-{FORMAT}.turn"))
        self.clock = Clock(0)
        self.base = 0
        self.opened = 0
        self.page = 4096
        #: LMDB's handles, by name. One dict for ever; opening fills it anew.
        self.databases: dict[bytes, Any] = {}
        self.records: Any = None
        self.meta: Any = None
        self.tags: Any = None
        self.commit_timeout = COMMIT_TIMEOUT
        self._opening = [None]
        self._forking = False
        self._lmdb: Any = None
        self._inode = 0
        # What reads call: LMDB's own method while the file is open, ours while it isn't.
        self.begin: Any = self._begin_closed
        self.begin_write: Any = None
        #: Bytes that the map has, and why it could not grow, if so.
        self.mapped = 0
        self.full: Exception | None = None
        self.cramped: OSError | None = None
        self._grow_again_at = 0.0
        self.moved = False
        forks.watch(self)

    # Opening

    def _begin_closed(self, *args: Any, **kwargs: Any) -> Any:
        opened = self.open()
        # Not by the handle that the caller gave: it is one of the file as it was opened before.
        return opened.begin(self.records)

    def open(self) -> Any:
        """LMDB's environment, opened if it isn't yet.

        Raises:
            StoreUnavailable: the directory isn't safe, or the file can't be opened.
            StoreTimeout: somebody else is opening or enlarging it all the while.
        """
        opened = self._lmdb
        if opened is not None and not self.moved:
            return opened
        deadline = time.monotonic() + self.timeout
        self._wait_for(self._take_opening, deadline)
        try:
            if self.moved and self.turn.take_here():
                self.close()
                self.turn.shut()
                self.turn.reset()
            if self._lmdb is None:
                directory.prepare(self.place)
                try:
                    self._wait_for(self.turn.take, deadline)
                    try:
                        self._open()
                    finally:
                        self.turn.give_back()
                except (OSError, lmdb().Error) as error:
                    raise self.explained(error) from error
            return self._lmdb
        finally:
            self._opening.append(None)

    def _take_opening(self) -> bool:
        try:
            self._opening.pop()
        except IndexError:
            return False
        return True

    def _wait_for(self, take: Any, deadline: float) -> None:
        while not take():
            if time.monotonic() > deadline:
                raise StoreTimeout(f"Nobody lets go of {self.turn.path} in {self.timeout:g} s.")
            waiting.sleep(0.001)

    def _open(self) -> None:
        library = lmdb()
        if not self.durable:
            self._start_anew_after_reboot()
        length = self.file.stat().st_size if self.file.exists() else 0
        # There was a file, and is none: whoever uses the old one may have marked tags in it.
        lost = not length and self.waits.exists()
        self.waits.mkdir(mode=0o700, exist_ok=True)
        room = max(length, _STEP)
        opened = library.open(
            str(self.file),
            subdir=False,
            mode=0o600,
            map_size=room,
            max_dbs=12,
            max_readers=_MOST_READERS,
            max_spare_txns=8,
            sync=self.durable,
            metasync=self.durable,
            writemap=not self.durable,
            meminit=False,
        )
        try:
            # All of it: LMDB itself makes the file, and makes it sparse.
            self._allocate(0, room)
            opened.reader_check()
            if self.marks is not None:
                self.marks.open()
            for name in DATABASES:
                self.databases[name] = opened.open_db(name)
            self.records = self.databases[b"records"]
            self.meta, self.tags = self.databases[b"meta"], self.databases[b"tags"]
            self._read_meta(opened, lost=lost)
            self.page = opened.stat()["psize"]
            self._inode = self.file.stat().st_ino
        except BaseException:
            opened.close()
            raise
        self._lmdb = opened
        self.opened += 1
        self.moved = False
        self.mapped = room
        self.begin = self.begin_write = opened.begin

    @property
    def most(self) -> int:
        """Bytes that the file may have."""
        return (int(self.size * _ROOM) // _STEP + 1) * _STEP

    def _allocate(self, start: int, length: int) -> None:
        """Make sure that the disk has room for the file's bytes from *start* to *length*."""
        descriptor = os.open(self.file, os.O_RDWR | os.O_CLOEXEC)
        try:
            before = os.fstat(descriptor).st_size
            try:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(descriptor, start, length - start)
                elif before < length:
                    os.ftruncate(descriptor, length)
            except OSError:
                # Nobody may follow to where there is no room.
                os.ftruncate(descriptor, before)
                raise
        finally:
            os.close(descriptor)

    def _start_anew_after_reboot(self) -> None:
        """Without sync, a power cut may have torn the file, and a torn file kills its readers."""
        note = self.file.with_suffix(".boot")
        try:
            known = note.read_bytes()
        except FileNotFoundError:
            known = None
        if known == boot():
            return
        for path in (self.file, Path(f"{self.file}-lock")):
            path.unlink(missing_ok=True)
        if self.waits.exists():
            for path in self.waits.iterdir():
                path.unlink(missing_ok=True)
        fresh = note.with_suffix(".boot-new")
        fresh.touch(mode=0o600)
        fresh.write_bytes(boot())
        fresh.replace(note)

    def _read_meta(self, opened: Any, *, lost: bool) -> None:
        """The file's clock and the base of its numbers, made by whoever opens it first."""
        meta = self.databases[b"meta"]
        with opened.begin(write=True, db=meta) as txn:
            this_boot, known = boot(), txn.get(b"boot")
            raw = txn.get(b"numbers")
            if raw is None:
                # Numbers that must only grow, in the file's next life too, start from the clock.
                base, offset = time.time_ns() // 1000, offset_now()
            else:
                base, offset = _META.unpack(raw)
            if known != this_boot:
                txn.put(b"boot", this_boot or b"-")
                offset = offset_now()
            txn.put(b"numbers", _META.pack(base, offset))
            new_boot = known not in {None, this_boot, b"-"}
            tag_table.prepare(self, txn, lost=lost, new_boot=new_boot)
        self.base = base
        self.clock = Clock(offset)

    # Closing

    def close(self) -> None:
        """Let go of the file. Waits for calls under way in other threads."""
        opened, self._lmdb = self._lmdb, None
        self.begin = self._begin_closed
        self.begin_write = None
        if opened is not None:
            opened.close()

    def before_fork(self) -> None:
        """Close, and let nobody of this process open again until the fork is over."""
        deadline = time.monotonic() + 1
        for take in (self._take_opening, self.turn.take_here):
            while not take():
                if time.monotonic() > deadline:
                    return  # the child then starts from nothing all the same
                time.sleep(0.0005)
        self._forking = True
        self.close()
        self.turn.shut()

    def after_fork_in_parent(self) -> None:
        """Allow opening again."""
        if self._forking:
            self._forking = False
            self.turn.reset()
            self._opening[:] = [None]

    def after_fork_in_child(self) -> None:
        """Start from nothing."""
        self._forking = False
        self.close()
        self.turn.shut()
        self.turn.reset()
        self._opening[:] = [None]

    # Growing, and other things that go wrong

    def follow(self) -> None:
        """Make the map as large as the file, which another process has enlarged.

        The turn must be the caller's: LMDB cuts the file to the length of the map.
        """
        opened = self._lmdb
        if opened is not None:
            opened.set_mapsize(self.file.stat().st_size)
            self.mapped = opened.info()["map_size"]

    @property
    def growable(self) -> bool:
        """Whether `grow` is worth trying."""
        return self.mapped < self.most and (
            self.cramped is None or time.monotonic() > self._grow_again_at
        )

    def grow(self, *, beyond: bool = False) -> bool:
        """Enlarge the map by a step, if it may and can be. The turn must be the caller's.

        Args:
            beyond: to twice as much as it should have, at most.
        """
        most = self.most * 2 if beyond else self.most
        if self.mapped >= most or not (beyond or self.growable):
            return False
        if self.file.stat().st_size <= self.mapped:
            # Twice as large each time, but never more than a gigabyte at once.
            try:
                self._allocate(self.mapped, min(most, self.mapped + min(self.mapped, 2**30)))
            except OSError as error:
                self.cramped = error
                self._grow_again_at = time.monotonic() + _CRAMPED_SECONDS
                return False
        self.cramped = None
        self.follow()
        return True

    @property
    def room(self) -> int:
        """Bytes of live data that may be there, as things stand."""
        return min(self.size, int(self.mapped / _ROOM))

    def look_whether_moved(self) -> None:
        """Note it, if the file was removed, or replaced, under this process."""
        try:
            self.moved = self.file.stat().st_ino != self._inode
        except OSError:
            self.moved = True

    def reclaim(self) -> int:
        """Free the reader slots of processes that were killed, and so the pages they pinned."""
        opened = self._lmdb
        return int(opened.reader_check()) if opened is not None else 0

    def pinned(self) -> bool:
        """Whether some living process reads an older state than the newest."""
        newest = self.open().info()["last_txnid"]
        # A line each: process, thread, transaction; "-" where nothing is read.
        for line in self.open().readers().splitlines()[1:]:
            transaction = line.split()[-1]
            if transaction.isdigit() and int(transaction) < newest:
                return True
        return False

    def explained(self, error: Exception) -> StoreError:
        """*error* of LMDB or of the system, in a line that says what to do."""
        library = lmdb()
        if isinstance(error, StoreError):
            return error
        text = str(error)
        code = getattr(error, "errno", None)
        if isinstance(error, library.MapFullError):
            return StoreFull(
                f"{self.file} holds {self.size:,} bytes and may not grow: delete something, or give"
                ' the store a larger "size".'
            )
        if code in _NO_ROOM or isinstance(error, library.DiskError) or "No space left" in text:
            return StoreFull(
                f"The disk that {self.place} is on has no room for the store to grow ({text})."
            )
        if isinstance(error, _damage()):
            return StoreUnavailable(
                f"{self.file} is damaged ({text}). Stop all processes that use it and remove it."
            )
        return StoreUnavailable(f"{self.file} can't be used: {text}.")


_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def _damage() -> tuple[type[Exception], ...]:
    library = lmdb()
    return (
        library.CorruptedError,
        library.InvalidError,
        library.PageNotFoundError,
        library.PanicError,
    )
