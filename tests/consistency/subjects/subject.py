"""What a subject tells the harness."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.consistency.envelopes import ENVELOPES
from tests.consistency.library.queries import Words
from tests.consistency.readings import READINGS
from tests.consistency.writes import WAYS


@dataclass
class Subject:
    """Something that caches what the library's functions return.

    Attributes:
        read: calls one of them, cached, by name and number.
        tags: the class of its store's tags, if it has such.
        readings, ways, envelopes: those that it is made for.
    """

    read: Callable[[str, int], Words]
    tags: type | None = None
    readings: tuple[str, ...] = tuple(READINGS)
    ways: tuple[str, ...] = tuple(WAYS)
    envelopes: tuple[str, ...] = tuple(ENVELOPES)
