"""Waits for databases, by Django's connections."""

import json
from urllib.parse import urlsplit

import pytest

from holdfast.probe.change import Change
from tests.services.postgres import running_postgres

from .programs import line_of, observed, of_kind, troubles

DJANGO = """
from django.conf import settings
settings.configure(DATABASES={"default": DATABASE}, SECRET_KEY="x")
import django
django.setup()
from django.db import connection, transaction
"""
SQLITE = f"""
import tempfile
DATABASE = {{"ENGINE": "django.db.backends.sqlite3", "NAME": tempfile.mkdtemp() + "/db"}}
{DJANGO}
def create_slow(driver):
    driver.create_function("slow", 1, lambda seconds: time.sleep(seconds) or seconds)
"""


def test_statements_are_told_without_values(tmp_path):
    code = """
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE entry (name TEXT, number INTEGER)")
    create_slow(connection.connection)
with request("0-0"), connection.cursor() as cursor:
    cursor.execute("SELECT slow(%s), 'it''s secret', 4711", [0.05])
    cursor.fetchone()
    cursor.execute("INSERT INTO entry VALUES (%s, slow(%s))", ["hidden", 0.05])
connection.close()
"""
    found, _ = observed(tmp_path, SQLITE + code)
    assert not troubles(found)
    long = [one for one in of_kind(found, "database") if one.ended - one.begun > 0.04]
    assert [(one.name, one.detail["what"]) for one in long] in (
        [("default", "execute"), ("default", "execute")],
        [("default", "fetch"), ("default", "execute")],
    )
    assert long[1].place == line_of(tmp_path, "INSERT INTO")
    assert long[1].detail["statement"] == "INSERT INTO entry VALUES (%s, slow(%s))"
    told = json.dumps([one.detail for one in of_kind(found, "database")])
    assert "secret" not in told
    assert "4711" not in told
    assert "hidden" not in told


def test_of_statements_outside_of_requests_nothing_is_told(tmp_path):
    code = """
with connection.cursor() as cursor:
    create_slow(connection.connection)
    cursor.execute("SELECT slow(0.05)")
    cursor.fetchall()
connection.close()
"""
    found, _ = observed(tmp_path, SQLITE + code)
    assert not of_kind(found, "database")


@pytest.fixture(scope="module")
def postgres_url():
    with running_postgres() as url:
        yield url


POOLED = """
import sys, warnings
from django.db import connections
def use():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")
    connection.close()
use()
begun = time.monotonic()
together(use, use)
print("slow" if time.monotonic() - begun > 1.9 else "quick")
connections["default"].close_pool()
"""


@pytest.mark.needs("postgresql")
def test_djangos_pool_is_told_and_made_larger(tmp_path, postgres_url):
    options = {"pool": {"min_size": 1, "max_size": 1}}
    database = {"ENGINE": "django.db.backends.postgresql", "OPTIONS": options}
    parts = urlsplit(postgres_url)
    database |= {"NAME": "postgres", "USER": parts.username, "HOST": parts.hostname}
    database["PORT"] = parts.port
    code = f"DATABASE = {database!r}\n{DJANGO}\n{POOLED}"
    found, printed = observed(tmp_path / "before", code)
    assert printed == "slow"
    assert not troubles(found)
    wait = max(of_kind(found, "pool"), key=lambda one: one.ended - one.begun)
    assert wait.ended - wait.begun > 0.1
    assert wait.name == 'DATABASES["default"]["OPTIONS"]["pool"]'
    assert wait.detail["size"] == 1
    statements = [one for one in of_kind(found, "database") if one.detail["what"] == "execute"]
    assert {one.detail["statement"] for one in statements} == {"SELECT pg_sleep(?)"}
    change = Change(pool_size=((wait.place or wait.name, 2),))
    found, printed = observed(tmp_path / "after", code, change=change)
    assert printed == "quick"


@pytest.mark.needs("postgresql")
def test_psycopgs_own_pools_are_told_and_made_larger(tmp_path, postgres_url):
    code = f"""
import psycopg_pool
POOL = psycopg_pool.ConnectionPool({postgres_url!r}, min_size=1, max_size=1, open=True)
POOL.wait()

def use():
    with POOL.connection() as connection:
        connection.execute("SELECT pg_sleep(1)")

begun = time.monotonic()
together(use, use)
print("slow" if time.monotonic() - begun > 1.9 else "quick")
POOL.close()
"""
    found, printed = observed(tmp_path / "before", code)
    assert printed == "slow"
    wait = max(of_kind(found, "pool"), key=lambda one: one.ended - one.begun)
    assert wait.place == line_of(tmp_path / "before", "POOL = ")
    change = Change(pool_size=((wait.place.replace("/before/", "/after/"), 2),))
    found, printed = observed(tmp_path / "after", code, change=change)
    assert printed == "quick"
