"""Every fact that can change is a slot: a number from 0 on. Each kind has a run of them."""

from dataclasses import dataclass
from functools import cache

SHELVES, ARTICLES, STOCKS, NOTICES = 4, 24, 8, 5
COMMENTS = 3  # of each article
LABELS = 3
FEATURED = 4  # each fourth article is a feature


@dataclass(frozen=True)
class Kind:
    """A run of slots; row *n* of the kind (its primary key is n + 1) has slot `first + n`.

    Attributes:
        truth: SQL that gives row numbers (from 1 on) and words; `{these}`: of the slots asked for.
    """

    name: str
    first: int
    count: int
    truth: str

    def __getitem__(self, number: int) -> int:
        return self.first + number


KINDS: list[Kind] = []


def _kind(name: str, count: int, truth: str | None = None) -> Kind:
    first = KINDS[-1].first + KINDS[-1].count if KINDS else 0
    truth = truth or f"SELECT id, word FROM library_{name} WHERE id {{these}}"  # noqa: S608 - our own names
    KINDS.append(Kind(name, first, count, truth))
    return KINDS[-1]


SHELF = _kind("shelf", SHELVES)
ARTICLE = _kind("article", ARTICLES)
FEATURE = _kind(
    "feature",
    ARTICLES,
    "SELECT article_ptr_id, extra FROM library_feature WHERE article_ptr_id {these}",
)
COMMENT = _kind("comment", ARTICLES * COMMENTS)
_PAIR = f"(article_id - 1) * {LABELS} + label_id"
LINK = _kind(
    "link",
    ARTICLES * LABELS,
    f"SELECT {_PAIR}, word FROM library_link WHERE {_PAIR} {{these}}",  # noqa: S608 - ours
)
BOOKMARK = _kind(
    "bookmark", ARTICLES, "SELECT object_id, word FROM library_bookmark WHERE object_id {these}"
)
FOOTNOTE = _kind("footnote", ARTICLES)
STOCK = _kind("stock", STOCKS)
# Votes only come. What says how new they are is their sum.
VOTES = _kind(
    "votes",
    STOCKS,
    "SELECT stock_id, CAST(2 + sum(weight) AS bigint) FROM library_vote"
    " WHERE stock_id {these} GROUP BY stock_id",
)
NOTICE = _kind("notice", NOTICES)
SLOTS = NOTICE.first + NOTICE.count


@cache
def kind_of(slot: int) -> Kind:
    return next(kind for kind in KINDS if kind.first <= slot < kind.first + kind.count)


@cache
def comments_of(article: int) -> tuple[int, ...]:
    return tuple(COMMENT[article * COMMENTS + n] for n in range(COMMENTS))


@cache
def links_of(article: int) -> tuple[int, ...]:
    return tuple(LINK[article * LABELS + n] for n in range(LABELS))


@cache
def all_of(article: int) -> tuple[int, ...]:
    """What goes when the article goes."""
    own = (ARTICLE[article], BOOKMARK[article], FOOTNOTE[article])
    feature = (FEATURE[article],) if article % FEATURED == 0 else ()
    return (*own, *feature, *comments_of(article), *links_of(article))


@cache
def stocks_of(shelf: int) -> tuple[int, ...]:
    return tuple(STOCK[n] for n in range(STOCKS) if n % SHELVES == shelf)
