"""For pytest: the site of one package, with a database in memory, and the story of what crossed."""

import importlib
import json
import os
from pathlib import Path

import pytest


def pytest_configure():
    import django

    django.setup()


def made_ready():
    """Make the site's tables and what stands in them; who visits it, and by what request."""
    from django.core.management import call_command

    call_command("migrate", run_syncdb=True, verbosity=0)
    site = os.environ["DJANGO_SETTINGS_MODULE"].partition(".")[0]
    return importlib.import_module(f"{site}.people").visits()


@pytest.fixture(scope="session")
def visits():
    return made_ready()


@pytest.fixture
def client():
    from django.test import Client

    return Client()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    from holdfast.testing.requests import Crossed
    from holdfast.watch.words import words

    if call.excinfo is not None and isinstance(call.excinfo.value, Crossed):
        found = call.excinfo.value.crossings
        cause = call.excinfo.value.__cause__
        report = {
            "places": sorted({one.place for one in found}),
            "story": words(found),
            "raised": "" if cause is None else f"{type(cause).__name__}: {cause}",
        }
        Path(os.environ["FOUND_REPORT"]).write_text(json.dumps(report))
    return (yield)
