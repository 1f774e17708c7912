"""Runs the examples of one document, top to bottom, as one program: `run_document.py README.md`.

Each document has a process of its own, because examples do what a reader would do in one:
configure Django, call `holdfast.configure`, start threads, patch with gevent.

Blocks marked `python` run, also those that stand in comments and that no reader sees: they check
what the visible ones said. Beside `__name__` they find:

    ask(application, path)      sends one request to a WSGI or ASGI application, gives the body
    site(*urlpatterns)          a Django application (WSGI, or ASGI with is_async=True)
    database()                  makes the tables of Django and of the example project

A block that begins with `# gunicorn.conf.py` is given to Gunicorn, in another process, and has to
have patched `threading` by the time the application is imported: that is what such blocks are for.
"""

import asyncio
import inspect
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from doctest import ELLIPSIS
from pathlib import Path
from types import ModuleType
from typing import Any
from wsgiref.util import setup_testing_defaults

from sybil import Document
from sybil.example import SybilFailure
from sybil.parsers.myst import PythonCodeBlockParser

ROOT = Path(__file__).resolve().parents[2]
HOLDFASTS_MIDDLEWARE = "holdfast.django.middleware.RequestScope"


def ask(application: Any, path: str = "/", **environ: Any) -> str:
    """Send one GET request and read the answer to its end."""
    path, _, query = path.partition("?")
    if inspect.iscoroutinefunction(type(application).__call__):
        return asyncio.run(_ask_async(application, path, query))
    environ |= {"PATH_INFO": path, "QUERY_STRING": query}
    setup_testing_defaults(environ)
    body = application(environ, lambda *_: None)
    try:
        return b"".join(body).decode()
    finally:
        if hasattr(body, "close"):
            body.close()


async def _ask_async(application: Any, path: str, query: str) -> str:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "server": ("localhost", 80),
        "client": ("127.0.0.1", 50000),
    }
    messages = [{"type": "http.request", "body": b"", "more_body": False}]
    sent: list[bytes] = []
    answered = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message.get("body", b""))
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    await application(scope, receive, send)
    return b"".join(sent).decode()


def configure_django(folder: str) -> None:
    """The settings that the documents' Django examples start from."""
    from django.conf import settings

    settings.configure(
        SECRET_KEY="the-documents-keep-no-secrets-0123456789-0123456789",
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=[
            "holdfast.django",
            "labels",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
        ],
        MIDDLEWARE=[HOLDFASTS_MIDDLEWARE],
        ROOT_URLCONF=ModuleType("no_urls"),
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(Path(folder, "documents.sqlite3")),
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    settings.ROOT_URLCONF.urlpatterns = []

    import django

    django.setup()


def site(
    *urlpatterns: Any, middleware: tuple[str, ...] = (HOLDFASTS_MIDDLEWARE,), is_async: bool = False
) -> Callable[..., Any]:
    from django.conf import settings
    from django.core.handlers.asgi import ASGIHandler
    from django.core.handlers.wsgi import WSGIHandler
    from django.urls import clear_url_caches

    urls = ModuleType("urls_of_the_document")
    urls.urlpatterns = list(urlpatterns)  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = urls
    settings.MIDDLEWARE = list(middleware)
    clear_url_caches()
    return ASGIHandler() if is_async else WSGIHandler()


def database() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def close_connections() -> None:
    from asgiref.sync import sync_to_async
    from django.db import connections

    connections.close_all()
    # Async examples left theirs in the thread that asgiref keeps for them.
    asyncio.run(sync_to_async(connections.close_all)())


PATCHED_APPLICATION = """
import threading

assert threading.local.__module__.startswith("gevent"), threading.local
application = object
"""


def load_with_gunicorn(configuration: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "gunicorn.conf.py").write_text(configuration, encoding="utf-8")
        Path(folder, "patched.py").write_text(PATCHED_APPLICATION, encoding="utf-8")
        command = [sys.executable, "-m", "gunicorn", "--check-config", "patched:application"]
        subprocess.run(command, cwd=folder, check=True)


def run(path: Path, folder: str) -> int:
    """Run each example. Returns how many there were."""
    # What documents share is not what whoever runs them shares.
    os.environ["HOLDFAST_DIR"] = str(Path(folder, "state"))
    configure_django(folder)
    # A module of its own, so that settings can name what a document defines: "__document__.Log".
    module = sys.modules["__document__"] = ModuleType("__document__")
    namespace = vars(module)
    namespace |= {"ask": ask, "site": site, "database": database}
    document = Document.parse(str(path), PythonCodeBlockParser(doctest_optionflags=ELLIPSIS))
    document.namespace = namespace
    examples = list(document.examples())
    for example in examples:
        # Each sets it anew: a doctest takes it away.
        namespace["__name__"] = "__document__"
        if str(example.parsed).startswith("# gunicorn.conf.py"):
            load_with_gunicorn(example.parsed)
        else:
            example.evaluate()
    close_connections()
    return len(examples)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.path.append(str(ROOT / "example"))
        try:
            count = run(Path(sys.argv[1]).resolve(), folder)
        except SybilFailure as difference:
            sys.exit(str(difference))
        print(f"{count} examples")
