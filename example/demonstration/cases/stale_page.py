"""The stale page: after each save, readers ask for the article and for the listing."""

import re
import threading
import time

from demonstration.site import Site, at_once
from demonstration.tally import Tally
from demonstration.visitor import Answer, Visitor

TITLE = "The stale page"
MEANING = "readers ask for cached pages after each save"
OLD_ARTICLE = "article as it was before"
OLD_LISTING = "listing as it was before"
UNKEPT = "page made anew for each reader"
FAILED = "failed otherwise"
KINDS = (OLD_ARTICLE, OLD_LISTING, UNKEPT, FAILED)
UNEXPECTED = (UNKEPT, FAILED)

SAVES = 12
READERS = 4
#: Others, who read all the while, so that pages are made while something is saved.
CROWD = 3
#: A store that was just started keeps nothing for a moment: see "The protocol" in the docs.
UNKEPT_SECONDS = 30.0

ARTICLE, LISTING = "/reading/1/", "/reading/"
MADE = re.compile(r"Made at (\S+)")


def drive(site: Site) -> Tally:
    tally = Tally(KINDS)
    over = threading.Event()
    crowd = [threading.Thread(target=read_on, args=(site, over)) for _ in range(CROWD)]
    for reader in crowd:
        reader.start()
    try:
        for path in (ARTICLE, LISTING):
            tally.note(UNKEPT, wrong=not becomes_kept(site, path), reason=path)
        with site.visitor() as editor:
            for number in range(SAVES):
                save_and_look(site, tally, editor, number)
    finally:
        over.set()
        for reader in crowd:
            reader.join()
    return tally


def becomes_kept(site: Site, path: str) -> bool:
    """Whether two readers get the same page, at last. Else there is nothing that could be old."""
    deadline = time.monotonic() + UNKEPT_SECONDS
    while time.monotonic() < deadline:
        first, second = (MADE.findall(look(site, path).text) for _ in range(2))
        if first and first == second:
            return True
        time.sleep(0.05)
    return False


def save_and_look(site: Site, tally: Tally, editor: Visitor, number: int) -> None:
    """Save something, in turn an article and a comment; then see what is shown of it."""
    # The port: what was saved under another server, with another store, is in the database, too.
    words = f"{site.variant} {site.port} {number} {site.random.random()}"
    if number % 2:
        answer = editor.post(f"{ARTICLE}comment/", text=words)
    else:
        answer = editor.post(f"{ARTICLE}edit/", title=words)
    tally.note(FAILED, wrong=answer.status != 200, reason=answer.summary)
    if answer.status != 200:
        return
    # A connection for each, so that any worker may get it.
    articles = at_once(lambda _: look(site, ARTICLE), range(READERS))
    listings = at_once(lambda _: look(site, LISTING), range(READERS))
    for page in articles:
        note(tally, OLD_ARTICLE, page, page.text, words)
    # Of a comment, the listing shows how many there are.
    shown = f", {answer.data['comments']} comments" if number % 2 else words
    for page in listings:
        note(tally, OLD_LISTING, page, line_of(page), shown)


def line_of(listing: Answer) -> str:
    """What the listing says of the article."""
    return next((line for line in listing.text.splitlines() if f'"{ARTICLE}"' in line), "")


def note(tally: Tally, kind: str, page: Answer, text: str, words: str) -> None:
    """Whether *words* are in the *text* of a page, if it is one."""
    tally.note(FAILED, wrong=page.status != 200, reason=page.summary)
    if page.status == 200:
        made = " ".join(MADE.findall(page.text))
        tally.note(kind, wrong=words not in text, reason=f"no {words!r}, made at {made}")


def look(site: Site, path: str) -> Answer:
    with site.visitor() as reader:
        return reader.get(path)


def read_on(site: Site, over: threading.Event) -> None:
    with site.visitor() as reader:
        while not over.is_set():
            reader.get(ARTICLE)
            reader.get(LISTING)
