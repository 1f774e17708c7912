"""Several databases, replicas, other threads, killed processes, and what is on by itself."""

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import django
import pytest
from django.core.management import call_command
from django.db import connection, connections

from holdfast import configuration
from holdfast.cache.recording import recording
from holdfast.django import cached_query, invalidate
from holdfast.django.tracking import replicas, start, switch
from holdfast.django.tracking.errors import TrackingOff
from holdfast.django.tracking.names import identity_of
from tests.django.tracking.shop.models import Article, Author, Tag


@pytest.fixture
def other(on_sqlite, tmp_path) -> Iterator[str]:
    """Another database, with the same tables."""
    given = dict(connections.settings["default"])
    given["NAME"] = str(tmp_path / "other")
    connections.settings["other"] = given
    call_command("migrate", "contenttypes", database="other", verbosity=0)
    call_command("migrate", database="other", run_syncdb=True, verbosity=0)
    yield "other"
    connections["other"].close()
    del connections["other"]
    del connections.settings["other"]


def test_databases_are_told_apart(other, counted):
    here = Tag.objects.create(pk=7, name="red")
    there = Tag.objects.using(other).create(pk=7, name="blue")
    read_here = counted(lambda: Tag.objects.get(pk=here.pk).name)
    read_there = counted(lambda: Tag.objects.using(other).get(pk=there.pk).name)
    Tag.objects.using(other).filter(pk=there.pk).update(name="green")
    assert read_here.is_kept()
    assert not read_there.is_kept()
    invalidate(there)
    assert read_here.is_kept()
    assert not read_there.is_kept()
    invalidate(Tag, using=other)
    assert not read_there.is_kept()


def test_transactions_of_two_databases_end_apart(other, counted):
    here, there = Tag.objects.create(name="red"), Tag.objects.using(other).create(name="blue")
    both = counted(
        lambda: (Tag.objects.get(pk=here.pk).name, Tag.objects.using(other).get(pk=there.pk).name)
    )
    from django.db import transaction

    with transaction.atomic(), transaction.atomic(using=other):
        Tag.objects.using(other).filter(pk=there.pk).update(name="green")
        Tag.objects.filter(pk=here.pk).update(name="x")
    assert both() == ("x", "green")


def test_two_aliases_of_one_database_are_one(on_sqlite, counted):
    connections.settings["again"] = dict(connections.settings["default"])
    try:
        red = Tag.objects.create(name="red")
        name = counted(lambda: Tag.objects.get(pk=red.pk).name)
        assert identity_of(connections["again"]) == identity_of(connection)
        Tag.objects.using("again").filter(pk=red.pk).update(name="blue")
        assert not name.is_kept()
    finally:
        connections["again"].close()
        del connections["again"]
        del connections.settings["again"]


def test_what_a_replica_says_is_kept_once_nothing_has_changed_for_its_lag(on_sqlite, monkeypatch):
    configuration.apply(
        {
            "CACHE": {"TRACKING": True, "REPLICAS": {"default": 5.0}},
            "STORES": {"cache": "memory://"},
        }
    )
    now = [1000.0]
    monkeypatch.setattr(replicas.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(replicas, "history", replicas.History())
    from holdfast.django.tracking import snapshots

    monkeypatch.setattr(snapshots, "history", replicas.history)
    connection.close()
    red = Tag.objects.create(name="red")
    loads = []

    @cached_query(ttl=None, name="from a replica", early=0)
    def name() -> str:
        loads.append(1)
        return Tag.objects.get(pk=red.pk).name

    name()
    name()
    assert len(loads) == 2  # the row has just been written, and nobody knows whether it is there
    now[0] += 6
    name()  # not private for what is long over: this one is kept
    name()
    name()
    assert len(loads) == 3
    Tag.objects.filter(pk=red.pk).update(name="blue")
    name()
    name()
    assert len(loads) == 5
    connection.close()


@pytest.mark.needs("postgresql")
def test_a_replica_is_recognised(on_postgres):
    connection.ensure_connection()
    assert replicas.lag_of(connection) == 0.0


def test_flush_makes_all_untrue(shop, counted):
    Tag.objects.create(name="red")
    count = counted(Tag.objects.count)
    call_command("flush", interactive=False, verbosity=0, inhibit_post_migrate=True)
    assert not count.is_kept()


@pytest.mark.skipif(django.VERSION < (6, 1), reason="Django 6.1 has DB_CASCADE")
def test_cascades_of_the_database(shop, counted):
    from tests.django.tracking.shop.models import Bookmark, Document, Folder

    top = Folder.objects.create(name="top")
    below = Folder.objects.create(name="below", parent=top)
    apart = Folder.objects.create(name="apart")
    paper = Document.objects.create(folder=below, name="paper")
    other = Document.objects.create(folder=apart, name="other")
    mark = Bookmark.objects.create(document=paper, name="mark")
    of_below = counted(lambda: [each.name for each in Document.objects.filter(folder=below)])
    of_apart = counted(lambda: Document.objects.filter(folder=apart).count())
    marked = counted(lambda: Bookmark.objects.get(pk=mark.pk).document_id)
    unmarked = counted(lambda: Bookmark.objects.filter(document=None).count())
    Folder.objects.filter(pk=top.pk).delete()
    assert not of_below.is_kept()
    assert of_below() == []
    assert not marked.is_kept()
    assert not unmarked.is_kept()
    assert of_apart() == 1
    assert other.pk


def test_what_calls_sql_functions_of_users(on_postgres, counted):
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION shop_tags() RETURNS bigint LANGUAGE sql STABLE"
            " AS 'SELECT count(*) FROM shop_tag'"
        )
        cursor.execute(
            "CREATE OR REPLACE FUNCTION shop_rename() RETURNS void LANGUAGE sql"
            " AS $$UPDATE shop_tag SET name = 'x'$$"
        )

    def read(text: str) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchone()

    with recording() as made:
        read("SELECT shop_tags()")
    assert "function" in str(made.refusal)
    red = Tag.objects.create(name="red")
    name = counted(lambda: Tag.objects.get(pk=red.pk).name)
    read("SELECT shop_rename()")
    assert not name.is_kept()
    with recording() as made:
        read("SELECT count(*), length(min(name)) FROM shop_tag")
    assert made.refusal is None


