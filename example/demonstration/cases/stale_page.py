"""The stale page: after each save, readers ask for the article and for the listing."""

import threading

from demonstration.site import Site, at_once
from demonstration.tally import Tally
from demonstration.visitor import Answer, Visitor

TITLE = "The stale page"
MEANING = "readers ask for cached pages after each save"
OLD_ARTICLE = "article as it was before"
OLD_LISTING = "listing as it was before"
FAILED = "failed otherwise"
KINDS = (OLD_ARTICLE, OLD_LISTING, FAILED)
UNEXPECTED = (FAILED,)

SAVES = 12
READERS = 4
#: Others, who read all the while, so that pages are made while something is saved.
CROWD = 3


def drive(site: Site) -> Tally:
    tally = Tally(KINDS)
    over = threading.Event()
    crowd = [threading.Thread(target=read_on, args=(site, over)) for _ in range(CROWD)]
    for reader in crowd:
        reader.start()
    try:
        with site.visitor() as editor:
            for number in range(SAVES):
                save_and_look(site, tally, editor, number)
    finally:
        over.set()
        for reader in crowd:
            reader.join()
    return tally


def save_and_look(site: Site, tally: Tally, editor: Visitor, number: int) -> None:
    """Save something, in turn an article and a comment; then see what is shown of it."""
    words = f"{site.variant} {number} {site.random.random()}"
    if number % 2:
        answer = editor.post("/reading/1/comment/", text=words)
    else:
        answer = editor.post("/reading/1/edit/", title=words)
    tally.note(FAILED, wrong=answer.status != 200, reason=answer.summary)
    if answer.status != 200:
        return
    # A connection for each, so that any worker may get it.
    articles = at_once(lambda _: look(site, "/reading/1/"), range(READERS))
    listings = at_once(lambda _: look(site, "/reading/"), range(READERS))
    for page in articles:
        note(tally, OLD_ARTICLE, page, words)
    # Of a comment, the listing shows how many there are: as many as on the page just seen.
    shown = words if number % 2 == 0 else f"{articles[0].text.count('<li>')} comments"
    for page in listings:
        note(tally, OLD_LISTING, page, shown)


def note(tally: Tally, kind: str, page: Answer, words: str) -> None:
    """Whether *words* are on the *page*, if it is one."""
    tally.note(FAILED, wrong=page.status != 200, reason=page.summary)
    if page.status == 200:
        tally.note(kind, wrong=words not in page.text, reason=f"no {words!r}")


def look(site: Site, path: str) -> Answer:
    with site.visitor() as reader:
        return reader.get(path)


def read_on(site: Site, over: threading.Event) -> None:
    with site.visitor() as reader:
        while not over.is_set():
            reader.get("/reading/1/")
            reader.get("/reading/")
