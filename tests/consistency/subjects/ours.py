"""What users of Django use: `cached_query`, which knows by itself what a save makes untrue."""

import holdfast
from holdfast import named_stores
from tests.consistency.library.queries import Query, Words
from tests.consistency.readings import READINGS
from tests.consistency.subjects import steps_of_tags
from tests.consistency.subjects.settings import TTL
from tests.consistency.subjects.subject import Subject


def prepare(name: str) -> Subject:
    tags = type(named_stores.store("cache").tags)
    steps_of_tags.watch(tags)
    tier = name != "ours_untiered"  # without, every hit comes from the store
    cached = {
        reading.name: holdfast.django.cached_query(ttl=TTL, tier=tier)(_by_steps(reading.query))
        for reading in READINGS.values()
    }

    def read(name: str, number: int) -> Words:
        words: Words = cached[name](number)
        return words

    return Subject(read, tags)


def _by_steps(query: Query) -> Query:
    def load(number: int) -> Words:
        words = query(number)
        steps_of_tags.reached("loaded")
        return words

    load.__name__ = load.__qualname__ = query.__name__
    load.__module__ = query.__module__
    return load
