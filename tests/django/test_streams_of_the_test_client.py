"""Streamed responses that Django's test client reads, again and again in one process."""

import subprocess
import sys
from textwrap import dedent

SITE = """
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="x",
        ROOT_URLCONF="__main__",
        ALLOWED_HOSTS=["*"],
        MIDDLEWARE=["holdfast.django.middleware.RequestScope"],
    )
    django.setup()
    from django.http import StreamingHttpResponse
    from django.test import Client
    from django.urls import path

    import holdfast

    closed = []

    def lines():
        try:
            yield from (b"x", b"y")
        finally:
            closed.append(holdfast.current(None) is not None)

    urlpatterns = [path("", lambda request: StreamingHttpResponse(lines()))]
    client = Client()
    for _ in range(500):
        assert b"".join(client.get("/")) == b"xy"
    assert closed == [True] * 500
    assert holdfast.live_scopes() == 0
"""


def test_a_process_does_not_crash_of_them():
    run = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", dedent(SITE)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert run.returncode == 0, run.stderr
