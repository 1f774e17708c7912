"""Threads, time and files as they were at the start, before gevent or eventlet patched them."""

from __future__ import annotations

from _thread import _local as thread_local
from _thread import allocate_lock, get_ident, get_native_id, start_new_thread
from os import O_APPEND, O_CREAT, O_WRONLY, getpid, getppid
from os import close as close_file
from os import open as open_file
from os import write as write_file
from time import monotonic, process_time, sleep, thread_time

__all__ = [
    "O_APPEND",
    "O_CREAT",
    "O_WRONLY",
    "allocate_lock",
    "close_file",
    "get_ident",
    "get_native_id",
    "getpid",
    "getppid",
    "monotonic",
    "open_file",
    "process_time",
    "sleep",
    "start_new_thread",
    "thread_local",
    "thread_time",
    "write_file",
]
