"""What the application caches: functions that read rows in all the ways that Django knows.

Each takes one number and returns what it found as words by slot.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection
from django.db.models import Prefetch, Sum

from tests.consistency.library.models import (
    Article,
    Bookmark,
    Comment,
    Feature,
    Footnote,
    Label,
    Latest,
    Link,
    Notice,
    Shelf,
    Stock,
    Vote,
)
from tests.consistency.slots import (
    ARTICLE,
    BOOKMARK,
    COMMENT,
    FEATURE,
    FOOTNOTE,
    LABELS,
    LINK,
    NOTICE,
    SHELF,
    STOCK,
    STOCKS,
    VOTES,
)

Words = dict[int, int]
Query = Callable[[int], Words]


def _one(slot: int, rows: Iterable[Any]) -> Words:
    """The word of the only row, if there is one."""
    words = [row.word for row in rows]
    return {slot: words[0]} if words else {}


def shelf(number: int) -> Words:
    return {SHELF[number]: Shelf.objects.get(pk=number + 1).word}


def article(number: int) -> Words:
    try:
        return {ARTICLE[number]: Article.objects.get(pk=number + 1).word}
    except Article.DoesNotExist:
        return {}


def latest(number: int) -> Words:
    return {ARTICLE[found.pk - 1]: found.word for found in Latest.objects.filter(id=number + 1)}


def feature(number: int) -> Words:
    found = Feature.objects.filter(pk=number + 1).first()
    return {ARTICLE[number]: found.word, FEATURE[number]: found.extra} if found else {}


def three_articles(number: int) -> Words:
    keys = [number + 1, number + 2, number + 3]
    rows = Article.objects.filter(pk__in=keys).values_list("pk", "word")
    return {ARTICLE[pk - 1]: word for pk, word in rows}


def articles_on(number: int) -> Words:
    found = Article.objects.filter(shelf_id=number + 1).only("word")
    return {ARTICLE[each.pk - 1]: each.word for each in found}


def comment(number: int) -> Words:
    return {
        COMMENT[found["id"] - 1]: found["word"]
        for found in Comment.objects.filter(id=number + 1).values("id", "word")
    }


def comments(number: int) -> Words:
    rows = Comment.objects.filter(article_id=number + 1).order_by("-word").values_list("id", "word")
    return {COMMENT[pk - 1]: word for pk, word in rows}


def comment_count(number: int) -> Words:
    """How many there are, under -1."""
    return {-1: Comment.objects.filter(article_id=number + 1).count()}


def article_count(number: int) -> Words:
    return {-1: Article.objects.filter(shelf__id=number + 1).count()}


def newest_comment(number: int) -> Words:
    found = Comment.objects.filter(article_id=number + 1).order_by("-word").first()
    return {COMMENT[found.pk - 1]: found.word} if found else {}


def comments_on(number: int) -> Words:
    there = Article.objects.filter(shelf=number + 1).values("pk")
    rows = Comment.objects.filter(article__in=there).values_list("id", "word")
    return {COMMENT[pk - 1]: word for pk, word in rows}


def labels(number: int) -> Words:
    rows = Label.objects.filter(articles=number + 1).values_list("pk", "link__word")
    return {LINK[number * LABELS + pk - 1]: word for pk, word in rows}


def page(number: int) -> Words:
    links = Prefetch("link_set", Link.objects.select_related("label"))
    found = (
        Article.objects.select_related("shelf")
        .prefetch_related("comment_set", links, "bookmarks")
        .filter(pk=number + 1)
        .first()
    )
    if found is None:
        return {}
    words = {ARTICLE[number]: found.word, SHELF[found.shelf_id - 1]: found.shelf.word}
    words |= {COMMENT[each.pk - 1]: each.word for each in found.comment_set.all()}
    words |= {LINK[number * LABELS + each.label.pk - 1]: each.word for each in found.link_set.all()}
    words |= _one(BOOKMARK[number], found.bookmarks.all())
    return words


def bookmark(number: int) -> Words:
    # Read as users do, from the article; and without a query for that.
    rows = Article(pk=number + 1).bookmarks.all()
    return _one(BOOKMARK[number], rows)


def bookmarks(number: int) -> Words:
    return {BOOKMARK[each.object_id - 1]: each.word for each in Bookmark.objects.all()}


def footnote(number: int) -> Words:
    rows = Footnote.objects.filter(article=number + 1)
    return _one(FOOTNOTE[number], rows)


def stock(number: int) -> Words:
    with connection.cursor() as cursor:
        cursor.execute("SELECT word FROM library_stock WHERE id = %s", [number + 1])
        return {STOCK[number]: cursor.fetchone()[0]}


def stocks(number: int) -> Words:
    found = Stock.objects.raw("SELECT * FROM library_stock ORDER BY word DESC")
    return {STOCK[each.pk - 1]: each.word for each in found}


def total(number: int) -> Words:
    """One sum of several slots; filed under the first of them."""
    found = Stock.objects.filter(shelf_id=number + 1).aggregate(total=Sum("word"))
    return {STOCK[number]: int(found["total"])}


def votes(number: int) -> Words:
    found = Vote.objects.filter(stock_id=number + 1).aggregate(total=Sum("weight"))
    return {VOTES[number]: 2 + int(found["total"] or 0)}


def all_votes(number: int) -> Words:
    rows = Stock.objects.annotate(total=Sum("vote__weight")).values_list("pk", "total")
    return {VOTES[pk - 1]: 2 + int(total or 0) for pk, total in rows[:STOCKS]}


def notice(number: int) -> Words:
    rows = Notice.objects.filter(pk=number + 1)
    return _one(NOTICE[number], rows) if rows.exists() else {}


def notices(number: int) -> Words:
    return {NOTICE[each.pk - 1]: each.word for each in Notice.objects.all()}
