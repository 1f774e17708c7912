"""Asking for records by their keys, in spaces that can be cleared.

Nobody can list Memcached's keys, so a space is cleared by giving its keys new names: they hold a
generation, which is counted on the same server. A process remembers it, and has it told again in
the same round trip as each command. If it was raised meanwhile, what was done is of no account, for
nobody will ever look there again: it is done once more, under the new name.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ..errors import StoreTimeout
from . import wire
from .failures import refused
from .naming import Naming
from .requests import Ask, Operation, Settings
from .wire import Reply

#: Bytes of a command whose value each server takes, however it was started.
_ALWAYS_FITS = 900

#: Makes a command from a name, and from the key where the name is only its hash.
Make = Callable[[bytes, bytes | None], bytes]


class Spaces:
    """Asks for records.

    Args:
        names: of the keys.
        patience: seconds after which a name that keeps changing is given up.
    """

    def __init__(self, names: Naming, patience: float) -> None:
        self.names = names
        self._patience = patience
        self._generations: dict[tuple[bytes, int], int] = {}
        # Bytes of the largest item that each server takes, once it was asked; 0: it doesn't say.
        self._most: dict[int, int] = {}

    def ask(self, key: bytes, *makes: Make) -> Operation[list[Reply]]:
        """Several commands on one record, in this order, in one round trip."""
        return (yield from self.ask_many([(key, make) for make in makes]))

    def ask_many(self, wanted: list[tuple[bytes, Make]]) -> Operation[list[Reply]]:
        """Commands on many records. The replies are in the same order."""
        names = self.names
        if not names.spaces:
            asks = [Ask(names.server(key), make(*names.record(key))) for key, make in wanted]
            for ask in asks:
                if len(ask.command) > _ALWAYS_FITS:
                    yield from self._see_that_all_fit([key for key, _ in wanted], asks)
                    break
            replies: list[Reply] = yield asks
            return [
                _sound(key, reply, self) for (key, _), reply in zip(wanted, replies, strict=True)
            ]
        return (yield from self._ask_in_spaces(wanted))

    def clear(self, space: bytes) -> Operation[None]:
        """Give all keys of the space new names."""
        name = self.names.generation(space)
        raised = wire.count(name, 1, first=_first())
        replies = yield [Ask(server, raised) for server in range(len(self.names.servers))]
        for server, reply in enumerate(replies):
            self._generations[space, server] = int(_sound(space, reply, self).value)

    def _ask_in_spaces(self, wanted: list[tuple[bytes, Make]]) -> Operation[list[Reply]]:
        done: dict[int, Reply] = {}
        deadline = time.monotonic() + self._patience
        while len(done) < len(wanted):
            asks: list[Ask] = []
            places: list[tuple[int, tuple[bytes, int] | None]] = []
            asked: dict[tuple[bytes, int], int | None] = {}
            for place, (key, make) in enumerate(wanted):
                if place in done:
                    continue
                server = self.names.server(key)
                space = self.names.space(key)
                if space is None:
                    asks.append(Ask(server, make(*self.names.record(key))))
                    places.append((place, None))
                    continue
                where = (space, server)
                asked[where] = generation = self._generations.get(where)
                if generation is not None:
                    asks.append(Ask(server, make(*self.names.record(key, generation))))
                    places.append((place, where))
            yield from self._see_that_all_fit([wanted[place][0] for place, _ in places], asks)
            # Last, so that what the others did was done while the generation was still this one.
            told = wire.count
            asks += [
                Ask(server, told(self.names.generation(space), 0, first=_first()))
                for space, server in asked
            ]
            replies = yield asks
            current = dict(zip(asked, replies[len(places) :], strict=True))
            for where, reply in current.items():
                self._generations[where] = int(_sound(where[0], reply, self).value)
            for (place, where_), reply in zip(places, replies, strict=False):
                if where_ is None or self._generations[where_] == asked[where_]:
                    done[place] = _sound(wanted[place][0], reply, self)
            if len(done) < len(wanted) and time.monotonic() > deadline:
                raise StoreTimeout(
                    "the space was cleared by others again and again; raise the store's timeout,"
                    " or clear it from fewer places at once"
                )
        return [done[place] for place in range(len(wanted))]

    def _see_that_all_fit(self, keys: list[bytes], asks: list[Ask]) -> Operation[None]:
        """Refuse what a server would: it would throw away what was there before, too."""
        for key, ask in zip(keys, asks, strict=True):
            if len(ask.command) > _ALWAYS_FITS:
                most = self._most.get(ask.server)
                if most is None:
                    settings = yield Settings(ask.server)
                    most = self._most[ask.server] = int(settings.get("item_size_max", 0))
                if most and wire.item_size(ask.command) > most:
                    raise refused("too large", key)


def _first() -> int:
    """Above any number that was counted from an earlier clock."""
    return time.time_ns() // 1000


def _sound(key: bytes, reply: Reply, spaces: Spaces) -> Reply:
    """The reply, unless it says that something is wrong. What can't be counted is the asker's."""
    if reply.kind == wire.ERROR and "non-numeric" not in reply.error:
        raise refused(reply.error, key)
    return reply
