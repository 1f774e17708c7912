"""SQLite's lock under gevent and eventlet: greenlets wait for each other here, and not in SQLite.

SQLite lets one connection write at a time, and whoever waits for it does so in C, with the whole
hub. Before a COMMIT the store is told what was written, and so greenlets may change places while
one of them has the lock: the one that wants it next would block the hub, and with it the one that
has it, until SQLite gives up ("database is locked").
"""

from __future__ import annotations

import os
import time
import weakref
from typing import TYPE_CHECKING, Any

from django.db.backends.base.base import BaseDatabaseWrapper

from ...cache import background
from ...startup import green_threads
from . import drivers
from .calls import Call

if TYPE_CHECKING:
    from .transaction import Transaction

_PAUSE_SECONDS = 0.001
#: SQLite's own, where the settings have none.
_TIMEOUT_SECONDS = 5.0

#: By file: the transaction that has the lock, as far as this process knows, and when it began.
_writing: dict[str, tuple[weakref.ref[Transaction], int]] = {}
os.register_at_fork(after_in_child=_writing.clear)


def run_writing(transaction: Transaction, call: Call) -> Any:
    """Execute what takes SQLite's lock, after those greenlets that have it. Others just execute it.

    Waits as long as SQLite would, and then leaves it to SQLite to say that it is locked.
    """
    connection = call.connection
    if connection.vendor != "sqlite" or green_threads() is None:
        return call.run()
    file = str(connection.settings_dict["NAME"])
    ends = time.monotonic() + _timeout_of(connection)
    while _is_others(file, transaction) and time.monotonic() < ends:
        background.sleep(_PAUSE_SECONDS)
    result = call.run()
    if drivers.in_transaction(connection):
        _writing[file] = weakref.ref(transaction), transaction.began
    return result


def begin(transaction: Transaction, call: Call) -> Any:
    """Execute a BEGIN, some of which take the lock."""
    kind = call.text().upper()
    takes_it = "IMMEDIATE" in kind or "EXCLUSIVE" in kind
    return run_writing(transaction, call) if takes_it else call.run()


def _is_others(file: str, transaction: Transaction) -> bool:
    reference, began = _writing.get(file, (None, 0))
    writer = None if reference is None else reference()
    return writer is not None and writer is not transaction and writer.began == began


def _timeout_of(connection: BaseDatabaseWrapper) -> float:
    return float(connection.settings_dict["OPTIONS"].get("timeout", _TIMEOUT_SECONDS))
