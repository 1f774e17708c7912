"""What can be read, and how it is seen whether a read is right."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.consistency import slots
from tests.consistency.ledger import ABSENT, DOOMED, Ledger, says
from tests.consistency.library import queries
from tests.consistency.library.queries import Query, Words

STALE, WENT_BACK, ROLLED_BACK = "stale", "went_back", "rolled_back"


@dataclass(frozen=True)
class Wrong:
    """A read that was wrong, and what shows it."""

    how: str
    slot: int
    expected: int
    found: int | None


@dataclass(frozen=True)
class Reading:
    """One cached function, the numbers it is called with, and the slots that it shows.

    Attributes:
        shown: the slots, by the number it is called with.
        where: what a slot must say to be shown; None: anything but ABSENT.
        whole: whether a slot that says so must be shown. Otherwise it only mustn't be old.
        perhaps: slots that may be missing although they are there.
        summed: the slots are shown as their sum.
        counted: how many there are is shown, under -1.
        newest: only the one with the greatest word is shown.
    """

    name: str
    query: Query
    calls: int
    shown: Callable[[int], tuple[int, ...]]
    where: Callable[[int], int] | None = None
    whole: bool = True
    perhaps: frozenset[int] = frozenset()
    summed: bool = False
    counted: bool = False
    newest: bool = False

    def floors(self, ledger: Ledger, number: int) -> tuple[list[int], list[int]]:
        """What is known to be committed now: by writers, and by readers."""
        told, seen = ledger.told, ledger.seen
        shown = self.shown(number)
        return [told[slot] for slot in shown], [seen[slot] for slot in shown]

    def wrong(
        self, ledger: Ledger, number: int, floors: tuple[list[int], list[int]], words: Words
    ) -> Wrong | None:
        """What is wrong with these words, read after *floors* were noted."""
        told, seen = floors
        shown = self.shown(number)
        if self.summed:
            return _wrong_sum(shown[0], sum(told), sum(seen), words)
        if self.counted or self.newest:
            return self._wrong_choice(ledger, number, told, words)
        for slot, floor, other in zip(shown, told, seen, strict=True):
            found = words.get(slot)
            if found is None:
                if self._is_missed(ledger, slot, floor, number):
                    return Wrong(STALE, slot, floor, None)
            elif found >= DOOMED:
                return Wrong(ROLLED_BACK, slot, floor, found)
            elif found < max(floor, other):
                newer, how = (floor, STALE) if found < floor else (other, WENT_BACK)
                return Wrong(how, slot, newer, found)
        return None

    def _is_missed(self, ledger: Ledger, slot: int, floor: int, number: int) -> bool:
        """Whether a slot that isn't shown should be."""
        if not self.whole or slot in self.perhaps:
            return False
        # Else a change of which nobody was told yet may have taken it away.
        return ledger.attempted[slot] <= floor and self._is_shown(floor, number)

    def _is_shown(self, word: int, number: int) -> bool:
        return says(word) == self.where(number) if self.where else says(word) != ABSENT

    def _wrong_choice(
        self, ledger: Ledger, number: int, told: list[int], words: Words
    ) -> Wrong | None:
        """Where only some of the slots are shown, or how many there are."""
        shown = self.shown(number)
        settled = [
            (slot, floor)
            for slot, floor in zip(shown, told, strict=True)
            if ledger.attempted[slot] <= floor
        ]
        there = [(slot, floor) for slot, floor in settled if self._is_shown(floor, number)]
        if self.counted:
            most = len(shown) - len(settled) + len(there)
            if len(there) <= words[-1] <= most:
                return None
            return Wrong(STALE, shown[0], len(there), words[-1])
        floors = dict(zip(shown, told, strict=True))
        for slot, found in words.items():
            if found >= DOOMED:
                return Wrong(ROLLED_BACK, slot, floors[slot], found)
            if found < floors[slot]:
                return Wrong(STALE, slot, floors[slot], found)
        newest = max(words.values(), default=0)
        for slot, floor in there:
            if newest < floor:
                return Wrong(STALE, slot, floor, newest or None)
        return None

    def saw(self, ledger: Ledger, words: Words) -> None:
        """These were got from the database, so they are committed."""
        if not self.summed and not self.counted:
            seen = ledger.seen
            for slot, word in words.items():
                if seen[slot] < word < DOOMED:
                    seen[slot] = word


