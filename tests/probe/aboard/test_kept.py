"""What stayed behind: by which path it is reached; and what is none of it."""

import json

import pytest

from holdfast.probe import events

from .programs import observed, troubles

REQUESTS = """
import gc, sys
from pathlib import Path
from types import SimpleNamespace
from django.conf import settings
settings.configure(
    ROOT_URLCONF="__main__", ALLOWED_HOSTS=["*"],  SECRET_KEY="x",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
import django
django.setup()
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import path
from holdfast.probe import markers
from holdfast.probe.aboard import kept, orders, settings as told, writing, ticking

class View:
    def __call__(self, request):
        return HttpResponse(work(request) or "done")

urlpatterns = [path("", View())]
factory = RequestFactory()
kept.LONGEST = 60  # this machine may be busy

def environ(number=0, user=0):
    query = {"q": markers.marker(RUN, "query", user, number)}
    return factory.get("/", query, HTTP_X_HOLDFAST_PROBE=f"{RUN}-{user}-{number}").environ

def serve(count=1):
    application = APPLICATION
    for number in range(count):
        response = application(environ(number), lambda *_: None)
        b"".join(response)
        response.close()
        del response

def ordered():
    from holdfast.aboard import VARIABLE
    import json, os
    folder = json.loads(os.environ[VARIABLE])["holdfast.probe.aboard"]["folder"]
    mine = orders._done + 1
    orders.given(Path(folder), mine, "kept")
    # By this thread, or by the observers' own.
    while orders._done < mine or orders._lock.locked():
        orders.look()
        time.sleep(0.001)
"""
ENDING = """
APPLICATION = WSGIHandler()
serve(3)
ordered()
"""


