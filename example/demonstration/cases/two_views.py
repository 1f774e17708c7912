"""The two views: one puts an object up, in one worker; the other reads it, in all of them."""

from demonstration.site import Site, at_once
from demonstration.tally import Tally
from demonstration.visitor import Answer

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
        answer = editor.post("/announcements/view1/", text=text)
        tally.note(FAILED, wrong=answer.status != 200, reason=answer.summary)
    before = (reading(site).data or {}).get("readings", 0)
    answers = [
        answer for turns in at_once(lambda _: read(site), range(READERS)) for answer in turns
    ]
    readings = [answer.data or {} for answer in answers]
    for answer, found in zip(answers, readings, strict=True):
        tally.note(FAILED, wrong=not found, reason=answer.summary)
        tally.note(NOTHING, wrong=bool(found) and found["text"] is None)
        tally.note(FOREIGN, wrong=bool(found) and found["text"] not in {text, None})
    # Counted exactly, each of them got a number of its own, up to how many they are.
    counted = {found["readings"] for found in readings if found}
    for number in range(len(readings)):
        tally.note(UNCOUNTED, wrong=before + 1 + number not in counted)
    return tally


def read(site: Site) -> list[Answer]:
    return [reading(site) for _ in range(TURNS)]


def reading(site: Site) -> Answer:
    # A connection for each, so that any worker may get it.
    with site.visitor() as reader:
        return reader.get("/announcements/view2/")