def _wrong_sum(slot: int, told: int, seen: int, words: Words) -> Wrong | None:
    (found,) = words.values()
    if found >= DOOMED:
        return Wrong(ROLLED_BACK, slot, told, found)
    if found < told:
        return Wrong(STALE, slot, told, found)
    return Wrong(WENT_BACK, slot, seen, found) if found < seen else None


def _one(kind: slots.Kind) -> Callable[[int], tuple[int, ...]]:
    singles = [(kind[number],) for number in range(kind.count)]
    return singles.__getitem__


def _all(kind: slots.Kind) -> Callable[[int], tuple[int, ...]]:
    everything = tuple(kind[number] for number in range(kind.count))
    return lambda _: everything


_SHELVES = [slots.SHELF[n] for n in range(slots.SHELVES)]
_TRIPLES = [tuple(slots.ARTICLE[n + i] for i in range(3)) for n in range(slots.ARTICLES - 2)]
_PAGES = [
    (
        slots.ARTICLE[n],
        *slots.comments_of(n),
        *slots.links_of(n),
        slots.BOOKMARK[n],
        *_SHELVES,
    )
    for n in range(slots.ARTICLES)
]
_FEATURES = [
    (slots.ARTICLE[n], slots.FEATURE[n]) if n % slots.FEATURED == 0 else ()
    for n in range(slots.ARTICLES)
]

READINGS = {
    reading.name: reading
    for reading in (
        Reading("shelf", queries.shelf, slots.SHELVES, _one(slots.SHELF)),
        Reading("article", queries.article, slots.ARTICLES, _one(slots.ARTICLE)),
        Reading("latest", queries.latest, slots.ARTICLES, _one(slots.ARTICLE)),
        Reading("feature", queries.feature, slots.ARTICLES, _FEATURES.__getitem__),
        Reading("three_articles", queries.three_articles, len(_TRIPLES), _TRIPLES.__getitem__),
        Reading(
            "articles_on",
            queries.articles_on,
            slots.SHELVES,
            _all(slots.ARTICLE),
            where=lambda number: number + 1,
        ),
        Reading("comment", queries.comment, slots.COMMENT.count, _one(slots.COMMENT)),
        Reading("comments", queries.comments, slots.ARTICLES, slots.comments_of),
        Reading(
            "comment_count",
            queries.comment_count,
            slots.ARTICLES,
            slots.comments_of,
            counted=True,
        ),
        Reading(
            "article_count",
            queries.article_count,
            slots.SHELVES,
            _all(slots.ARTICLE),
            where=lambda number: number + 1,
            counted=True,
        ),
        Reading(
            "newest_comment",
            queries.newest_comment,
            slots.ARTICLES,
            slots.comments_of,
            newest=True,
        ),
        # A comment is on the shelf that its article is on: too much for the words.
        Reading(
            "comments_on", queries.comments_on, slots.SHELVES, _all(slots.COMMENT), whole=False
        ),
        Reading("labels", queries.labels, slots.ARTICLES, slots.links_of),
        Reading(
            "page",
            queries.page,
            slots.ARTICLES,
            _PAGES.__getitem__,
            perhaps=frozenset(_SHELVES),
        ),
        Reading("bookmark", queries.bookmark, slots.ARTICLES, _one(slots.BOOKMARK)),
        Reading("bookmarks", queries.bookmarks, 1, _all(slots.BOOKMARK)),
        Reading("footnote", queries.footnote, slots.ARTICLES, _one(slots.FOOTNOTE)),
        Reading("stock", queries.stock, slots.STOCKS, _one(slots.STOCK)),
        Reading("stocks", queries.stocks, 1, _all(slots.STOCK)),
        Reading("total", queries.total, slots.SHELVES, slots.stocks_of, summed=True),
        Reading("votes", queries.votes, slots.STOCKS, _one(slots.VOTES)),
        Reading("all_votes", queries.all_votes, 1, _all(slots.VOTES)),
        Reading("notice", queries.notice, slots.NOTICES, _one(slots.NOTICE)),
        Reading("notices", queries.notices, 1, _all(slots.NOTICE)),
    )
}


def showing(slot: int) -> list[tuple[Reading, int]]:
    """Every read that shows this slot."""
    found = _SHOWING.get(slot)
    if found is None:
        found = _SHOWING[slot] = [
            (reading, number)
            for reading in READINGS.values()
            for number in range(reading.calls)
            if slot in reading.shown(number)
        ]
    return found


_SHOWING: dict[int, list[tuple[Reading, int]]] = {}
