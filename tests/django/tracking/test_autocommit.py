"""In autocommit a statement is its own COMMIT: nobody keeps what was read before that was done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from holdfast.django.tracking import drivers
from tests.django.tracking.shop.models import Author, Tag
from tests.django.tracking.test_transactions import in_thread


@contextmanager
def somebody_reads_after_each(statement_of: Any, read: Callable[[], Any]) -> Iterator[list[Any]]:
    """Another connection reads as soon as a statement was executed: before its rows are fetched."""
    seen = []

    def and_read(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        result = execute(sql, params, many, context)
        seen.append(in_thread(read))
        return result

    statement_of.execute_wrappers.insert(0, and_read)
    try:
        yield seen
    finally:
        statement_of.execute_wrappers.remove(and_read)


def executed(sql: str, *params: Any) -> None:
    """Without fetching what it returns: while rows are left, SQLite doesn't commit."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def fetched_from_result(sql: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        result: Any = cursor.execute(sql, params)
        assert result.fetchone() is not None


def iterated(sql: str, *params: Any) -> None:
    assert [row.name for row in Tag.objects.raw(sql, params).iterator()]


WRITES = {
    "create": lambda: Tag.objects.create(name="blue"),
    "save": lambda: Tag(name="blue").save(force_insert=True),
    "get_or_create": lambda: Tag.objects.get_or_create(name="blue"),
    "update_or_create": lambda: Tag.objects.update_or_create(name="red", defaults={"name": "b"}),
    "bulk_create": lambda: Tag.objects.bulk_create([Tag(name="blue"), Tag(name="green")]),
    "update": lambda: Tag.objects.update(name="blue"),
    "delete": lambda: Tag.objects.all().delete(),
    "INSERT RETURNING": lambda: executed(
        "INSERT INTO shop_tag (name) VALUES (%s), (%s) RETURNING id", "blue", "green"
    ),
    "UPDATE RETURNING": lambda: executed("UPDATE shop_tag SET name = %s RETURNING id", "blue"),
    "DELETE RETURNING": lambda: executed("DELETE FROM shop_tag RETURNING id, name"),
    "RETURNING, fetched from what execute returned": lambda: fetched_from_result(
        "UPDATE shop_tag SET name = %s RETURNING id", "blue"
    ),
    "raw(), iterated": lambda: iterated("UPDATE shop_tag SET name = %s RETURNING *", "blue"),
    "executemany": lambda: connection.cursor().executemany(
        "INSERT INTO shop_tag (name) VALUES (%s)", [["blue"], ["green"]]
    ),
}


@pytest.mark.parametrize("way", WRITES)
def test_what_was_read_before_the_end_of_a_statement_is_not_kept(shop, counted, way):
    Tag.objects.create(name="red")
    Tag.objects.create(name="grey")
    names = counted(lambda: sorted(Tag.objects.values_list("name", flat=True)))
    before = names()
    with somebody_reads_after_each(connection, names):
        WRITES[way]()
    assert names() == names.read() != before
    assert in_thread(names) == names.read()


def test_a_statement_that_returns_rows_is_committed_though_nobody_fetches_them(shop):
    executed("INSERT INTO shop_tag (name) VALUES (%s), (%s) RETURNING id", "blue", "green")
    assert in_thread(Tag.objects.count) == 2


def test_rows_that_a_write_returns_are_fetched_as_from_the_driver(shop):
    sql = "INSERT INTO shop_tag (name) VALUES (%s), (%s), (%s), (%s), (%s) RETURNING name"
    with connection.cursor() as cursor:
        for _ in range(2):  # a cursor may be used again
            cursor.execute(sql, list("abcde"))
            assert cursor.fetchone() == ("a",)
            assert cursor.fetchmany(2) == [("b",), ("c",)]
            assert list(cursor) == [("d",), ("e",)]
            assert cursor.fetchone() is None
            assert cursor.fetchall() == []
        cursor.execute(sql, list("abcde"))
        cursor.execute("SELECT 7, 8")
        assert cursor.fetchall() == [(7, 8)]  # and none of the rows before
        assert cursor.fetchone() is None


def test_a_returning_statement_that_fails_raises_what_django_has_for_it(shop, counted):
    tag = Tag.objects.create(name="red")
    names = counted(lambda: sorted(Tag.objects.values_list("name", flat=True)))
    with pytest.raises(IntegrityError):
        executed("INSERT INTO shop_tag (id, name) VALUES (%s, %s) RETURNING id", tag.pk, "x")
    assert names.is_kept()


def test_rows_fetched_from_what_execute_returns_are_seen(shop, counted):
    ann = Author.objects.create(name="Ann")
    bob = Author.objects.create(name="Bob")

    def read() -> Any:
        sql = "SELECT id, name FROM shop_author WHERE id IN (%s, %s)"
        with connection.cursor() as cursor:
            return sorted(cursor.execute(sql, [ann.pk, bob.pk + 1]).fetchall())  # type: ignore[attr-defined]

    names = counted(read)
    Author.objects.create(pk=bob.pk + 1, name="Cy")  # which was asked for, and missing
    assert not names.is_kept()