def test_copy_and_procedures(on_postgres, counted):
    count = counted(Tag.objects.count)
    with connection.cursor() as cursor:
        with cursor.copy("COPY shop_tag (name) FROM STDIN") as copy:
            copy.write_row(["red"])
        assert not count.is_kept()
        cursor.execute(
            "CREATE OR REPLACE PROCEDURE shop_add() LANGUAGE sql"
            " AS $$INSERT INTO shop_tag (name) VALUES ('x')$$"
        )
        count()
        cursor.execute("CALL shop_add()")
    assert not count.is_kept()


def test_rows_that_were_locked_for_update(on_postgres, counted):
    from django.db import transaction

    red = Tag.objects.create(name="red")

    def read() -> str:
        with transaction.atomic():
            return Tag.objects.select_for_update().get(pk=red.pk).name

    name = counted(read)
    Tag.objects.filter(pk=red.pk).update(name="blue")
    assert not name.is_kept()


def test_broad_queries_are_counted(shop, counted):
    from holdfast.django.tracking.counters import events

    ann = Author.objects.create(name="Ann")
    counted(lambda: Article.objects.filter(status="out").count())
    counted(lambda: Article.objects.filter(author=ann).count())
    counted(lambda: len(Article.objects.filter(pk__in=[1, 2, 3])))
    counted(lambda: len(Article.objects.filter(pk__in=[1, 2])))
    broad, *others = events.queries()
    assert '"status"' in broad.sql
    assert broad.broad == 1
    assert len(others) == 2  # lists of all lengths are one text
    assert all(query.broad == 0 for query in others)


def test_a_query_turned_off_says_so(on_sqlite):
    configuration.apply({"CACHE": {"TRACKING": False}})
    with pytest.raises(TrackingOff, match="TRACKING"):
        cached_query(ttl=1)


def test_it_begins_with_what_needs_it(on_sqlite):
    start.stop()
    configuration.apply({})
    start.begun_by.clear()
    try:
        cached_query(ttl=1)
        assert switch.is_on
        assert start.begun_by == ["cached_query"]
    finally:
        start.begun_by.clear()


KILLED = """
    import os, signal, sys
    from django.conf import settings
    settings.configure(
        DATABASES={{"default": {database!r}}},
        INSTALLED_APPS=[
            "django.contrib.contenttypes", "holdfast.django", "tests.django.tracking.shop"
        ],
        HOLDFAST={{
            "CACHE": {{"TRACKING": True, "COMMIT_TIMEOUT": 0.5}}, "STORES": {{"cache": {url!r}}}
        }},
        SECRET_KEY="of no worth",
    )
    import django
    django.setup()
    from django.db import connections, transaction
    from holdfast.django.tracking import writes
    from tests.django.tracking.shop.models import Tag

    def die(*args):
        os.kill(os.getpid(), signal.SIGKILL)

    def read():
        return Tag.objects.get(pk={key}).name

    if {step!r} == "before COMMIT":
        writes.Writes.bump = die
        type(connections["default"])._commit = die
    else:
        writes.Writes.bump = die
    with transaction.atomic():
        Tag.objects.filter(pk={key}).update(name="blue")
"""


@pytest.mark.parametrize("step", ["before COMMIT", "after COMMIT"])
def test_a_writer_killed_between_its_phases(on_sqlite, tmp_path, counted, step):
    url = f"lmdb://{tmp_path}/store"
    configuration.apply(
        {"CACHE": {"TRACKING": True, "COMMIT_TIMEOUT": 0.5}, "STORES": {"cache": url}}
    )
    red = Tag.objects.create(name="red")
    name = counted(lambda: Tag.objects.get(pk=red.pk).name)
    settings = connections.settings["default"]
    database = {key: str(settings[key]) for key in ("ENGINE", "NAME")}
    program = textwrap.dedent(KILLED).format(database=database, url=url, key=red.pk, step=step)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == -9, done.stderr
    expected = "red" if step == "before COMMIT" else "blue"
    before = name.loads
    assert name() == expected
    assert name.loads == before + 1  # its mark is there still
    name.is_kept()
