"""What a transaction has written is seen by itself alone, until COMMIT; and by nobody, if there is
none."""

from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Count

from tests.django.tracking.shop.models import Article, Author, Comment
from tests.django.tracking.test_transactions import StopError, in_thread, rolled_back


class Data:
    def __init__(self) -> None:
        author = Author.objects.create(name="Ann")
        self.one = Article.objects.create(author=author, slug="one")
        self.two = Article.objects.create(author=author, slug="two")
        self.first = Comment.objects.create(article=self.two, text="first")
        self.second = Comment.objects.create(article=self.two, text="second")


@pytest.fixture
def data(shop) -> Data:
    return Data()


def of(article: Article) -> Any:
    return lambda: sorted(Comment.objects.filter(article=article).values_list("pk", "text"))


#: Each has rows vanish from the group of the second article, without a tag of the group.
VANISHING = {
    "delete": lambda d: Comment(pk=d.first.pk, article=d.two).delete(),
    "DELETE": lambda d: execute("DELETE FROM shop_comment WHERE id = %s", d.first.pk),
    "moved": lambda d: Comment.objects.filter(pk=d.first.pk).update(article=d.one),
    "renamed": lambda d: Comment.objects.filter(pk=d.first.pk).update(text="other"),
    "with another": lambda d: execute("DELETE FROM shop_comment WHERE text = 'first'"),
}


def execute(sql: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


READS = {
    "rows": of,
    "filtered": lambda article: (
        lambda: list(Comment.objects.filter(article=article, text="first").values_list("pk"))
    ),
    "count": lambda article: Comment.objects.filter(article=article).count,
    "exists": lambda article: Comment.objects.filter(article=article, text="first").exists,
    "joined": lambda article: (
        lambda: list(
            Article.objects.filter(pk=article.pk).annotate(n=Count("comments")).values_list("n")
        )
    ),
}


@pytest.mark.parametrize("way", VANISHING)
def test_what_own_writes_made_vanish_is_neither_served_nor_kept(data, counted, way):
    known = [counted(make(data.two)) for make in READS.values()]
    before = [load() for load in known]
    unknown = [counted(make(data.two), is_new=True) for make in READS.values()]
    with rolled_back():
        VANISHING[way](data)
        for load in known + unknown:
            assert load() == load.read()
        assert in_thread(lambda: [load() for load in known]) == before
    for loads in (known, unknown):
        assert [load() for load in loads] == before
        assert in_thread(lambda loads=loads: [load() for load in loads]) == before


@pytest.mark.parametrize("way", VANISHING)
def test_a_load_that_takes_back_what_it_wrote_is_not_kept(data, counted, way):
    """When it is over, there is no transaction any more that could say so."""

    def and_take_back(read: Any) -> Any:
        with pytest.raises(StopError), transaction.atomic():  # noqa: PT012
            VANISHING[way](data)
            found = read()
            raise StopError
        return found

    for make in READS.values():
        read = make(data.two)
        load = counted(partial(and_take_back, read), is_new=True)
        load()
        load.read = read
        assert load() == read()
        assert in_thread(load) == read()


@pytest.mark.parametrize("way", VANISHING)
def test_an_inner_block_that_is_rolled_back_after_a_good_write(data, counted, way):
    """What was read in it, or after it, is kept by nobody as if it were committed."""
    load = counted(of(data.two))
    with transaction.atomic():
        Comment(article=data.two, text="new", pk=data.second.pk + 1).save()
        with rolled_back():
            VANISHING[way](data)
            assert load() == load.read()
        assert load() == load.read()
        in_thread(load)
    assert load() == load.read()
    assert in_thread(load) == load.read()


def test_other_tables_are_served_while_a_transaction_has_writes(data, counted):
    authors = counted(Author.objects.count)
    comments = counted(of(data.two))
    with transaction.atomic():
        Comment.objects.create(article=data.two, text="new")
        loads = authors.loads, comments.loads
        authors()
        comments()
        assert (authors.loads, comments.loads) == (loads[0], loads[1] + 1)