def test_a_cursor_used_again_for_fewer_columns(shop, counted):
    def read() -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, age, id FROM shop_author WHERE id IN (1, 2)")
            cursor.fetchall()
            cursor.execute("SELECT 7")
            return cursor.fetchone()

    assert counted(read).is_kept()


def test_what_the_server_may_be_at_work_on_keeps_its_marks(shop, counted, monkeypatch):
    """As in psycopg's pipeline mode: nothing says when the COMMIT is done."""
    Tag.objects.create(name="red")
    names = counted(lambda: sorted(Tag.objects.values_list("name", flat=True)))
    monkeypatch.setattr(drivers, "may_be_at_it", lambda *_, **__: True)
    Tag.objects.update(name="blue")
    before = names.loads
    assert names() == names() == ["blue"]
    assert names.loads == before + 2  # neither found nor kept, until it is over


def test_a_pipeline_is_known(on_postgres, counted):
    red = Tag.objects.create(name="red")
    names = counted(lambda: sorted(Tag.objects.values_list("name", flat=True)))
    driver: Any = connection.connection
    with driver.pipeline():
        assert drivers.may_be_at_it(connection, is_one=True)
        Tag.objects.filter(pk=red.pk).update(name="blue")
        in_thread(names)
    assert not drivers.may_be_at_it(connection, is_one=True)
    assert names() == ["blue"]


def test_of_several_statements_mysql_answers_the_first_alone():
    mysql: Any = SimpleNamespace(vendor="mysql")
    assert drivers.may_be_at_it(mysql, is_one=False)
    assert not drivers.may_be_at_it(mysql, is_one=True)


def test_what_may_be_taken_back_is_not_kept(shop, counted, monkeypatch):
    """MySQL alone has READ UNCOMMITTED: others take it for READ COMMITTED."""
    level = SimpleNamespace(vendor="mysql", isolation_level="read uncommitted")
    assert drivers.reads_uncommitted(level)  # type: ignore[arg-type]
    assert not drivers.reads_uncommitted(connection)
    Tag.objects.create(name="red")
    count = counted(Tag.objects.count, is_new=True)
    monkeypatch.setattr(drivers, "reads_uncommitted", lambda _: True)
    count()
    count()
    assert count.loads == 2


# With autocommit turned off, SQLite's driver begins a transaction before some statements only


def updated() -> None:
    executed(
        "WITH new(name) AS (SELECT 'blue') UPDATE shop_tag SET name = (SELECT name FROM new)"
        " WHERE name = 'red'"
    )


def updated_in_a_block() -> None:
    with transaction.atomic():
        Tag.objects.filter(name="red").update(name="blue")


def saved_and_rolled_back_in_a_block() -> None:
    with suppress(ZeroDivisionError), transaction.atomic():
        Tag.objects.create(name="green")
        with transaction.atomic():
            Tag.objects.filter(name="red").update(name="blue")
        raise ZeroDivisionError


@pytest.fixture
def by_hand(on_sqlite) -> Iterator[None]:
    transaction.set_autocommit(False)
    yield
    transaction.rollback()
    transaction.set_autocommit(True)


@pytest.mark.parametrize("write", [updated, updated_in_a_block])
@pytest.mark.parametrize("first", [True, False], ids=["first", "after_a_query"])
def test_what_commits_by_itself_is_told_at_once(by_hand, counted, write, first):
    executed("INSERT INTO shop_tag (name) VALUES ('red')")
    transaction.commit()
    names = counted(lambda: list(Tag.objects.values_list("name", flat=True)))
    assert in_thread(names) == ["red"]
    if not first:
        assert Tag.objects.count() == 1
    write()
    assert in_thread(names) == in_thread(names.read) == ["blue"]
    transaction.rollback()
    assert names() == names.read() == ["blue"]


def test_what_waits_for_a_commit_is_told_with_it(by_hand, counted):
    executed("/* a tag */ insert INTO shop_tag (name) VALUES ('red')")
    names = counted(lambda: list(Tag.objects.values_list("name", flat=True)), is_new=True)
    assert in_thread(names) == []
    updated()  # in the transaction that is open now
    assert in_thread(names) == []
    transaction.commit()
    assert in_thread(names) == in_thread(names.read) == ["blue"]


def test_a_block_that_is_rolled_back_leaves_what_was_true(by_hand, counted):
    executed("INSERT INTO shop_tag (name) VALUES ('red')")
    transaction.commit()
    names = counted(lambda: list(Tag.objects.values_list("name", flat=True)), is_new=True)
    saved_and_rolled_back_in_a_block()
    assert in_thread(names) == names() == ["red"]
