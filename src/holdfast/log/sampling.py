"""Which events are written: the health checks that succeed aren't, a share of the others is."""

from __future__ import annotations

import re
import zlib
from fnmatch import translate

from ..log_settings import LogSettings, SampleRule
from .entry import COMPLETE, Entry

_SERVER_ERROR = 500


class Sampling:
    """Decides by route, status and duration. Errors and slow requests are always written.

    The same request gets the same answer everywhere: it comes from its id.
    """

    def __init__(self, settings: LogSettings) -> None:
        self._excluded = frozenset(settings.exclude)
        self._slow = settings.slow
        self._rules = [_Rule(rule) for rule in settings.sample]
        self.asks = bool(self._excluded or self._rules)

    def writes(self, entry: Entry) -> bool:
        """Whether the event of *entry* is to be written.

        At the start by what is known then: the path stands for the route, and no status is there.
        """
        if not entry.is_start and (
            entry.outcome != COMPLETE
            or entry.status >= _SERVER_ERROR
            or entry.ended_at - entry.began >= self._slow
        ):
            return True
        if entry.path in self._excluded:
            return False
        for rule in self._rules:
            if rule.applies(entry):
                return zlib.crc32(entry.request_id.encode()) < rule.below
        return True


class _Rule:
    def __init__(self, rule: SampleRule) -> None:
        self._route = re.compile(translate(rule.route)).match if rule.route else None
        self._status = rule.status[:1] if rule.status.endswith("xx") else rule.status
        self.below = int(rule.rate * 2**32)

    def applies(self, entry: Entry) -> bool:
        if self._status and not str(entry.status).startswith(self._status):
            return False
        # Without a framework there is no route, and the path stands for it.
        return self._route is None or self._route(entry.route or entry.path) is not None


class Limit:
    """At most so many in each second, for each key; tells how many were left out before.

    Args:
        most: in one second.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._second = 0
        self._seen: dict[object, int] = {}
        self._left_out: dict[object, int] = {}

    def passes(self, key: object, now: float) -> int | None:
        """How many of this *key* were left out since the last that passed; None: so is this.

        Args:
            key: what is counted together.
            now: in seconds, by a clock that nobody sets back.
        """
        # Not for one that comes a little late, from before the second that is counted now.
        if int(now) > self._second:
            self._second = int(now)
            self._seen.clear()
        seen = self._seen.get(key, 0)
        if seen >= self._most:
            self._left_out[key] = self._left_out.get(key, 0) + 1
            if len(self._left_out) > _MOST_KEYS:
                self._left_out.clear()
            return None
        self._seen[key] = seen + 1
        return self._left_out.pop(key, 0) if self._left_out else 0


_MOST_KEYS = 10_000
