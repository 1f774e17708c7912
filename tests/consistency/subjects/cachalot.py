"""django-cachalot: every query is cached, until a table that it reads is written to."""

from tests.consistency.subjects import none
from tests.consistency.subjects.subject import Subject


def prepare(name: str) -> Subject:
    return none.prepare(name)
