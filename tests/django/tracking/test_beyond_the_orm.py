"""What Django's ORM doesn't use: partitions, functions that run queries, what drivers do."""

from django.db import connection, transaction

from tests.django.tracking.shop.models import Tag
from tests.django.tracking.test_cases import sql


def test_a_function_that_runs_queries(on_postgres, counted):
    xml = "SELECT length(query_to_xml(%s, true, false, '')::text)"
    load = counted(lambda: sql(xml, "SELECT * FROM shop_tag"), is_new=True)
    load()
    load()
    assert load.loads == 2


def test_partitions_are_their_table(on_postgres, counted):
    sql("CREATE TABLE shop_event (day integer, name text) PARTITION BY RANGE (day)")
    count, insert = "SELECT COUNT(*) FROM {}".format, "INSERT INTO {} VALUES (7, 'x')".format
    part = "CREATE TABLE {} PARTITION OF {} FOR VALUES {}".format
    sql(part("shop_event_7", "shop_event", "FROM (1) TO (9) PARTITION BY LIST (name)"))
    sql(part("shop_event_7_x", "shop_event_7", "IN ('x')"))
    try:
        for write in ("shop_event", "shop_event_7", "shop_event_7_x"):
            loads = [
                counted(lambda read=read: sql(count(read)))
                for read in ("shop_event", "shop_event_7", "shop_event_7_x")
            ]
            sql(insert(write))
            assert not any(load.is_kept() for load in loads)
    finally:
        sql("DROP TABLE shop_event")


def test_rows_that_a_driver_streams(on_postgres, counted):
    red = Tag.objects.create(name="red")

    def stream() -> list[str]:
        with connection.cursor() as cursor:
            return [name for (name,) in cursor.stream("SELECT name FROM shop_tag")]

    load = counted(stream, is_new=True)
    assert load() == load() == ["red"]
    assert load.loads == 2
    name = counted(lambda: Tag.objects.get(pk=red.pk).name)
    with connection.cursor() as cursor:
        update = "UPDATE shop_tag SET name = 'blue' RETURNING id"
        assert list(cursor.stream(update)) == [(red.pk,)]
    assert not name.is_kept()


def test_a_script(on_sqlite, counted):
    red = Tag.objects.create(name="red")
    name = counted(lambda: Tag.objects.get(pk=red.pk).name)
    with connection.cursor() as cursor:
        cursor.executescript("UPDATE shop_tag SET name = 'blue'; SELECT 1")
    assert not name.is_kept()
    transaction.set_autocommit(False)
    Tag.objects.update(name="green")
    with connection.cursor() as cursor:
        cursor.executescript("SELECT 1")  # which commits what there was
    transaction.set_autocommit(True)
    assert not name.is_kept()
    assert name() == "green"
