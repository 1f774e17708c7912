"""What a text does, on each kind of database."""

from typing import Any

import pytest
from django.db import connections

from holdfast.django.tracking.catalogue import Catalogue, catalogue_of
from holdfast.django.tracking.parsing import analysed
from holdfast.django.tracking.statements import Control, Kind, Statement
from holdfast.django.tracking.texts import Place, normalised

pytestmark = pytest.mark.usefixtures("_database")


def does(text: str, vendor: str = "postgresql") -> Statement:
    tables = catalogue_of(connections["default"])._tables
    return analysed(normalised(text, has_parameters=True).sql, Catalogue(vendor, tables))


def written(statement: Statement) -> Any:
    return {(write.table, write.kind) for write in statement.writes}


@pytest.mark.parametrize(
    ("text", "vendor", "expected"),
    [
        ("REPLACE INTO `shop_tag` (`id`) VALUES (%s)", "mysql", {("shop_tag", Kind.ANY)}),
        ("REPLACE INTO shop_tag (id) VALUES (%s)", "sqlite", {("shop_tag", Kind.ANY)}),
        ("INSERT OR REPLACE INTO shop_tag (id) VALUES (%s)", "sqlite", {("shop_tag", Kind.ANY)}),
        ("INSERT OR IGNORE INTO shop_tag (id) VALUES (%s)", "sqlite", {("shop_tag", Kind.INSERT)}),
        ("INSERT IGNORE INTO `shop_tag` (`id`) VALUES (%s)", "mysql", {("shop_tag", Kind.INSERT)}),
        (
            "INSERT INTO `shop_tag` (`id`) VALUES (%s) ON DUPLICATE KEY UPDATE `id` = VALUES(`id`)",
            "mysql",
            {("shop_tag", Kind.INSERT), ("shop_tag", Kind.ANY)},
        ),
        (
            "INSERT INTO shop_tag (id) VALUES (%s) AS new ON DUPLICATE KEY UPDATE id = new.id",
            "mysql",
            {("shop_tag", Kind.INSERT), ("shop_tag", Kind.ANY)},
        ),
        (
            "UPDATE shop_tag t, shop_author a SET t.name = a.name WHERE t.id = a.id",
            "mysql",
            {("shop_tag", Kind.ANY), ("shop_author", Kind.ANY)},
        ),
        (
            "DELETE t FROM shop_tag t JOIN shop_author a ON a.id = t.id WHERE a.id = %s",
            "mysql",
            {("shop_tag", Kind.ANY), ("shop_author", Kind.ANY)},
        ),
        (
            "DELETE FROM t USING shop_tag t JOIN shop_author a ON a.id = t.id",
            "mysql",
            {("shop_tag", Kind.ANY), ("shop_author", Kind.ANY), ("t", Kind.ANY)},
        ),
        (
            "DELETE b FROM shop_tag AS shop_author JOIN shop_author AS b ON b.id = shop_author.id",
            "mysql",
            {("shop_tag", Kind.ANY), ("shop_author", Kind.ANY)},
        ),
        ("TRUNCATE TABLE shop_tag", "mysql", {("shop_tag", Kind.ANY)}),
        (
            "TRUNCATE shop_tag, shop_author",
            "postgresql",
            {("shop_tag", Kind.ANY), ("shop_author", Kind.ANY)},
        ),
        (
            'UPDATE ONLY "public"."shop_tag" SET name = %s',
            "postgresql",
            {("shop_tag", Kind.UPDATE)},
        ),
        (
            (
                "MERGE INTO shop_tag USING shop_author a ON shop_tag.id = a.id"
                " WHEN MATCHED THEN UPDATE SET name = a.name"
            ),
            "postgresql",
            {("shop_tag", Kind.ANY), ("shop_author", Kind.ANY)},
        ),
        (
            (
                "WITH gone AS (DELETE FROM shop_tag RETURNING *) INSERT INTO shop_author (name)"
                " SELECT name FROM gone"
            ),
            "postgresql",
            {("shop_tag", Kind.DELETE), ("shop_author", Kind.INSERT)},
        ),
        ("COPY shop_tag (name) FROM STDIN", "postgresql", {("shop_tag", Kind.ANY)}),
        (
            "REFRESH MATERIALIZED VIEW CONCURRENTLY totals",
            "postgresql",
            {("totals", Kind.ANY)},
        ),
        ("-- why\nDELETE FROM shop_tag WHERE id = %s", "postgresql", {("shop_tag", Kind.DELETE)}),
        ("# why\nDELETE FROM shop_tag WHERE id = %s", "mysql", {("shop_tag", Kind.DELETE)}),
    ],
)
def test_writes(text, vendor, expected):
    statement = does(text, vendor)
    assert written(statement) == expected
    assert not statement.writes_anything


