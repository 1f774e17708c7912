"""Greenlets of one hub that write to SQLite, one of which is switched away from before its COMMIT.

Each in a process of its own, that gevent has patched.
"""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(find_spec("gevent") is None, reason="gevent is not installed")

SITE = """
from gevent import monkey
monkey.patch_all()
import sys
import time

import django
import gevent
from django.conf import settings

mode = sys.argv[2]
settings.configure(
    DATABASES={"default": {
        "ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1] + "/db.sqlite3",
        "OPTIONS": {"timeout": 30, **({"transaction_mode": mode} if mode else {})},
    }},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "holdfast.django"],
    HOLDFAST={
        "STORES": {"cache": "lmdb://" + sys.argv[1] + "/store"}, "CACHE": {"TRACKING": True},
    },
)
django.setup()

from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection, transaction
from holdfast.django.tracking.writes import Writes

call_command("migrate", verbosity=0)
connection.close()
mark = Writes.mark

def slow_mark(self):
    gevent.sleep(0.05)  # as where another process writes to the store
    mark(self)

Writes.mark = slow_mark

def in_a_transaction(number):
    with transaction.atomic():
        Group.objects.create(name=f"{number}")
    connection.close()

def at_once(number):
    Group.objects.create(name=f"{number}")
    connection.close()

def fails(number):
    try:
        with transaction.atomic():
            Group.objects.create(name=f"{number}")
            raise ZeroDivisionError
    except ZeroDivisionError:
        connection.close()

def is_killed(number):
    with transaction.atomic():
        Group.objects.create(name=f"{number}")
        raise gevent.GreenletExit

works = [in_a_transaction] * 3 + [fails, is_killed] + [in_a_transaction, at_once] * 2
began = time.monotonic()
jobs = [gevent.spawn(work, number) for number, work in enumerate(works)]
gevent.joinall(jobs, raise_error=True)
print(Group.objects.count(), time.monotonic() - began < 15)
"""


@pytest.mark.parametrize("mode", ["", "IMMEDIATE"])
def test_they_do_not_block_the_hub_that_the_writer_needs(tmp_path: Path, mode: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SITE, str(tmp_path), mode],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["7", "True"], done.stdout + done.stderr
