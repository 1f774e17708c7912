"""An empty cache for pages, and views to be asked over Django's real handlers."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

import holdfast
from holdfast.django.pages import known
from holdfast.django.tracking import switch
from holdfast.django.tracking.start import start
from tests.django.in_process import Server

_numbers = itertools.count()


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path) -> Iterator[None]:
    """A store of each test's own."""
    from django.conf import settings
    from django.test import override_settings

    applied = {
        "STORES": {"cache": f"lmdb://{tmp_path}/cache-{next(_numbers)}"},
        "CACHE": {"TRACKING": True},
    }
    holdfast.configure(applied)
    before = switch.is_on
    start()
    with override_settings(HOLDFAST=applied):
        yield
    switch.is_on = before
    holdfast.configure(getattr(settings, "HOLDFAST", {}))
    known._remembered.clear()


@pytest.fixture(params=["wsgi", "asgi"])
def server(request: pytest.FixtureRequest) -> Server:
    """Both kinds of handlers, with the wrapper around them."""
    return Server(request.param, wrapped=True)