@pytest.mark.parametrize(
    ("text", "vendor"),
    [
        ("CALL anything()", "postgresql"),
        ("DO $$ BEGIN DELETE FROM shop_tag; END $$", "postgresql"),
        ("TRUNCATE shop_tag CASCADE", "postgresql"),
        ("ALTER TABLE shop_tag ADD COLUMN x integer", "postgresql"),
        ("DROP TABLE shop_tag", "mysql"),
        ("RENAME TABLE shop_tag TO x", "mysql"),
        ("LOAD DATA INFILE 'x' INTO TABLE shop_tag", "mysql"),
        ("SET x = 1; DELETE FROM shop_tag", "mysql"),
        ("COMMIT PREPARED 'x'", "postgresql"),
        ("EXECUTE prepared (1)", "postgresql"),
        ("no SQL at all", "postgresql"),
        ("DELETE FROM shop_tag WHERE ((; DELETE FROM shop_author", "postgresql"),
    ],
)
def test_what_may_have_written_anything(text, vendor):
    assert does(text, vendor).writes_anything


@pytest.mark.parametrize(
    "text",
    [
        "SET search_path TO x",
        "SHOW transaction_isolation",
        "VACUUM",
        "ANALYZE shop_tag",
        "LISTEN x",
        "LOCK TABLE shop_tag",
        "CREATE INDEX CONCURRENTLY x ON shop_tag (name)",
        "CREATE TEMPORARY TABLE x (id integer)",
        "EXPLAIN SELECT * FROM shop_tag",
        "COPY shop_tag TO STDOUT",
        "SELECT 1",
        "",
    ],
)
def test_what_writes_nothing(text):
    assert not does(text).is_write


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'a' FROM a WHERE ((",
        "EXPLAIN SELECT * FROM shop_tag",
        "FETCH ALL FROM cursor",
        "SELECT 1; SELECT 2",
        "COPY shop_tag TO STDOUT",
        "SELECT id FROM shop_tag FOR UPDATE SKIP LOCKED",
    ],
)
def test_what_can_not_be_kept(text):
    assert does(text).refusal


@pytest.mark.parametrize(
    ("text", "control", "name"),
    [
        ("BEGIN", Control.BEGIN, ""),
        ("START TRANSACTION READ WRITE", Control.BEGIN, ""),
        ("BEGIN ISOLATION LEVEL REPEATABLE READ", Control.ISOLATION, "begin"),
        ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", Control.ISOLATION, ""),
        ("COMMIT", Control.COMMIT, ""),
        ("END;", Control.COMMIT, ""),
        ("ROLLBACK", Control.ROLLBACK, ""),
        ('ROLLBACK TO SAVEPOINT "S1"', Control.ROLLBACK_TO, "s1"),
        ("SAVEPOINT s1", Control.SAVEPOINT, "s1"),
        ("RELEASE s1", Control.RELEASE, "s1"),
        ("RELEASE SAVEPOINT s1", Control.RELEASE, "s1"),
        ("PREPARE TRANSACTION 'x'", Control.PREPARE, ""),
    ],
)
def test_control(text, control, name):
    statement = does(text)
    assert statement.control is control
    if name:
        assert statement.savepoint == name


def test_ddl_ends_a_transaction_on_mysql():
    assert does("CREATE TABLE x (id integer)", "mysql").commits
    assert not does("CREATE TABLE x (id integer)", "postgresql").commits


def test_a_cte_with_the_name_of_its_table_reads_the_table():
    statement = does("WITH shop_tag AS (SELECT * FROM shop_tag) SELECT count(*) FROM shop_tag")
    assert "shop_tag" in {read.table for read in statement.reads}


def test_a_join_of_two_sides_rules_nothing_out():
    statement = does(
        "SELECT a.name FROM shop_author a FULL JOIN shop_article b ON a.id = b.author_id"
        " WHERE a.id = %s"
    )
    assert all(read.match is None for read in statement.reads)


def test_what_a_condition_of_a_left_join_says_of_the_left_side_rules_nothing_out():
    statement = does(
        "SELECT a.id, a.name FROM shop_author a LEFT JOIN shop_article b"
        " ON b.author_id = a.id AND a.id = %s"
    )
    (author,) = [read for read in statement.reads if read.table == "shop_author"]
    assert author.match is None


@pytest.mark.parametrize(
    ("text", "sql", "places"),
    [
        ("a = %s AND b = %s", "a = :p0 AND b = :p1", (Place(0), Place(1))),
        ("a IN (%s, %s, %s) AND b = %s", "a IN (:p0) AND b = :p1", (Place(0, 1, 3), Place(3))),
        ("a LIKE '50%%' AND b = %(b)s", "a LIKE '50%' AND b = :p0", (Place("b"),)),
        (
            "VALUES (%s, DEFAULT, %s), (%s, DEFAULT, %s), (%s, DEFAULT, %s) RETURNING %s",
            "VALUES (:p0, DEFAULT, :p1) RETURNING :p2",
            (Place(0, 2, 3), Place(1, 2, 3), Place(6)),
        ),
        ("VALUES (%s, %s)", "VALUES (:p0, :p1)", (Place(0), Place(1))),
    ],
)
def test_texts_that_differ_in_length_only_are_one(text, sql, places):
    found = normalised(text, has_parameters=True)
    assert (found.sql, found.places) == (sql, places)


def test_values_are_found_in_their_places():
    text = "VALUES (%s, %s), (%s, %s)"
    places = normalised(text, has_parameters=True).places
    assert [place.values([1, "a", 2, "b"]) for place in places] == [[1, 2], ["a", "b"]]