EACH = """
import json, os, warnings
warnings.simplefilter("ignore")
for number, (name, (middleware, code, ending)) in enumerate(CASES.items()):
    child = os.fork()
    if child == 0:
        orders._done = number  # those before were given to the others
        settings.MIDDLEWARE = middleware
        # As if it stood in this file: it is the user's own code.
        exec(compile(code + ending, __file__, "exec"), globals())
        writing.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, name
    print(json.dumps([name, child]))
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """What is told of each case, as `(path, what, how many requests)`."""
    cases = {}
    for name, (code, *_) in (FAULTS | TEXTS | OTHERS).items():
        cases[name] = [], code, ENDING
    for name, (code, _) in MIDDLEWARE.items():
        cases[name] = ["__main__.Last"], code, ENDING
    for name, code in HEALTHY.items():
        cases[name] = [], code, ENDING
    for name, (code, ending) in ENDINGS.items():
        cases[name] = [], code, ending
    found, printed = observed(
        tmp_path_factory.mktemp("kept"), f"CASES = {cases!r}\n{REQUESTS}\n{EACH}", observe=False
    )
    assert not troubles(found)
    children = dict(json.loads(line) for line in printed.splitlines())
    return {
        name: [
            (one.path, one.what, one.count)
            for one in found
            if isinstance(one, events.Kept) and one.pid == child
        ]
        for name, child in children.items()
    }


NAMED = "__main__"
FAULTS = {
    "a variable of a module": (
        ("def work(request): global LAST; LAST = request"),
        f"{NAMED}.LAST",
        1,
    ),
    "a list of a module": (
        ("SEEN = []\ndef work(request): SEEN.append(request)"),
        f"{NAMED}.SEEN[...]",
        3,
    ),
    "a dict, by a key": (
        ("SEEN = {}\ndef work(request): SEEN[request.path] = request"),
        f"{NAMED}.SEEN['/']",
        1,
    ),
    "an attribute of a class": (
        ("def work(request): View.last = request"),
        f"{NAMED}.View.last",
        1,
    ),
    "an attribute of an object that a module holds": (
        ("STATE = SimpleNamespace()\ndef work(request): STATE.last = request"),
        f"{NAMED}.STATE.last",
        1,
    ),
    "a slot": (
        (
            "class State:\n    __slots__ = ('last',)\nSTATE = State()\n"
            "def work(request): STATE.last = request"
        ),
        f"{NAMED}.STATE.last",
        1,
    ),
    "a view that is held in the URLconf": (
        ("def work(request): urlpatterns[0].callback.request = request"),
        f"{NAMED}.urlpatterns[0].callback.request",
        1,
    ),
    "a cache of a function": (
        (
            "import functools\n@functools.lru_cache\ndef known(request): return 1\n"
            "def work(request): known(request)"
        ),
        f"{NAMED}.known.<_lru_cache_wrapper>",
        3,
    ),
    "a receiver": (
        (
            "from django.core.signals import request_finished\n"
            "def work(request):\n"
            "    def tell(**_): str(request)\n"
            "    request_finished.connect(tell, weak=False)"
        ),
        f"{NAMED}.request_finished.receivers[...][...] -> request",
        3,
    ),
    "a variable of an enclosing function": (
        (
            "def counting():\n    last = None\n    def count(request):\n        nonlocal last\n"
            "        last = request\n    return count\nwork = counting()"
        ),
        f"{NAMED}.work -> last",
        1,
    ),
    "a thread-local": (
        ("import threading\nLOCAL = threading.local()\ndef work(request): LOCAL.request = request"),
        f"{NAMED}.LOCAL",
        1,
    ),
    "its environ only": (
        ("def work(request): global META; META = request.META"),
        f"{NAMED}.META",
        1,
    ),
    "its user, who is found lazily": (
        (
            "from django.utils.functional import SimpleLazyObject\n"
            "def work(request): global USER; USER = SimpleLazyObject(lambda: request.user)"
        ),
        f"{NAMED}.USER",
        1,
    ),
    "an exception that was kept": (
        (
            "ERRORS = []\ndef work(request):\n    try:\n        raise ValueError\n"
            "    except ValueError as error:\n        ERRORS.append(error)"
        ),
        f"{NAMED}.ERRORS[...].<ValueError>",
        3,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_request_that_is_kept_is_told_with_its_path(fault, kept):
    _, path, count = FAULTS[fault]
    found, *more = kept[fault]
    assert not more
    assert found[0].startswith(path)
    assert found[1] in {"WSGIRequest", "dict"}
    assert found[2] == count


MIDDLEWARE = {
    "an object": (
        (
            "class Last:\n    def __init__(self, get_response): self.get_response = get_response\n"
            "    def __call__(self, request):\n        self.last = request\n"
            "        return self.get_response(request)\n"
        ),
        f"{NAMED}.Last().last",
    ),
    "a function": (
        (
            "def Last(get_response):\n    last = None\n    def middleware(request):\n"
            "        nonlocal last\n        last = request\n        return get_response(request)\n"
            "    return middleware\n"
        ),
        f"{NAMED}.Last.<locals>.middleware -> last",
    ),
}


@pytest.mark.parametrize("kind", MIDDLEWARE)
def test_what_a_middleware_keeps_is_told_by_its_name_in_the_settings(kind, kept):
    assert kept[kind] == [(MIDDLEWARE[kind][1], "WSGIRequest", 1)]


TEXTS = {
    "a dict of plain texts": (
        ("SEEN = {}\ndef work(request): SEEN['last'] = request.GET['q']"),
        f"{NAMED}.SEEN['last']",
        1,
    ),
    "a set": (
        ("SEEN = set()\ndef work(request): SEEN.add(request.GET['q'])"),
        f"{NAMED}.SEEN[...]",
        3,
    ),
    "keys": (
        ("SEEN = {}\ndef work(request): SEEN[request.GET['q']] = 1"),
        f"{NAMED}.SEEN[...]",
        3,
    ),
    "a plain tuple in a list": (
        ("SEEN = []\ndef work(request): SEEN.append(('q', request.GET['q']))"),
        f"{NAMED}.SEEN[...][...]",
        3,
    ),
    "bytes": (
        ("SEEN = []\ndef work(request): SEEN.append(request.GET['q'].encode())"),
        f"{NAMED}.SEEN[...]",
        3,
    ),
}


@pytest.mark.parametrize("fault", TEXTS)
def test_a_users_text_that_is_kept_is_told_with_its_path(fault, kept):
    _, path, count = TEXTS[fault]
    assert kept[fault] == [(path, "bytes" if fault == "bytes" else "str", count)]


HEALTHY = {
    "nothing is kept": "def work(request): return request.GET['q']",
    "a cache of texts": (
        "import functools\n@functools.lru_cache\ndef known(text): return text\n"
        "def work(request): known(request.GET['q'])"
    ),
    "Django's cache in this process": (
        "from django.core.cache import cache\n"
        "def work(request): cache.set('last', request.GET['q']); cache.set(request.GET['q'], 1)"
    ),
    "a pattern, and an address": (
        "import re, urllib.parse\n"
        "def work(request):\n    re.compile(request.GET['q'])\n"
        "    urllib.parse.urlsplit('http://x/' + request.GET['q'])"
    ),
    "what was declared": (
        "import holdfast\nSEEN = holdfast.worker_state({})\nLAST = None\n"
        "holdfast.worker_state(__name__, 'LAST')\n"
        "def work(request):\n    global LAST\n    LAST = SEEN[1] = request.GET['q']"
    ),
    "a database that was asked": (
        "from django.db import connection\n"
        "def work(request):\n    with connection.cursor() as cursor:\n"
        "        cursor.execute('SELECT %s', [request.GET['q']])"
    ),
    "an error that was raised": (
        "import logging; logging.disable()\nsettings.DEBUG_PROPAGATE_EXCEPTIONS = False\n"
        "def work(request): raise ValueError(request.GET['q'])"
    ),
    "a cycle": "def work(request): request.me = request",
    "weak references": (
        "import weakref\nSEEN = weakref.WeakSet()\nONE = []\n"
        "def work(request): SEEN.add(request); ONE.append(weakref.ref(request))"
    ),
    "a context variable of a task": (
        "import asyncio, contextvars\nVARIABLE = contextvars.ContextVar('v')\nCONTEXTS = []\n"
        "def work(request):\n    VARIABLE.set(request)\n"
        "    CONTEXTS.append(contextvars.copy_context())\n    VARIABLE.set(None)"
    ),
    "a log record": (
        "import logging, logging.handlers\n"
        "logging.getLogger().addHandler(logging.handlers.MemoryHandler(100))\n"
        "def work(request): logging.error('asked', extra={'request': request})"
    ),
}


@pytest.mark.parametrize("site", HEALTHY)
def test_of_a_healthy_site_nothing_is_told(site, kept):
    assert kept[site] == []


SERVED_ONCE = "\nAPPLICATION = WSGIHandler()\nserve(1)\n"
ENDINGS = {
    "a thread that ends soon after": (
        """
