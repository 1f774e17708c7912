"""What the tracking can't see, the shadow reader finds: rows changed past Django."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import connection, connections, transaction

from holdfast import configuration
from holdfast.cache import cached, snapshot, verifying
from holdfast.cache.events import counts
from holdfast.django.cached_queries import cached_query
from tests.django.tracking.shop.models import Article, Author, Comment

ADDED = "INSERT INTO shop_comment (article_id, text) VALUES ({}, 'added')"


@pytest.fixture
def verified(shop: None, tmp_path: Path) -> Iterator[None]:
    """Each hit is compared."""
    cache = {"TRACKING": True, "VERIFY": 1.0, "PUBLISH": None}
    configuration.apply({"CACHE": cache, "STORES": {"cache": f"lmdb://{tmp_path / 'store'}"}})
    yield
    wait_for(lambda: not verifying._running)


@pytest.fixture
def article() -> Article:
    author = Author.objects.create(name="Ann")
    return Article.objects.create(author=author, title="old", slug="a")


def wait_for(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def compared(name: str, number: int = 1) -> tuple[float, float, float]:
    def outcome() -> tuple[float, float, float]:
        found = snapshot()[name]
        return found["agreed"], found["differed"], found["incomparable"]

    wait_for(lambda: sum(outcome()) >= number)
    return outcome()


def past_django(sql: str) -> None:
    """Execute it as another program would: on a connection that nobody watches."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        other: Any = sqlite3.connect(settings["NAME"], uri=True)
    else:
        import psycopg

        other = psycopg.connect(
            host=settings["HOST"],
            port=settings["PORT"],
            user=settings["USER"],
            dbname=settings["NAME"],
        )
    other.execute(sql)
    other.commit()
    other.close()


_numbers = iter(range(10**9))


@pytest.fixture
def name() -> str:
    return f"verified {next(_numbers)}"


@pytest.mark.usefixtures("verified")
def test_rows_that_are_as_they_were_agree(article: Article, name: str) -> None:
    @cached_query(ttl=60, name=name)
    def articles() -> Any:
        return Article.objects.select_related("author").filter(pk=article.pk)

    articles()
    assert [each.author.name for each in articles()] == ["Ann"]
    assert compared(name) == (1, 0, 0), counts(name).reasons


@pytest.mark.usefixtures("verified")
def test_a_write_past_django_is_found(article: Article, name: str) -> None:
    """With rows of the same primary key, which Django says are equal."""

    @cached_query(ttl=60, name=name)
    def articles() -> Any:
        return list(Article.objects.filter(pk=article.pk))

    articles()
    past_django("UPDATE shop_article SET title = 'new'")
    assert [each.title for each in articles()] == ["old"]
    assert compared(name) == (0, 1, 0), counts(name).reasons
    [facts] = verifying.differences("cache")
    assert facts["where"] == "[0]['title']: 'old' != 'new'"


@pytest.mark.usefixtures("verified")
def test_a_row_that_another_program_has_added_is_found(article: Article, name: str) -> None:
    @cached_query(ttl=60, name=name)
    def texts() -> Any:
        return list(article.comments.values_list("text", flat=True))

    texts()
    past_django(ADDED.format(article.pk))
    assert texts() == []
    assert compared(name) == (0, 1, 0), counts(name).reasons


@pytest.mark.usefixtures("verified")
def test_a_write_by_django_at_the_same_time_is_no_error(article: Article, name: str) -> None:
    changing: list[int] = []

    @cached_query(ttl=60, name=name)
    def title() -> str:
        if changing and threading.current_thread() is not threading.main_thread():
            changing.clear()

            def change() -> None:
                Article.objects.filter(pk=article.pk).update(title="new")
                connections.close_all()

            thread = threading.Thread(target=change)
            if connection.vendor == "sqlite":
                connection.close()  # or the writer would wait for the snapshot to end
            thread.start()
            thread.join()
        return Article.objects.get(pk=article.pk).title

    title()
    changing.append(1)
    assert title() == "old"
    assert compared(name) == (0, 0, 1)
    assert not verifying.differences("cache")
    assert title() == "new"


@pytest.mark.usefixtures("verified")
def test_all_is_read_as_it_was_at_one_moment(article: Article, name: str) -> None:
    """Else two queries would see what one commit has changed apart from each other."""
    seen: list[Any] = []

    @cached(60, name=name)
    def both() -> list[int]:
        first = Comment.objects.count()
        if threading.current_thread() is not threading.main_thread():
            past_django(ADDED.format(article.pk))
        found = [first, Comment.objects.count()]
        if threading.current_thread() is not threading.main_thread():
            seen.append(found)
        return found

    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode")
            assert cursor.fetchone() == ("wal",)
    both()
    both()
    compared(name)
    assert seen[0][0] == seen[0][1]


@pytest.mark.usefixtures("verified")
def test_a_function_that_writes_is_kept_from_it(article: Article, name: str) -> None:
    @cached(60, name=name)
    def views() -> int:
        if threading.current_thread() is not threading.main_thread():
            with transaction.atomic():
                Article.objects.update(views=100)
        return 1

    views()
    views()
    assert compared(name) == (0, 0, 1)
    [reason] = counts(name).reasons
    assert "read" in reason.lower()
    assert Article.objects.get().views == 0
    # And may write again when it is over.
    Article.objects.update(views=1)


@pytest.mark.usefixtures("verified")
def test_async_functions_are_compared_too(article: Article, name: str) -> None:
    @cached_query(ttl=60, name=name)
    async def title() -> str:
        return (await Article.objects.aget(pk=article.pk)).title

    async def outcome(before: float) -> tuple[float, float, float]:
        async with asyncio.timeout(30):
            while sum(told()) == before:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        return told()

    def told() -> tuple[float, float, float]:
        found = snapshot().get(name, {})
        return found.get("agreed", 0), found.get("differed", 0), found.get("incomparable", 0)

    async def both() -> None:
        # A thread of its own, so that its connection is to this test's database.
        async with ThreadSensitiveContext():
            await look()
            await sync_to_async(connections.close_all)()

    async def look() -> None:
        await title()
        assert await title() == "old"
        assert await outcome(0) == (1, 0, 0), counts(name).reasons
        past_django("UPDATE shop_article SET title = 'new'")
        assert await title() == "old"
        assert await outcome(1) == (1, 1, 0), counts(name).reasons

    asyncio.run(both())


@pytest.mark.usefixtures("verified")
def test_a_query_that_is_too_broad_is_told_by_name(article: Article, name: str) -> None:
    @cached_query(ttl=60, name=name)
    def titles() -> Any:
        return list(Article.objects.values_list("title", flat=True))

    titles()
    [sql] = counts(name).queries
    assert sql.startswith("SELECT")
    assert snapshot()[name]["broad"] == 1
