"""No cache at all: whatever is found wrong here is a mistake of the harness."""

from tests.consistency.library.queries import Words
from tests.consistency.readings import READINGS
from tests.consistency.subjects.subject import Subject


def prepare(name: str) -> Subject:
    def read(name: str, number: int) -> Words:
        return READINGS[name].query(number)

    return Subject(read)
