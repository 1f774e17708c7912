"""A Django of these tests' own: settings, a database, requests served in this process."""

import gc
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.conf import settings

import holdfast
from tests.django.in_process import Server

DIRECTORY = Path(tempfile.mkdtemp(prefix="holdfast-django-"))
MIDDLEWARE = [
    "holdfast.django.middleware.RequestScope",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

settings.configure(
    ALLOWED_HOSTS=["testserver"],
    # A file, because connections to a database in memory are never closed, and that warns.
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DIRECTORY / "database",
            # Nothing here has to survive the machine, and disks are slow.
            "OPTIONS": {"init_command": "PRAGMA synchronous=OFF"},
            "TEST": {"NAME": DIRECTORY / "test-database"},
        }
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "rest_framework",
        "holdfast.django",
        "tests.django.tracking.shop",
    ],
    MIDDLEWARE=MIDDLEWARE,
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF="tests.django.urls",
    SECRET_KEY="of no worth",
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "context_processors": [
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ],
                "loaders": [
                    (
                        "django.template.loaders.locmem.Loader",
                        {
                            "form.html": "{% csrf_token %}",
                            "page.html": "{{ request.method }} {{ request.path }} {{ more }}",
                        },
                    )
                ],
            },
        }
    ],
    USE_TZ=True,
)
django.setup()


@pytest.fixture(scope="session", autouse=True)
def _test_environment() -> Iterator[None]:
    from django.test.utils import setup_test_environment, teardown_test_environment

    setup_test_environment()
    yield
    teardown_test_environment()
    shutil.rmtree(DIRECTORY)


@pytest.fixture(scope="session")
def _database(_test_environment: None) -> Iterator[None]:
    from django.test.utils import setup_databases, teardown_databases

    made = setup_databases(verbosity=0, interactive=False)
    yield
    teardown_databases(made, verbosity=0)


@pytest.fixture
def database(_database: None) -> Iterator[None]:
    """An empty database. Its transactions are real ones."""
    from django.contrib.auth.models import Group, User
    from django.contrib.sessions.models import Session
    from django.db import connections

    yield
    for model in (Group, User, Session):
        model.objects.all().delete()
    connections.close_all()


@pytest.fixture(autouse=True)
def _nothing_is_left(_test_environment: None) -> Iterator[None]:
    from django.core.cache import cache

    yield
    cache.clear()
    gc.collect()
    assert holdfast.live_scopes() == 0
    assert holdfast.current(None) is None


@pytest.fixture(params=["with the wrapper", "middleware alone"])
def wrapped(request: pytest.FixtureRequest) -> bool:
    """Whether a wrapper stands around Django's handler."""
    return bool(request.param == "with the wrapper")


@pytest.fixture(params=["wsgi", "asgi", "our asgi"])
def server(request: pytest.FixtureRequest, wrapped: bool) -> Server:  # noqa: FBT001
    """Django's own WSGI and ASGI handlers and ours, with the wrapper around them and without."""
    return Server(request.param, wrapped=wrapped)
