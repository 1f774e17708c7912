"""Who am I serving? Each log line names the user twice: from the request's store, and by hand."""

import re

from demonstration.site import Site, at_once
from demonstration.tally import Tally

TITLE = "Who am I serving?"
MEANING = "users and strangers, named in each log line"
ANOTHER = "logged as another user"
NO_ID = "user logged as nobody"
LEFT_OVER = "stranger logged as a user"
UNLOGGED = "request without log lines"
KINDS = (ANOTHER, NO_ID, LEFT_OVER, UNLOGGED)
UNEXPECTED = (UNLOGGED,)

CONNECTIONS = 16
REQUESTS = 6
LINES_A_REQUEST = 3
LINE = re.compile(r"^a=(\S+) b=(\S+) ")


def drive(site: Site) -> Tally:
    site.basket_log.write_text("")
    plans = [plan(site, number) for number in range(CONNECTIONS)]
    at_once(lambda paths: visit(site, paths), plans)

    tally = Tally(KINDS)
    lines = [LINE.match(line) for line in site.basket_log.read_text().splitlines()]
    for line in filter(None, lines):
        judge(tally, store=line[1], by_hand=line[2])
    # So that a log that lost its lines doesn't look like a clean one.
    expected = CONNECTIONS * REQUESTS
    logged = len(lines) // LINES_A_REQUEST
    for number in range(expected):
        tally.note(UNLOGGED, wrong=number >= logged)
    return tally


def plan(site: Site, number: int) -> list[str]:
    """The paths that one connection asks for: users, and in between strangers."""
    paths = []
    for turn in range(REQUESTS):
        user_id = number * 100 + turn
        who = "" if turn % 3 == 2 else f"users/{user_id}"
        paths.append(f"/{who}?ms={site.random.randint(5, 60)}")
    return paths


def visit(site: Site, paths: list[str]) -> None:
    with site.visitor(basket=True) as visitor:
        for path in paths:
            visitor.get(path)


def judge(tally: Tally, store: str, by_hand: str) -> None:
    if by_hand == "-":
        tally.note(LEFT_OVER, wrong=store != "-")
    else:
        tally.note(ANOTHER, wrong=store not in {by_hand, "-"})
        tally.note(NO_ID, wrong=store == "-")
