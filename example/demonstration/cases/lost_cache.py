"""The lost cache: uploads of different length overlap, and each looks its own labels up."""

import time
from dataclasses import dataclass

from demonstration.site import Site, at_once
from demonstration.tally import Tally
from demonstration.visitor import Answer

TITLE = "The lost cache"
MEANING = "uploads that overlap look labels up"
GONE = "upload died, labels gone"
MISSING = "upload died, a label missing"
FOREIGN = "upload got others' labels"
OTHERWISE = "upload failed otherwise"
KINDS = (GONE, MISSING, FOREIGN, OTHERWISE)
UNEXPECTED = (OTHERWISE,)

UPLOADS = 30
SECONDS_APART = 0.04


@dataclass(frozen=True)
class Upload:
    number: int
    urls: list[str]


def drive(site: Site) -> Tally:
    uploads = list(uploads_for(site))
    answers = at_once(lambda upload: send(site, upload), uploads)
    tally = Tally(KINDS)
    known: dict[str, int] = {}
    for upload, answer in zip(uploads, answers, strict=True):
        tally.note_one_of(KINDS, what_went_wrong(upload, answer, known), answer.summary)
    return tally


def uploads_for(site: Site) -> list[Upload]:
    """From 10 to 50 lines, in no order. Every fifth line names a label that others name, too."""
    uploads = []
    for number in range(UPLOADS):
        lines = site.random.randint(10, 50)
        urls = [
            f"https://{site.variant}.example/shared/{line}"
            if line % 5 == 0
            else f"https://{site.variant}.example/{number}/{line}"
            for line in range(lines)
        ]
        site.random.shuffle(urls)
        uploads.append(Upload(number, urls))
    return uploads


def send(site: Site, upload: Upload) -> Answer:
    time.sleep(upload.number * SECONDS_APART)
    with site.visitor() as visitor:
        path = "/labels/import/async/" if site.is_async else "/labels/import/"
        return visitor.upload(path, "urls", "\n".join(upload.urls))


def what_went_wrong(upload: Upload, answer: Answer, known: dict[str, int]) -> str | None:
    """The kind of failure, or None. *known* collects the one right id of each label."""
    if "AttributeError" in answer.text and "'labels'" in answer.text:
        return GONE
    if "KeyError" in answer.text:
        return MISSING
    if answer.status != 200 or not answer.data:
        return OTHERWISE
    used = answer.data["labels"]
    if set(used) != set(upload.urls):
        return FOREIGN
    if any(known.setdefault(url, pk) != pk for url, pk in used.items()):
        return FOREIGN
    return None
