"""Ids of requests and traces: made, and taken over from the request where they are well-formed."""

from __future__ import annotations

import os
import re
from itertools import count

#: What may be taken from outside: short, and no character that means anything to anybody.
_GIVEN_ID = re.compile(r"[A-Za-z0-9._~+/=:@-]{1,128}").fullmatch
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]*)?"
).fullmatch
_LONGEST_TRACEPARENT = 200

_prefix = ""
_next = count(1).__next__


def _renew() -> None:
    global _prefix, _next
    _prefix = os.urandom(8).hex()
    _next = count(1).__next__


_renew()
# Two processes must never count with the same prefix.
os.register_at_fork(after_in_child=_renew)


def new_id() -> str:
    """An id that no other request has: a random part of the process, and a number.

    Not secret: who sees one can guess the next.
    """
    return f"{_prefix}{_next():08x}"


def is_request_id(text: str) -> bool:
    """Whether *text*, from outside, may be this request's id."""
    return _GIVEN_ID(text) is not None


def is_traceparent(text: str) -> bool:
    """Whether *text* is a `traceparent` as W3C Trace Context says, of this or a later version."""
    if len(text) > _LONGEST_TRACEPARENT or _TRACEPARENT(text) is None:
        return False
    return text[:2] != "00" or len(text) == len("00-") + 32 + 1 + 16 + 3
