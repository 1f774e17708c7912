"""What goes over the wire: Memcached's meta protocol, spoken by `meta-memcache-socket`.

That is the half of RevenueCat's meta-memcache client that builds commands and reads replies; both
our connections use it. Its own connection is not used: it reads the socket in Rust, so that under
gevent one call stands still with all greenlets, and there is none for asyncio (of the alive clients
only aisk's `memcache` has one, which needs anyio below 4). Of the tokens for compare-and-set the
library knows 32 bits only, where the server counts in 64: those are written and read here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from meta_memcache_socket import (
    MA_MODE_DEC,
    MA_MODE_INC,
    RESPONSE_CONFLICT,
    RESPONSE_MISS,
    RESPONSE_NOT_STORED,
    RESPONSE_SUCCESS,
    RESPONSE_VALUE,
    SET_MODE_ADD,
    RequestFlags,
    build_meta_arithmetic,
    build_meta_delete,
    build_meta_get,
    build_meta_set,
    parse_header,
)

VALUE = RESPONSE_VALUE
DONE = RESPONSE_SUCCESS
MISS = RESPONSE_MISS
CONFLICT = RESPONSE_CONFLICT
NOT_STORED = RESPONSE_NOT_STORED
#: The server's words are in `Reply.error`.
ERROR = -1

_END = b"\r\n"
#: What a server keeps beside name and value: its own head, a token, a mark, two ends.
_BESIDE = 48 + 8 + 4 + 3
_TOKEN = re.compile(rb" c(\d+)")
_READ = RequestFlags(return_value=True, return_client_flag=True)
_READ_ALL = RequestFlags(
    return_value=True, return_client_flag=True, return_cas_token=True, return_ttl=True
)
_LOOK = RequestFlags(return_client_flag=True, return_ttl=True)
_NO_FLAGS = RequestFlags()


@dataclass(slots=True)
class Reply:
    """One reply.

    Attributes:
        kind: VALUE, DONE, MISS, CONFLICT, NOT_STORED or ERROR.
        size: of the value that follows, or -1.
        value: that value.
        mark: the client's own 32 bits that lie beside the value.
        ttl: seconds left, as the server counts; -1: for ever.
        token: for compare-and-set.
        error: what the server says is wrong.
    """

    kind: int
    size: int = -1
    value: bytes = b""
    mark: int = 0
    ttl: int = -1
    token: int = 0
    error: str = ""


def read_header(line: bytes) -> Reply:
    """The first line of a reply, its end included. The value is read by whoever has the socket."""
    header = parse_header(line, 0, len(line))
    if header is None or header[1] is None:
        return Reply(ERROR, error=line.strip().decode("ascii", "replace"))
    _, kind, size, flags = header
    reply = Reply(ERROR if kind is None else kind)
    if size is not None:
        reply.size = size
    if flags is not None:
        reply.mark = flags.client_flag or 0
        if flags.ttl is not None:
            reply.ttl = flags.ttl
        if found := _TOKEN.search(line):
            reply.token = int(found[1])
    return reply


def get(name: bytes) -> bytes:
    """Ask for value and mark."""
    return build_meta_get(name, _READ)


def get_all(name: bytes) -> bytes:
    """Ask for value, mark, TTL and token."""
    return build_meta_get(name, _READ_ALL)


def look(name: bytes) -> bytes:
    """Ask for mark and TTL only."""
    return build_meta_get(name, _LOOK)


def put(name: bytes, value: bytes, ttl: int = 0, mark: int = 0) -> bytes:
    """Write."""
    flags = RequestFlags(cache_ttl=ttl, client_flag=mark) if ttl or mark else _NO_FLAGS
    return build_meta_set(name, len(value), flags) + value + _END


def add(name: bytes, value: bytes, ttl: int = 0, mark: int = 0) -> bytes:
    """Write where there is nothing."""
    flags = RequestFlags(cache_ttl=ttl or None, client_flag=mark or None, mode=SET_MODE_ADD)
    return build_meta_set(name, len(value), flags) + value + _END


def swap(name: bytes, value: bytes, token: int, ttl: int = 0, mark: int = 0) -> bytes:
    """Write where nothing has changed since *token*."""
    flags = RequestFlags(cache_ttl=ttl or None, client_flag=mark or None)
    return _with_token(build_meta_set(name, len(value), flags), token) + value + _END


def item_size(command: bytes) -> int:
    """What would lie in the server's memory after this write."""
    head = command.index(_END)
    name = command.index(b" ", 3) - 3
    return _BESIDE + name + len(command) - head - 2 * len(_END)


def remove(name: bytes, token: int | None = None) -> bytes:
    """Delete; with *token*, where nothing has changed since."""
    command = build_meta_delete(name, _NO_FLAGS)
    return command if token is None else _with_token(command, token)


def count(name: bytes, delta: int, first: int | None = None, ttl: int = 0) -> bytes:
    """Add to a number. Where there is none, begin with *first*."""
    flags = RequestFlags(
        return_value=True,
        mode=MA_MODE_INC if delta >= 0 else MA_MODE_DEC,
        ma_delta_value=abs(delta),
        ma_initial_value=first,
        vivify_on_miss_ttl=None if first is None else ttl,
    )
    return build_meta_arithmetic(name, flags)


def _with_token(command: bytes, token: int) -> bytes:
    return command.removesuffix(_END) + b" C%d\r\n" % token