import threading
def work(request):
    threading.Thread(target=lambda one: time.sleep(0.2), args=(request,)).start()
""",
        # Looked at again, as in the observers' own thread, which may wait.
        f"{SERVED_ONCE}ticking.lately = lambda: True\nordered()",
    ),
    "a thread that works on": (
        """
import threading
GO_ON = threading.Event()
def keep(one): GO_ON.wait(20)
def work(request):
    threading.Thread(target=keep, args=(request,), name='worker', daemon=True).start()
""",
        f"{SERVED_ONCE}ordered()\nGO_ON.set()",
    ),
    "a task that works on": (
        """
import asyncio
TASKS = []
async def keep(one): await asyncio.sleep(20)
def work(request): TASKS.append(asyncio.create_task(keep(request)))
""",
        """
async def main():
    global APPLICATION
    APPLICATION = WSGIHandler()
    serve(1)
    await asyncio.sleep(0)
    ordered()
asyncio.run(main())
""",
    ),
    "a request under way": (
        """
def work(request):
    global LAST
    LAST = request
    ordered()
""",
        SERVED_ONCE,
    ),
}
OTHERS = {
    "frozen": (
        """
SEEN = {'requests': []}
gc.collect(); gc.freeze()
def work(request): SEEN['requests'].append(request)
""",
    ),
    "a scope of ASGI": (
        """
SEEN = []
def work(request):
    name = request.headers['X-Holdfast-Probe'].encode()
    SEEN.append({'type': 'http', 'headers': [(b'x-holdfast-probe', name)]})
""",
    ),
}


def test_a_thread_that_ends_soon_after_is_not_told(kept):
    assert kept["a thread that ends soon after"] == []


def test_a_thread_that_works_on_is_told(kept):
    ways = {path for path, _, _ in kept["a thread that works on"]}
    assert ways
    assert ways <= {"thread worker._args[0]", "thread worker in keep -> one"}


def test_a_task_that_works_on_is_told(kept):
    assert kept["a task that works on"] == [("task keep -> one in keep", "WSGIRequest", 1)]


def test_a_request_that_is_under_way_is_not_told(kept):
    assert kept["a request under way"] == []


def test_what_was_frozen_for_a_fork_is_looked_at_too(kept):
    assert kept["frozen"] == [(f"{NAMED}.SEEN[...][...]", "WSGIRequest", 3)]


def test_a_scope_of_asgi_is_known_by_its_header(kept):
    assert (f"{NAMED}.SEEN[...]", "dict", 3) in kept["a scope of ASGI"]
