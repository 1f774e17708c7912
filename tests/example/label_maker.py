"""One of several processes that make the same labels at once. Run by test_label_loading.py.

    label_maker.py MEETING_PLACE NUMBER HOW_MANY_PROCESSES FORWARD|BACKWARD URL...

The processes wait for each other right before they insert, so each has seen that there are no such
labels yet. Prints {url: id}.
"""

import json
import sys
import time
from pathlib import Path

import django

django.setup()

from django.db.models import QuerySet  # noqa: E402

import holdfast  # noqa: E402
from labels.loading import label  # noqa: E402

meeting_place, number, how_many, direction, *urls = sys.argv[1:]
insert = QuerySet.bulk_create


def meet_then_insert(*arguments: object, **options: object) -> object:
    Path(meeting_place, number).touch()
    deadline = time.monotonic() + 20
    while len(list(Path(meeting_place).iterdir())) < int(how_many):
        if time.monotonic() > deadline:
            sys.exit("The others did not come.")
        time.sleep(0.001)
    return insert(*arguments, **options)


QuerySet.bulk_create = meet_then_insert

with holdfast.open_scope():
    found = label.many(urls if direction == "forward" else urls[::-1])
    print(json.dumps({url: label(url).pk for url in found}))
