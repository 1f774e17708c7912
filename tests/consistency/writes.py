"""Every way in which an application writes: what is written, and in what kind of transaction.

A way claims what it is going to change, and returns the change; that is made in an envelope
(envelopes.py), which may be one that is rolled back.
"""

import random
from collections.abc import Callable

from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import F

from tests.consistency.databases import POSTGRESQL
from tests.consistency.hold import Busy, Change, Hold
from tests.consistency.ledger import ABSENT, PRESENT, says
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
    ARTICLES,
    BOOKMARK,
    COMMENT,
    FEATURE,
    FEATURED,
    FOOTNOTE,
    LABELS,
    NOTICE,
    NOTICES,
    SHELF,
    SHELVES,
    STOCK,
    STOCKS,
    VOTES,
    all_of,
    comments_of,
    links_of,
)

Way = Callable[[Hold, random.Random], Change]
WAYS: dict[str, Way] = {}


def way(function: Way) -> Way:
    WAYS[function.__name__] = function
    return function


def ways_on(database: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those that this database knows: SQLite has no blocks of SQL, and its scripts commit."""
    return tuple(name for name in names if database == POSTGRESQL or name != "raw_block")


def some(choice: random.Random, count: int) -> int:
    """One of so many, the first ones more often."""
    return int(choice.random() ** 2 * count)


def sql(statement: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _there(hold: Hold, number: int) -> None:
    hold.claim(ARTICLE[number])
    if hold.says(ARTICLE[number]) == ABSENT:
        raise Busy


# One row


@way
def save(hold: Hold, choice: random.Random) -> Change:
    number = some(choice, ARTICLES)
    _there(hold, number)

    def change(hold: Hold) -> None:
        found = Article.objects.get(pk=number + 1)
        found.word = hold.new(found.shelf_id, ARTICLE[number])
        found.save()

    return change


@way
def save_one_field(hold: Hold, choice: random.Random) -> Change:
    number = some(choice, ARTICLES)
    _there(hold, number)

    def change(hold: Hold) -> None:
        found = Latest.objects.get(pk=number + 1)
        found.word = hold.new(found.shelf_id, ARTICLE[number])
        found.save(update_fields=["word"])

    return change


@way
def save_feature(hold: Hold, choice: random.Random) -> Change:
    number = some(choice, ARTICLES // FEATURED) * FEATURED
    _there(hold, number)
    hold.claim(FEATURE[number])

    def change(hold: Hold) -> None:
        found = Feature.objects.get(pk=number + 1)
        found.word = hold.new(found.shelf_id, ARTICLE[number])
        found.extra = hold.new(PRESENT, FEATURE[number])
        found.save()

    return change


@way
def update_feature(hold: Hold, choice: random.Random) -> Change:
    number = some(choice, ARTICLES // FEATURED) * FEATURED
    hold.claim(FEATURE[number])

    def change(hold: Hold) -> None:
        if hold.says(FEATURE[number]) != ABSENT:
            word = hold.new(PRESENT, FEATURE[number])
            Feature.objects.filter(pk=number + 1).update(extra=word)

    return change


@way
def save_shelf(hold: Hold, choice: random.Random) -> Change:
    number = some(choice, SHELVES)
    hold.claim(SHELF[number])
    return lambda hold: Shelf(pk=number + 1, word=hold.new(PRESENT, SHELF[number])).save()


@way
def move(hold: Hold, choice: random.Random) -> Change:
    """An article goes from one shelf to another."""
    number, to = some(choice, ARTICLES), 1 + choice.randrange(SHELVES)
    _there(hold, number)
    by_save = choice.random() < 0.5

    def change(hold: Hold) -> None:
        if hold.says(ARTICLE[number]) == ABSENT:
            return  # gone in this transaction
        word = hold.new(to, ARTICLE[number])
        if by_save:
            found = Article.objects.get(pk=number + 1)
            found.shelf, found.word = Shelf(pk=to), word
            found.save()
        else:
            Article.objects.filter(pk=number + 1).update(shelf=to, word=word)

    return change


@way
def update(hold: Hold, choice: random.Random) -> Change:
    number = some(choice, ARTICLES)
    _there(hold, number)
    says = hold.says(ARTICLE[number])

    def change(hold: Hold) -> None:
        word = hold.new(says, ARTICLE[number])
        Article.objects.filter(pk=number + 1, shelf=says).update(word=word)

    # In one transaction, another change may have moved it.
    return lambda hold: change(hold) if hold.says(ARTICLE[number]) == says else None


@way
def delete_or_create(hold: Hold, choice: random.Random) -> Change:
    """An article with all that goes with it: the cascade is Django's, and the database's."""
    number, shelf = some(choice, ARTICLES), 1 + choice.randrange(SHELVES)
    hold.claim(*all_of(number))
    by_query = choice.random() < 0.5

    def change(hold: Hold) -> None:
        if hold.says(ARTICLE[number]) != ABSENT:
            hold.gone(*all_of(number))
            if by_query:
                Article.objects.filter(pk=number + 1).delete()
            else:
                Article.objects.get(pk=number + 1).delete()
            return
        word = hold.new(shelf, ARTICLE[number])
        if number % FEATURED:
            Article.objects.create(pk=number + 1, shelf_id=shelf, word=word)
        else:
            extra = hold.new(PRESENT, FEATURE[number])
            Feature.objects.create(pk=number + 1, shelf_id=shelf, word=word, extra=extra)

    return change


@way
def increment(hold: Hold, choice: random.Random) -> Change:
    """By F, in the database."""
    number = some(choice, STOCKS)
    hold.claim(STOCK[number])
    by_save = choice.random() < 0.5

    def change(hold: Hold) -> None:
        before = hold.word(STOCK[number])
        more = hold.new(PRESENT, STOCK[number]) - before
        if by_save:
            found = Stock.objects.get(pk=number + 1)
            found.word = F("word") + more
            found.save()
        else:
            Stock.objects.filter(pk=number + 1).update(word=F("word") + more)

    return change


# Many rows


def _comments(hold: Hold, choice: random.Random) -> int:
    number = some(choice, ARTICLES)
    hold.claim(*comments_of(number))
    if not hold.exists(number):
        raise Busy
    return number


def _comments_that(hold: Hold, number: int, *, are: bool) -> list[int]:
    return [slot for slot in comments_of(number) if (hold.says(slot) != ABSENT) == are]


def _comment(hold: Hold, slot: int, number: int) -> Comment:
    pk = slot - COMMENT.first + 1
    return Comment(pk=pk, article_id=number + 1, word=hold.new(PRESENT, slot))


@way
def bulk_create(hold: Hold, choice: random.Random) -> Change:
    number = _comments(hold, choice)

    def change(hold: Hold) -> None:
        missing = _comments_that(hold, number, are=False)
        Comment.objects.bulk_create([_comment(hold, slot, number) for slot in missing])

    return change


@way
def bulk_update(hold: Hold, choice: random.Random) -> Change:
    number = _comments(hold, choice)

    def change(hold: Hold) -> None:
        there = _comments_that(hold, number, are=True)
        Comment.objects.bulk_update([_comment(hold, slot, number) for slot in there], ["word"])

    return change


@way
def upsert(hold: Hold, choice: random.Random) -> Change:
    number = _comments(hold, choice)

    def change(hold: Hold) -> None:
        Comment.objects.bulk_create(
            [_comment(hold, slot, number) for slot in comments_of(number)],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["word"],
        )

    return change


@way
def update_group(hold: Hold, choice: random.Random) -> Change:
    number = _comments(hold, choice)

    def change(hold: Hold) -> None:
        if there := _comments_that(hold, number, are=True):
            word = hold.new(PRESENT, *there)
            Comment.objects.filter(article__id=number + 1).update(word=word)

    return change


@way
def delete_group(hold: Hold, choice: random.Random) -> Change:
    number = _comments(hold, choice)

    def change(hold: Hold) -> None:
        hold.gone(*comments_of(number))
        Comment.objects.filter(article_id=number + 1).delete()

    return change


@way
def delete_by_subquery(hold: Hold, choice: random.Random) -> Change:
    number = _comments(hold, choice)

    def change(hold: Hold) -> None:
        hold.gone(*comments_of(number))
        if connection.vendor == "postgresql":
            sql(
                "DELETE FROM library_comment c USING library_article a"
                " WHERE c.article_id = a.id AND a.id = %s",
                number + 1,
            )
        else:
            sql(
                "DELETE FROM library_comment WHERE article_id IN"
                " (SELECT a.id FROM library_article a WHERE a.id = %s)",
                number + 1,
            )

    return change


def _one_comment(hold: Hold, choice: random.Random) -> tuple[int, int]:
    number = some(choice, ARTICLES)
    slot = choice.choice(comments_of(number))
    hold.claim(slot)
    if not hold.exists(number):
        raise Busy
    return slot, number


@way
def get_or_create(hold: Hold, choice: random.Random) -> Change:
    slot, number = _one_comment(hold, choice)

    def change(hold: Hold) -> None:
        if hold.says(slot) == ABSENT:
            new = _comment(hold, slot, number)
            defaults = {"article_id": new.article_id, "word": new.word}
            Comment.objects.get_or_create(pk=new.pk, defaults=defaults)

    return change


@way
def update_or_create(hold: Hold, choice: random.Random) -> Change:
    slot, number = _one_comment(hold, choice)

    def change(hold: Hold) -> None:
        new = _comment(hold, slot, number)
        defaults = {"article_id": new.article_id, "word": new.word}
        Comment.objects.update_or_create(pk=new.pk, defaults=defaults)

    return change


@way
def save_or_delete(hold: Hold, choice: random.Random) -> Change:
    slot, number = _one_comment(hold, choice)
    delete = choice.random() < 0.5

    def change(hold: Hold) -> None:
        if delete and hold.says(slot) != ABSENT:
            hold.gone(slot)
            Comment(pk=slot - COMMENT.first + 1, article_id=number + 1).delete()
        else:
            _comment(hold, slot, number).save()

    return change


@way
def vote(hold: Hold, choice: random.Random) -> Change:
    """Rows whose keys the database gives."""
    number, count = some(choice, STOCKS), choice.randint(1, 3)
    hold.claim(VOTES[number])

    def change(hold: Hold) -> None:
        weight = hold.add_votes(VOTES[number], count)
        if count == 1:
            Vote.objects.create(stock_id=number + 1, weight=weight)
        else:
            votes = [Vote(stock_id=number + 1, weight=weight) for _ in range(count)]
            Vote.objects.bulk_create(votes)

    return change


# Many to many, and generic relations


@way
def add_or_remove(hold: Hold, choice: random.Random) -> Change:
    number = some(choice, ARTICLES)
    which = choice.randrange(LABELS)
    slot = links_of(number)[which]
    hold.claim(slot)
    if not hold.exists(number):
        raise Busy
    from_article = choice.random() < 0.5

    def change(hold: Hold) -> None:
        article, label = Article(pk=number + 1), Label(pk=which + 1)
        side, other = (article.labels, label) if from_article else (label.articles, article)
        if hold.says(slot) != ABSENT:
            hold.gone(slot)
            side.remove(other)
        else:
            side.add(other, through_defaults={"word": hold.new(PRESENT, slot)})

    return change


@way
def set_or_clear(hold: Hold, choice: random.Random) -> Change:
    number = some(choice, ARTICLES)
    hold.claim(*links_of(number))
    if not hold.exists(number):
        raise Busy
    clear = choice.random() < 0.3
    wanted = [slot for slot in links_of(number) if choice.random() < 0.5]

    def change(hold: Hold) -> None:
        article = Article(pk=number + 1)
        if clear:
            hold.gone(*links_of(number))
            article.labels.clear()
            return
        hold.gone(*(slot for slot in links_of(number) if slot not in wanted))
        new = [slot for slot in wanted if hold.says(slot) == ABSENT]
        defaults = {"word": hold.new(PRESENT, *new)} if new else {}
        labels = [Label(pk=links_of(number).index(slot) + 1) for slot in wanted]
        article.labels.set(labels, through_defaults=defaults)

    return change


@way
def update_links(hold: Hold, choice: random.Random) -> Change:
    number = some(choice, ARTICLES)
    hold.claim(*links_of(number))

    def change(hold: Hold) -> None:
        if there := [slot for slot in links_of(number) if hold.says(slot) != ABSENT]:
            word = hold.new(PRESENT, *there)
            Link.objects.filter(article=Article(pk=number + 1)).update(word=word)

    return change


@way
def bookmark(hold: Hold, choice: random.Random) -> Change:
    number = some(choice, ARTICLES)
    hold.claim(BOOKMARK[number])
    if not hold.exists(number):
        raise Busy
    delete = choice.random() < 0.3

    def change(hold: Hold) -> None:
        if says(hold.written.get(ARTICLE[number], PRESENT << 1)) == ABSENT:
            return  # gone in this transaction, and no constraint keeps its bookmark from coming
        marks = Article(pk=number + 1).bookmarks
        if hold.says(BOOKMARK[number]) == ABSENT:
            marks.create(word=hold.new(PRESENT, BOOKMARK[number]))
        elif delete:
            hold.gone(BOOKMARK[number])
            marks.all().delete()
        else:
            kind = ContentType.objects.get_for_model(Article)
            word = hold.new(PRESENT, BOOKMARK[number])
            Bookmark.objects.filter(content_type=kind, object_id=number + 1).update(word=word)

    return change


@way
def footnote(hold: Hold, choice: random.Random) -> Change:
    number = some(choice, ARTICLES)
    hold.claim(FOOTNOTE[number])
    if not hold.exists(number):
        raise Busy

    def change(hold: Hold) -> None:
        word = hold.new(PRESENT, FOOTNOTE[number])
        Footnote(pk=number + 1, article_id=number + 1, word=word).save()

    return change


# SQL


@way
def raw_update(hold: Hold, choice: random.Random) -> Change:
    number = some(choice, STOCKS)
    hold.claim(STOCK[number])

    def change(hold: Hold) -> None:
        word = hold.new(PRESENT, STOCK[number])
        sql('UPDATE "library_stock" SET "word" = %s WHERE id = %s', word, number + 1)

    return change


@way
def raw_with(hold: Hold, choice: random.Random) -> Change:
    """A write inside of what begins like a read, with rows that nobody fetches."""
    number = some(choice, STOCKS)
    hold.claim(STOCK[number])

    def change(hold: Hold) -> None:
        word = hold.new(PRESENT, STOCK[number])
        if connection.vendor == "postgresql":
            sql(
                "WITH changed AS (UPDATE library_stock SET word = %s WHERE id = %s RETURNING id)"
                " SELECT count(*) FROM changed",
                word,
                number + 1,
            )
        else:
            sql(
                "WITH new(word) AS (SELECT %s) UPDATE library_stock"
                " SET word = (SELECT word FROM new) WHERE id = %s RETURNING id",
                word,
                number + 1,
            )

    return change


@way
def raw_block(hold: Hold, choice: random.Random) -> Change:
    """A write that no SQL parser sees."""
    number = some(choice, STOCKS)
    hold.claim(STOCK[number])

    def change(hold: Hold) -> None:
        word = hold.new(PRESENT, STOCK[number])
        statement = f"UPDATE library_stock SET word = {word} WHERE id = {number + 1}"  # noqa: S608
        sql(f"DO $$ BEGIN {statement}; END $$")

    return change


@way
def executemany(hold: Hold, choice: random.Random) -> Change:
    number = _comments(hold, choice)

    def change(hold: Hold) -> None:
        new = [_comment(hold, slot, number) for slot in comments_of(number)]
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO library_comment (id, article_id, word) VALUES (%s, %s, %s)"
                " ON CONFLICT (id) DO UPDATE SET word = excluded.word",
                [(each.pk, each.article_id, each.word) for each in new],
            )

    return change


@way
def truncate(hold: Hold, choice: random.Random) -> Change:
    hold.claim(*(NOTICE[number] for number in range(NOTICES)))

    def change(hold: Hold) -> None:
        hold.gone(*(NOTICE[number] for number in range(NOTICES)))
        # SQLite takes the latter for the former.
        is_known = connection.vendor == "postgresql"
        sql("TRUNCATE library_notice" if is_known else "DELETE FROM library_notice")

    return change


@way
def notice(hold: Hold, choice: random.Random) -> Change:
    number = choice.randrange(NOTICES)
    hold.claim(NOTICE[number])
    delete = choice.random() < 0.2

    def change(hold: Hold) -> None:
        if delete and hold.says(NOTICE[number]) != ABSENT:
            hold.gone(NOTICE[number])
            sql("DELETE FROM library_notice WHERE id IN (%s, %s)", number + 1, -1)
        else:
            Notice(pk=number + 1, word=hold.new(PRESENT, NOTICE[number])).save()

    return change
