"""django-cacheops: every query is cached, until a row that it may have read is saved.

What its documentation says it doesn't see is left out: raw SQL and `update`.
"""

from tests.consistency.subjects import none
from tests.consistency.subjects.subject import Subject

BY_SIGNALS = (
    "save",
    "save_one_field",
    "save_shelf",
    "move",
    "delete_or_create",
    "get_or_create",
    "update_or_create",
    "save_or_delete",
    "footnote",
    "notice",
)


def prepare(name: str) -> Subject:
    subject = none.prepare(name)
    subject.readings = ("article", "articles_on", "comment", "comments", "footnote", "shelf")
    # A move leaves the old shelf's list alone, by their documentation too, unless it is saved.
    subject.ways = tuple(way for way in BY_SIGNALS if way not in {"move", "notice"})
    subject.envelopes = ("autocommit", "atomic", "durable", "rolled_back")
    return subject
