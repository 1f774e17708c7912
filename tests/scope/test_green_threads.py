"""Greenlets of one request, whether or not, and whenever, the standard library was patched.

Each case runs in a process of its own, since a patch can't be taken back.
"""

import subprocess
import sys
import textwrap

import pytest

# What each library calls its parts, and how it patches.
GEVENT = """
import gevent
spawn, sleep, wait = gevent.spawn, gevent.sleep, gevent.joinall
def patch():
    import gevent.monkey
    gevent.monkey.patch_all()
"""
EVENTLET = """
import warnings
warnings.simplefilter("ignore")
import eventlet
spawn, sleep = eventlet.spawn, eventlet.sleep
def wait(threads):
    for thread in threads:
        thread.wait()
def patch():
    eventlet.monkey_patch()
"""

PATCHED_FIRST = "patch()\nimport holdfast\n"
PATCHED_LATE = "import holdfast\npatch()\n"
NOT_PATCHED = "import holdfast\n"

SET_UPS = [
    pytest.param(GEVENT + PATCHED_FIRST, id="gevent"),
    pytest.param(GEVENT + PATCHED_LATE, id="gevent-patched-late"),
    pytest.param(GEVENT + NOT_PATCHED, id="gevent-not-patched"),
    pytest.param(EVENTLET + PATCHED_FIRST, id="eventlet"),
    pytest.param(EVENTLET + PATCHED_LATE, id="eventlet-patched-late"),
]


def run(source: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize("set_up", SET_UPS)
def test_greenlets_that_ask_at_once_wait_for_the_first_and_let_others_run(set_up: str) -> None:
    printed = run(
        set_up
        + """
calls, others = [], []

@holdfast.per_request
def slow(key):
    calls.append(key)
    sleep(0.05)
    return key

@holdfast.bulk_loader
def load(keys):
    calls.extend(keys)
    sleep(0.05)
    return {key: -key for key in keys}

def other():
    for _ in range(20):
        others.append(1)
        sleep(0.002)

def ask(results):
    results.append((slow(1), load(2)))

results = []
with holdfast.open_scope(user_id=7):
    ask = holdfast.carry(ask)
    wait([spawn(ask, results) for _ in range(5)] + [spawn(other)])
print(calls, results == [(1, -2)] * 5, len(others), holdfast.live_scopes())
"""
    )
    assert printed == "[1, 2] True 20 0\n"


@pytest.mark.parametrize("set_up", SET_UPS)
def test_each_greenlet_keeps_its_own_request_across_switches(set_up: str) -> None:
    printed = run(
        set_up
        + """
wrong = []

def serve(number):
    with holdfast.open_scope(user_id=number):
        for _ in range(5):
            sleep(0.001)
            if holdfast.state.user_id != number:
                wrong.append(number)

wait([spawn(serve, number) for number in range(50)])
print(wrong, holdfast.live_scopes())
"""
    )
    assert printed == "[] 0\n"


@pytest.mark.parametrize("set_up", SET_UPS)
def test_a_spawned_greenlet_has_the_request_only_if_carried(set_up: str) -> None:
    printed = run(
        set_up
        + """
seen = []
with holdfast.open_scope(user_id=7):
    plain = spawn(lambda: seen.append(holdfast.current(None)))
    wait([plain])
    late = spawn(holdfast.carry(lambda: (sleep(0.01), seen.append(
        (holdfast.state.user_id, holdfast.current().closed)))))
    sleep(0)
with holdfast.open_scope(user_id=8):
    wait([late])
print(seen)
"""
    )
    assert printed == "[None, (7, True)]\n"


def test_a_greenlet_waits_for_a_call_in_a_native_thread_of_its_request() -> None:
    printed = run(
        GEVENT
        + PATCHED_FIRST
        + """
import threading
native_sleep = gevent.monkey.get_original("time", "sleep")
calls = []

@holdfast.per_request
def slow():
    calls.append(1)
    native_sleep(0.1)
    return 7

with holdfast.open_scope():
    job = gevent.get_hub().threadpool.spawn(holdfast.carry(slow))
    while not calls:
        sleep(0.001)
    print(slow(), job.get(), calls)
"""
    )
    assert printed == "7 7 [1]\n"
