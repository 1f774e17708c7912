"""`CARRY`: work that a request starts belongs to it without `carry`, where that was asked for.

The setting patches the process, so each case runs in a new one.
"""

import importlib.util
from textwrap import dedent

import pytest

from tests.fresh_process import output_of

needs_gevent = pytest.mark.skipif(
    importlib.util.find_spec("gevent") is None, reason="gevent is not installed"
)
needs_eventlet = pytest.mark.skipif(
    importlib.util.find_spec("eventlet") is None, reason="eventlet is not installed"
)

# `seen()` is what the started work does. A patch comes before all of it.
COMMON = """
import sys, threading
import holdfast

kinds = [kind for kind in sys.argv[1].split() if kind != "-"]
holdfast.configure({"CARRY": kinds})

def seen(*_):
    scope = holdfast.current(None)
    return None if scope is None else scope.state.user_id
"""

THREADS = """
import asyncio
from concurrent.futures import ThreadPoolExecutor
found = []

class Subclass(threading.Thread):
    def run(self):
        found.append(seen())

def in_thread(thread):
    thread.start()
    thread.join()
    return found.pop()

async def in_the_loops_executor():
    return await asyncio.get_running_loop().run_in_executor(None, seen)

with ThreadPoolExecutor(1) as pool, holdfast.open_scope(user_id=7):
    print(
        in_thread(threading.Thread(target=lambda: found.append(seen()))),
        in_thread(Subclass()),
        in_thread(threading.Timer(0, lambda: found.append(seen()))),
        pool.submit(seen).result(),
        *pool.map(seen, [1]),
        asyncio.run(in_the_loops_executor()),
    )
"""


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ("-", "None None None None None None"),
        ("greenlets", "None None None None None None"),
        ("threads", "7 7 7 None None None"),
        ("executors", "None None None 7 7 7"),
        ("threads executors", "7 7 7 7 7 7"),
    ],
)
def test_threads_and_executors_belong_to_the_request_where_asked_for(
    kinds: str, expected: str
) -> None:
    assert output_of(COMMON + THREADS, kinds) == expected


GEVENT_PATCH = "from gevent import monkey; monkey.patch_all()\n"
GEVENT = """
import gevent, gevent.pool, gevent.threadpool

class Subclass(gevent.Greenlet):
    def _run(self):
        return seen()

def of(greenlet):
    greenlet.join()
    return greenlet.value

own = gevent.threadpool.ThreadPool(1)
with holdfast.open_scope(user_id=7):
    subclass = Subclass()
    subclass.start()
    print(
        gevent.spawn(seen).get(),
        gevent.spawn_later(0.001, seen).get(),
        of(subclass),
        gevent.pool.Pool(2).spawn(seen).get(),
        *gevent.pool.Pool(2).imap(seen, [1]),
        *gevent.pool.Group().map(seen, [1]),
        gevent.get_hub().threadpool.apply(seen),
        own.spawn(seen).get(),
    )
own.kill()
"""


@needs_gevent
@pytest.mark.parametrize(("kinds", "expected"), [("-", "None"), ("greenlets", "7")])
@pytest.mark.parametrize("patch", [GEVENT_PATCH, ""], ids=["patched", "not patched"])
def test_gevents_greenlets_and_thread_pools_belong_to_the_request_where_asked_for(
    kinds: str, expected: str, patch: str
) -> None:
    assert output_of(patch + COMMON + GEVENT, kinds).split() == [expected] * 8


@needs_gevent
def test_threads_and_executors_that_gevent_has_patched_are_carried_like_others() -> None:
    output = output_of(GEVENT_PATCH + COMMON + THREADS, "threads executors")
    assert output.split() == ["7"] * 6


@needs_gevent
def test_greenlets_of_two_requests_do_not_mix() -> None:
    code = """
    import gevent

    def child():
        before = seen()
        gevent.sleep(0.001)
        return before, seen()

    def request(user_id):
        with holdfast.open_scope(user_id=user_id):
            children = [gevent.spawn(child) for _ in range(3)]
            gevent.sleep(0)
            assert [one.get() for one in children] == [(user_id, user_id)] * 3

    gevent.joinall([gevent.spawn(request, user_id) for user_id in range(20)], raise_error=True)
    print(holdfast.live_scopes(), holdfast.current(None))
    """
    assert output_of(COMMON + dedent(code), "greenlets") == "0 None"


EVENTLET = """
import warnings
with warnings.catch_warnings(action="ignore"):
    import eventlet
"""

EVENTLET_SPAWNS = """
from eventlet.event import Event

def told(spawn):
    told = Event()
    spawn(lambda: told.send(seen()))
    return told.wait()

pool = eventlet.GreenPool(2)
with holdfast.open_scope(user_id=7):
    print(
        eventlet.spawn(seen).wait(),
        eventlet.spawn_after(0.001, seen).wait(),
        told(eventlet.spawn_n),
        pool.spawn(seen).wait(),
        told(pool.spawn_n),
        *pool.imap(seen, [1]),
    )
"""


@needs_eventlet
@pytest.mark.parametrize(("kinds", "expected"), [("-", "None"), ("greenlets", "7")])
@pytest.mark.parametrize("patch", ["eventlet.monkey_patch()\n", ""], ids=["patched", "not patched"])
def test_eventlets_greenlets_belong_to_the_request_where_asked_for(
    kinds: str, expected: str, patch: str
) -> None:
    output = output_of(EVENTLET + patch + COMMON + EVENTLET_SPAWNS, kinds)
    assert output.split() == [expected] * 6


