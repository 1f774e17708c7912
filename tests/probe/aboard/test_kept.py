"""What stayed behind: by which path it is reached; and what is none of it."""

import json

import pytest

from holdfast.probe import events

from .programs import RUN, observed, troubles

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
        return HttpResponse(WORK(request) or "done")

urlpatterns = [path("", View())]
factory = RequestFactory()
kept.LONGEST = 60  # this machine may be busy

def environ(number=0, user=0):
    query = {"q": markers.marker(RUN, "query", user, number)}
    return factory.get("/", query, HTTP_X_HOLDFAST_PROBE=f"{RUN}-{user}-{number}").environ

def serve(count=1):
    global APPLICATION
    APPLICATION = WSGIHandler()
    for number in range(count):
        response = APPLICATION(environ(number), lambda *_: None)
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
SERVED = "serve(3)"


EACH = """
import json, os, types, warnings
warnings.simplefilter("ignore")

def run(name, code):
    # As a module of its own, and as if it stood in this file: it is the user's own code.
    module = types.ModuleType(name)
    sys.modules[name] = module
    module.__file__ = __file__
    vars(module).update(
        (key, globals()[key])
        for key in "Path SimpleNamespace gc ordered serve settings time ticking".split()
    )
    exec(compile(code, __file__, "exec"), vars(module))
    globals()["WORK"] = vars(module).get("work", lambda request: None)
    return module

for number, (child_name, (middleware, codes, ending)) in enumerate(CASES.items()):
    child = os.fork()
    if child == 0:
        orders._done = number  # those before were given to the others
        settings.MIDDLEWARE = middleware
        for name, code in codes.items():
            exec(compile(ending, __file__, "exec"), vars(run(name, code)))
        if "ordered" not in ending + code:
            ordered()
        writing.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, child_name
    print(json.dumps([child_name, child]))
"""


def module_of(name):
    """The module that a case is, with others in one process."""
    return "case_" + name.replace(" ", "_").replace(",", "").replace("'", "")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """What is told of each case, as `(path, what, how many requests)`."""
    faults = FAULTS | TEXTS
    cases = {
        "faults": ([], {module_of(name): code for name, (code, *_) in faults.items()}, SERVED),
        "healthy": ([], {f"healthy_{n}": code for n, code in enumerate(HEALTHY.values())}, SERVED),
    }
    for name, code in OTHERS.items():
        cases[name] = [], {"case": code}, SERVED
    for name, (code, _) in MIDDLEWARE.items():
        cases[name] = ["case.Last"], {"case": code}, SERVED
    for name, (code, ending) in ENDINGS.items():
        cases[name] = [], {"case": code}, ending
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


