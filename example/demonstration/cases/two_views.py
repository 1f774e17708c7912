"""The two views: one puts an object up, in one worker; the other reads it, in all of them."""

from typing import Any

from demonstration.site import Site, at_once
from demonstration.tally import Tally

TITLE = "The two views"
MEANING = "view1 puts an object up, view2 reads it"
NOTHING = "found nothing"
UNCOUNTED = "not counted"
FOREIGN = "found another"
FAILED = "failed otherwise"
KINDS = (NOTHING, UNCOUNTED, FOREIGN, FAILED)
UNEXPECTED = (FOREIGN, FAILED)

READERS = 40
TURNS = 5


def drive(site: Site) -> Tally:
    tally = Tally(KINDS)
    text = f"{site.variant} {site.random.random()}"
    with site.visitor() as editor:
        tally.note(FAILED, wrong=editor.post("/announcements/view1/", text=text).status != 200)
    before = reading(site).get("readings", 0)
    readings = [found for turns in at_once(lambda _: read(site), range(READERS)) for found in turns]
    for found in readings:
        tally.note(FAILED, wrong=not found)
        tally.note(NOTHING, wrong=bool(found) and found["text"] is None)
        tally.note(FOREIGN, wrong=bool(found) and found["text"] not in {text, None})
    # Counted exactly, each of them got a number of its own, up to how many they are.
    counted = {found["readings"] for found in readings if found}
    for number in range(len(readings)):
        tally.note(UNCOUNTED, wrong=before + 1 + number not in counted)
    return tally


def read(site: Site) -> list[dict[str, Any]]:
    return [reading(site) for _ in range(TURNS)]


def reading(site: Site) -> dict[str, Any]:
    # A connection for each, so that any worker may get it.
    with site.visitor() as reader:
        return reader.get("/announcements/view2/").data or {}
