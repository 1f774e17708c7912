"""When a result is loaded anew before its end, so that nobody has to wait for it then."""

from __future__ import annotations

import math
import os

from .payload import Found
from .policy import Policy

#: What a load may take longer in the background than in the foreground, in seconds.
_SLOWER = 0.02
#: The earliest that a result is loaded anew, as a share of the time that it is fresh.
_EARLIEST = 0.5

_salt = os.urandom(8)


def margin(policy: Policy, found: Found, key: bytes) -> float:
    """How many seconds before its end a result is to be loaded anew.

    At least as long as the load took, so that it is there in time; and more than that by chance,
    as in XFetch, so that not all processes begin at once. Drawn once for each result and process:
    so it doesn't grow with how often the result is asked for, and costs a hit nothing.
    """
    if not policy.early:
        return 0.0
    drawn = (hash((_salt, key, found.stamp)) % 2**32 + 1) / 2**32
    wanted = policy.early * (found.head.took + _SLOWER) * (1 - math.log(drawn))
    return min(wanted, found.head.fresh * _EARLIEST)


def _draw_anew() -> None:
    global _salt
    _salt = os.urandom(8)


os.register_at_fork(after_in_child=_draw_anew)