FAULTS = {
    "a variable of a module": (
        ("def work(request): global LAST; LAST = request"),
        "{module}.LAST",
        1,
    ),
    "a list of a module": (
        ("SEEN = []\ndef work(request): SEEN.append(request)"),
        "{module}.SEEN[...]",
        3,
    ),
    "a dict, by a key": (
        ("SEEN = {}\ndef work(request): SEEN[request.path] = request"),
        "{module}.SEEN['/']",
        1,
    ),
    "an attribute of a class": (
        ("import __main__\ndef work(request): __main__.View.last = request"),
        "__main__.View.last",
        1,
    ),
    "an attribute of an object that a module holds": (
        ("STATE = SimpleNamespace()\ndef work(request): STATE.last = request"),
        "{module}.STATE.last",
        1,
    ),
    "a dict of dicts, one for each user": (
        (
            "SEEN = {}\ndef work(request):\n"
            "    SEEN.setdefault(request.GET['q'][:3], {})[len(SEEN)] = request"
        ),
        "{module}.SEEN['hfa'][1]",
        1,
    ),
    "a slot": (
        (
            "class State:\n    __slots__ = ('last',)\nSTATE = State()\n"
            "def work(request): STATE.last = request"
        ),
        "{module}.STATE.last",
        1,
    ),
    "a view that is held in the URLconf": (
        ("import __main__\ndef work(request): __main__.urlpatterns[0].callback.request = request"),
        "__main__.urlpatterns[0].callback.request",
        1,
    ),
    "a cache of a function": (
        (
            "import functools\n@functools.lru_cache\ndef known(request): return 1\n"
            "def work(request): known(request)"
        ),
        "{module}.known.<_lru_cache_wrapper>",
        3,
    ),
    "a receiver": (
        (
            "from django.core.signals import request_finished\n"
            "def work(request):\n"
            "    def tell(**_): str(request)\n"
            "    request_finished.connect(tell, weak=False)"
        ),
        "{module}.request_finished.receivers[...][...] -> request",
        3,
    ),
    "a variable of an enclosing function": (
        (
            "def counting():\n    last = None\n    def count(request):\n        nonlocal last\n"
            "        last = request\n    return count\nwork = counting()"
        ),
        "{module}.work -> last",
        1,
    ),
    "a thread-local": (
        ("import threading\nLOCAL = threading.local()\ndef work(request): LOCAL.request = request"),
        "{module}.LOCAL",
        1,
    ),
    "its environ only": (
        ("def work(request): global META; META = request.META"),
        "{module}.META",
        1,
    ),
    "its user, who is found lazily": (
        (
            "from django.utils.functional import SimpleLazyObject\n"
            "def work(request): global USER; USER = SimpleLazyObject(lambda: request.user)"
        ),
        "{module}.USER",
        1,
    ),
    "an exception that was kept": (
        (
            "ERRORS = []\ndef work(request):\n    try:\n        raise ValueError\n"
            "    except ValueError as error:\n        ERRORS.append(error)"
        ),
        "{module}.ERRORS[...].<ValueError>",
        3,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_request_that_is_kept_is_told_with_its_path(fault, kept):
    _, path, count = FAULTS[fault]
    found, *more = told_of(fault, path, kept)
    assert not more
    assert found[1] in {"WSGIRequest", "dict"}
    assert found[2] == count


def told_of(case, path, kept):
    """What is told of one case: by its path from the first name to an index, or beyond."""
    wanted = path.format(module=module_of(case))
    return [one for one in kept["faults"] if one[0].startswith(wanted)]


MIDDLEWARE = {
    "an object": (
        (
            "class Last:\n    def __init__(self, get_response): self.get_response = get_response\n"
            "    def __call__(self, request):\n        self.last = request\n"
            "        return self.get_response(request)\n"
        ),
        "case.Last().last",
    ),
    "a function": (
        (
            "def Last(get_response):\n    last = None\n    def middleware(request):\n"
            "        nonlocal last\n        last = request\n        return get_response(request)\n"
            "    return middleware\n"
        ),
        "case.Last.<locals>.middleware -> last",
    ),
}


@pytest.mark.parametrize("kind", MIDDLEWARE)
def test_what_a_middleware_keeps_is_told_by_its_name_in_the_settings(kind, kept):
    assert kept[kind] == [(MIDDLEWARE[kind][1], "WSGIRequest", 1)]


TEXTS = {
    "a dict of plain texts": (
        ("SEEN = {}\ndef work(request): SEEN['last'] = request.GET['q']"),
        "{module}.SEEN['last']",
        1,
    ),
    "a set": (
        ("SEEN = set()\ndef work(request): SEEN.add(request.GET['q'])"),
        "{module}.SEEN[...]",
        3,
    ),
    "keys": (
        ("SEEN = {}\ndef work(request): SEEN[request.GET['q']] = 1"),
        "{module}.SEEN[...]",
        3,
    ),
    "a plain tuple in a list": (
        ("SEEN = []\ndef work(request): SEEN.append(('q', request.GET['q']))"),
        "{module}.SEEN[...][...]",
        3,
    ),
    "bytes": (
        ("SEEN = []\ndef work(request): SEEN.append(request.GET['q'].encode())"),
        "{module}.SEEN[...]",
        3,
    ),
}


@pytest.mark.parametrize("fault", TEXTS)
def test_a_users_text_that_is_kept_is_told_with_its_path(fault, kept):
    _, path, count = TEXTS[fault]
    (found,) = told_of(fault, path, kept)
    assert found == (
        path.format(module=module_of(fault)),
        "bytes" if fault == "bytes" else "str",
        count,
    )


def test_nothing_else_is_told(kept):
    expected = [
        path.format(module=module_of(name)) for name, (_, path, _) in (FAULTS | TEXTS).items()
    ]
    assert len(kept["faults"]) == len(expected)


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
        "import logging, logging.handlers; logging.disable(logging.NOTSET)\n"
        "logging.getLogger().addHandler(logging.handlers.MemoryHandler(100))\n"
        "def work(request): logging.warning('asked', extra={'request': request})"
    ),
}


def test_of_healthy_sites_nothing_is_told(kept):
    assert kept["healthy"] == []