def test_work_that_is_started_outside_of_requests_belongs_to_none() -> None:
    code = """
    from concurrent.futures import ThreadPoolExecutor
    found = []
    thread = threading.Thread(target=lambda: found.append(seen()))
    thread.start()
    thread.join()
    with ThreadPoolExecutor(1) as pool:
        print(found, pool.submit(seen).result())
    """
    assert output_of(COMMON + dedent(code), "threads executors") == "[None] None"


@pytest.mark.parametrize(
    ("kinds", "expected"), [("threads", "None None"), ("threads executors", "1 2")]
)
def test_a_pools_worker_belongs_to_no_request_although_one_made_it_start(
    kinds: str, expected: str
) -> None:
    code = """
    from concurrent.futures import ThreadPoolExecutor
    pool = ThreadPoolExecutor(1)
    with holdfast.open_scope(user_id=1):
        first = pool.submit(seen).result()
        # While the first request is still open, a second one uses the same worker.
        with holdfast.open_scope(user_id=2):
            print(first, pool.submit(seen).result())
    pool.shutdown()
    """
    assert output_of(COMMON + dedent(code), kinds) == expected


def test_no_thread_of_a_multiprocessing_thread_pool_belongs_to_the_request_that_made_it() -> None:
    code = """
    from multiprocessing.pool import ThreadPool
    import threading
    told, found = threading.Event(), []

    def callback(result):
        found.append(seen())
        told.set()

    with holdfast.open_scope(user_id=1):
        pool = ThreadPool(1)
        with holdfast.open_scope(user_id=2):
            print(pool.apply(seen), *pool.map(seen, [1]))
            pool.apply_async(seen, callback=callback)
            told.wait(5)
    pool.close()
    pool.join()
    print(found)
    """
    assert output_of(COMMON + dedent(code), "threads").split("\n") == ["None None", "[None]"]


def test_a_process_pools_own_thread_belongs_to_no_request() -> None:
    code = """
    from concurrent.futures import ProcessPoolExecutor
    import multiprocessing, time
    found = []
    with holdfast.open_scope(user_id=1):
        pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        pool.submit(abs, -3).result()
        with holdfast.open_scope(user_id=2):
            job = pool.submit(time.sleep, 0.1)
            job.add_done_callback(lambda job: found.append(seen()))
            job.result()
            pool.shutdown()
    print(found)
    """
    assert output_of(COMMON + dedent(code), "threads") == "[None]"


@pytest.mark.parametrize("kinds", ["threads", "executors"])
def test_work_that_outlives_its_request_is_told_so_and_keeps_nothing_alive(kinds: str) -> None:
    code = """
    import gc, weakref
    from concurrent.futures import ThreadPoolExecutor

    class Request:
        pass

    ended, found = threading.Event(), []

    def late():
        ended.wait(5)
        gc.collect()
        found.append(request() is None)
        try:
            holdfast.state.user_id
        except holdfast.RequestEnded as error:
            found.append(str(error).partition(" has ended")[0])

    with holdfast.open_scope(Request(), user_id=7) as scope:
        request = weakref.ref(scope.request)
        scope.name = "GET /labels/"
        if kinds == ["threads"]:
            thread = threading.Thread(target=late)
            thread.start()
        else:
            pool = ThreadPoolExecutor(1)
            pool.submit(late)
    ended.set()
    thread.join() if kinds == ["threads"] else pool.shutdown()
    print(found, holdfast.live_scopes())
    """
    assert output_of(COMMON + dedent(code), kinds) == "[True, 'The request GET /labels/'] 0"


def test_threads_and_jobs_see_the_context_variables_of_where_they_were_started() -> None:
    code = """
    from concurrent.futures import ThreadPoolExecutor
    from contextvars import ContextVar
    language = ContextVar("language", default="en")
    found = []
    with holdfast.open_scope(user_id=7), ThreadPoolExecutor(1) as pool:
        language.set("de")
        thread = threading.Thread(target=lambda: found.append(language.get()))
        thread.start()
        thread.join()
        print(found, pool.submit(language.get).result())
    """
    assert output_of(COMMON + dedent(code), "threads executors") == "['de'] de"


def test_errors_names_and_results_of_carried_work_are_those_of_any_work() -> None:
    code = """
    from concurrent.futures import ThreadPoolExecutor
    raised = []
    threading.excepthook = lambda args: raised.append((args.exc_type, args.thread.name))

    def divide(a, *, by):
        return a / by

    with holdfast.open_scope(user_id=7), ThreadPoolExecutor(1) as pool:
        thread = threading.Thread(target=divide, args=[1], kwargs={"by": 0}, name="division")
        thread.start()
        thread.join()
        job = pool.submit(divide, 1, by=0)
        print(raised, type(job.exception()).__name__, pool.submit(divide, 6, by=3).result())
        print(vars(thread).get("run"))
    """
    assert output_of(COMMON + dedent(code), "threads executors").split("\n") == [
        "[(<class 'ZeroDivisionError'>, 'division')] ZeroDivisionError 2.0",
        "None",
    ]


def test_it_can_be_turned_off_again() -> None:
    code = """
    from concurrent.futures import ThreadPoolExecutor
    holdfast.configure({})
    found = []
    with holdfast.open_scope(user_id=7), ThreadPoolExecutor(1) as pool:
        thread = threading.Thread(target=lambda: found.append(seen()))
        thread.start()
        thread.join()
        print(found, pool.submit(seen).result())
    """
    assert output_of(COMMON + dedent(code), "threads executors") == "[None] None"