SERVED_ONCE = "serve(1)\n"
ENDINGS = {
    "a thread that ends soon after": (
        """
import threading
from holdfast.probe.aboard import kept, native
ENDS = threading.Event()
THREADS = []
def work(request):
    THREADS.append(threading.Thread(target=lambda one: ENDS.wait(20), args=(request,)))
    THREADS[-1].start()
def sleep(seconds, original=native.sleep):
    if seconds == kept.AGAIN_AFTER:
        ENDS.set()
        THREADS[-1].join()
    original(seconds)
native.sleep = sleep
""",
        # Looked at again, as in the observers' own thread, which may wait.
        f"{SERVED_ONCE}ticking.lately = lambda: True\nordered()\nassert ENDS.is_set()",
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
LOGGED = """
import __main__, holdfast
from holdfast.wsgi import RequestLog
APPLICATION = RequestLog(__main__.WSGIHandler(), output=lambda event: LINES.append(event["path"]))
for number in range(3):
    answer = APPLICATION(__main__.environ(number), lambda *_: None)
    b"".join(answer)
    answer.close()
del answer
holdfast.log.flush()
assert len(LINES) == 3
ordered()
"""
ENDINGS["a request log"] = "LINES = []", LOGGED
OTHERS = {
    "frozen": """
SEEN = {'requests': []}
gc.collect(); gc.freeze()
def work(request): SEEN['requests'].append(request)
""",
    "a text, and others beside it": """
SEEN, BY_KEY, STATE, LAST = [], {}, SimpleNamespace(more=SimpleNamespace()), None
def work(request):
    global LAST
    LAST = request.GET['q']
    SEEN.append('saw ' + LAST)
    BY_KEY['of ' + LAST] = None
    STATE.more.last = 'last ' + LAST
""",
    "a request, and the same one beside it": """
SEEN, LAST, ALIAS = [], None, None
def work(request):
    global LAST, ALIAS
    LAST, ALIAS = request, SimpleNamespace(seen=SEEN)
    SEEN[:] = [request]
""",
    "a scope of ASGI": """
SEEN = []
def work(request):
    name = request.headers['X-Holdfast-Probe'].encode()
    SEEN.append({'type': 'http', 'headers': [(b'x-holdfast-probe', name)]})
""",
}


def test_holdfasts_own_request_log_keeps_nothing(kept):
    assert kept["a request log"] == []


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
    assert kept["frozen"] == [("case.SEEN[...][...]", "WSGIRequest", 3)]


def test_what_else_the_same_module_holds_is_told_too(kept):
    assert sorted(kept["a text, and others beside it"]) == [
        ("case.BY_KEY[...]", "str", 3),
        ("case.LAST", "str", 1),
        ("case.SEEN[...]", "str", 3),
        ("case.STATE.more.last", "str", 1),
    ]
    # Each of them once, by its shortest way.
    assert sorted(kept["a request, and the same one beside it"]) == [
        ("case.LAST", "WSGIRequest", 1),
        ("case.SEEN[0]", "WSGIRequest", 1),
    ]


def test_a_scope_of_asgi_is_known_by_its_header(kept):
    assert ("case.SEEN[...]", "dict", 3) in kept["a scope of ASGI"]


def test_a_tuple_that_only_running_code_holds_is_let_alone(tmp_path):
    code = """
    import sys
    from holdfast.probe.aboard.heap import Heap
    def filling():
        # As uWSGI's own, in C, which it fills again and again.
        mine = ([],)
        before = sys.getrefcount(mine)
        heap = Heap(60)
        assert len(heap.objects) > 1000
        print(sys.getrefcount(mine) - before, sys.getswitchinterval())
    filling()
    """
    assert observed(tmp_path, code, observe=False)[1] == "0 0.005"


def test_requests_of_other_frameworks_are_known(tmp_path):
    pytest.importorskip("starlette")
    pytest.importorskip("werkzeug")
    code = """
    from pathlib import Path
    from starlette.requests import Request as StarletteRequest
    from werkzeug.test import EnvironBuilder
    from werkzeug.wrappers import Request as WerkzeugRequest
    from holdfast.probe.aboard import kept
    from holdfast.probe.aboard.settings import Settings

    name = f"{RUN}-0-1"
    ONE = StarletteRequest({"type": "http", "headers": [(b"x-holdfast-probe", name.encode())]})
    OTHER = WerkzeugRequest(EnvironBuilder(headers={"X-Holdfast-Probe": name}).get_environ())
    kept.LONGEST = 60
    for one in kept.look(Settings(Path(), (), RUN, "", None, True)):
        print(one.text, one.what, *sorted(one.requests))
    """
    _, printed = observed(tmp_path, code, observe=False)
    assert set(printed.splitlines()) == {
        f"__main__.ONE Request {RUN}-0-1",
        f"__main__.OTHER Request {RUN}-0-1",
    }
