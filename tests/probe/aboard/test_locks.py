"""Waits for locks: who waited, for whom, and for which lock; and programs that notice nothing."""

import pytest

from holdfast.probe.change import Change

from .programs import line_of, observed, of_kind, troubles

HOLDING = """
def hold():
    arrive()
    with LOCK:
        stay()

together(hold, hold)
tell()
"""
KINDS = {
    "threading.Lock": "LOCK = threading.Lock()",
    "threading.RLock": "LOCK = threading.RLock()",
    "threading.Semaphore": "LOCK = threading.Semaphore(1)",
    "threading.BoundedSemaphore": "LOCK = threading.BoundedSemaphore(1)",
    "threading.Condition": "LOCK = threading.Condition()",
    "multiprocessing.Lock": "import multiprocessing; LOCK = multiprocessing.Lock()",
    "multiprocessing.RLock": "import multiprocessing; LOCK = multiprocessing.RLock()",
    "multiprocessing.Semaphore": "import multiprocessing; LOCK = multiprocessing.Semaphore(1)",
}


def told(found, folder, made):
    """The one wait that was told, when all of it is right."""
    assert not troubles(found)
    (wait,) = of_kind(found, "lock")
    assert wait.place == line_of(folder, made)
    assert {wait.request, wait.holder} == {"abcdefghij-0-0", "abcdefghij-1-0"}
    assert wait.ended - wait.begun > 0.01
    assert any("hold" in line for line in wait.stack)
    return wait


@pytest.mark.parametrize("kind", KINDS)
def test_a_wait_is_told_with_its_place_and_its_holder(kind, tmp_path):
    found, printed = observed(tmp_path, KINDS[kind] + HOLDING)
    assert printed == "slow"
    wait = told(found, tmp_path, KINDS[kind])
    assert wait.detail["kind"] == kind


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_lock_everybody_gets_through(kind, tmp_path):
    observed(tmp_path / "before", KINDS[kind] + HOLDING)
    place = line_of(tmp_path / "before", KINDS[kind]).replace("/before/", "/after/")
    change = Change(without_lock=(place,))
    found, printed = observed(tmp_path / "after", KINDS[kind] + HOLDING, change=change)
    assert printed == "quick"
    assert not of_kind(found, "lock")


def test_a_lock_is_called_as_it_is_assigned(tmp_path):
    code = """
    class Report:
        def __init__(self):
            self._busy = threading.Lock()
    LOCK = Report()._busy
    """
    found, _ = observed(tmp_path, code + "\n" + "    ".join(["", *HOLDING.splitlines(True)]))
    assert told(found, tmp_path, "self._busy =").name == "self._busy"


def test_locks_that_a_dataclass_makes_are_the_users(tmp_path):
    code = """
import dataclasses

@dataclasses.dataclass
class Report:
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

LOCK = Report().lock
"""
    found, _ = observed(tmp_path, code + HOLDING)
    told(found, tmp_path, "LOCK = Report()")


def test_others_get_the_locks_that_they_always_got(tmp_path):
    code = """
    import _thread, json.decoder, queue
    made = queue.Queue()
    assert type(made.mutex) is _thread.LockType
    assert type(threading.Event()._cond._lock) is _thread.LockType
    own = threading.Lock()
    assert type(own) is not _thread.LockType
    # Both are what `threading.Lock` makes.
    assert isinstance(own, threading.Lock) and isinstance(made.mutex, threading.Lock)
    assert not isinstance(threading.RLock(), threading.Lock)
    assert isinstance(threading.RLock(), threading.RLock)
    """
    found, _ = observed(tmp_path, code)
    assert not troubles(found)


def test_what_one_can_do_with_a_lock_works(tmp_path):
    code = """
    import copy, pickle, weakref
    lock = threading.Lock()
    assert lock.acquire() and lock.locked() and not lock.acquire(False)
    assert not lock.acquire(timeout=0.01) and not lock.acquire(True, 0.01)
    assert not lock.acquire(blocking=False)
    lock.release()
    assert not lock.locked() and "unlocked" in repr(lock)
    for wrong in (lambda: lock.acquire(False, 1), lambda: lock.acquire(True, -2)):
        try:
            wrong()
        except ValueError:
            pass
        else:
            raise AssertionError(wrong)
    try:
        lock.release()
    except RuntimeError:
        pass
    else:
        raise AssertionError("released twice")
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        try:
            copied(lock)
        except TypeError as error:
            assert "pickle" in str(error), error
        else:
            raise AssertionError(copied)
    assert weakref.ref(lock)() is lock and {lock: 1}[lock] == 1
    lock.acquire()
    lock._at_fork_reinit()
    assert not lock.locked()
    again = threading.RLock()
    with again, again:
        assert again._is_owned()
    assert not again._is_owned()
    for made in (lock, again, None):
        condition = threading.Condition(made)
        said = []
        def wait():
            with condition:
                said.append(condition.wait_for(lambda: said, 10) and condition.wait(10))
        thread = threading.Thread(target=wait)
        with condition:
            thread.start()
            said.append("go")
        while not condition._waiters:
            time.sleep(0.001)
        with condition:
            condition.notify_all()
        thread.join()
        assert said == ["go", True], said
    class Mine(threading.Semaphore):
        pass
    with Mine(2) as one:
        assert one is True
    class Other(threading.Semaphore):
        def acquire(self, blocking=True, timeout=None):
            raise AssertionError
    with Other(1) as one:
        assert one is True
    event = threading.Event()
    threading.Timer(0.05, event.set).start()
    assert event.wait(10) and isinstance(event, threading.Event)
    """
    found, _ = observed(tmp_path, code)
    assert not troubles(found)


def test_after_a_fork_a_lock_can_be_taken(tmp_path):
    code = """
    import os, warnings
    warnings.simplefilter("ignore")
    lock = threading.Lock()
    lock.acquire()
    os.register_at_fork(after_in_child=lock._at_fork_reinit)
    child = os.fork()
    if child == 0:
        os._exit(0 if lock.acquire(timeout=5) else 1)
    assert os.waitpid(child, 0)[1] == 0
    """
    found, _ = observed(tmp_path, code)
    assert not troubles(found)


def test_waits_of_no_request_are_not_told(tmp_path):
    code = """
    LOCK = threading.Lock()
    LOCK.acquire()
    threading.Timer(0.1, LOCK.release).start()
    LOCK.acquire()
    """
    found, _ = observed(tmp_path, code)
    assert not of_kind(found, "lock")


def test_a_log_handlers_lock_is_told(tmp_path):
    code = """
import logging

class Slow(logging.Handler):
    def emit(self, record):
        stay()

logging.getLogger().addHandler(Slow())

def hold():
    arrive()
    logging.warning("slow")

together(hold, hold)
tell()
"""
    found, printed = observed(tmp_path / "before", code)
    (wait,) = of_kind(found, "lock")
    assert printed == "slow"
    assert (wait.place, wait.detail["kind"]) == ("__main__.Slow", "logging.Handler")
    assert {wait.request, wait.holder} == {"abcdefghij-0-0", "abcdefghij-1-0"}
    change = Change(without_lock=(wait.place,))
    found, printed = observed(tmp_path / "after", code, change=change)
    assert printed == "quick"
    assert not of_kind(found, "lock")


FILE = """
import fcntl, tempfile
FILE = tempfile.NamedTemporaryFile()

def hold():
    arrive()
    with open(FILE.name, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        stay()
        fcntl.flock(file, fcntl.LOCK_UN)

together(hold, hold)
tell()
"""


FILELOCK = """
import filelock, tempfile
PATH = tempfile.NamedTemporaryFile(suffix=".lock").name

def hold():
    arrive()
    with filelock.FileLock(PATH, poll_interval=0.01):
        stay()

together(hold, hold)
tell()
"""


def test_filelocks_lock_is_told(tmp_path):
    found, printed = observed(tmp_path / "before", FILELOCK)
    assert printed == "slow"
    # Who gets it at once opens a file, and may be told with a few milliseconds.
    wait = max(of_kind(found, "lock"), key=lambda one: one.ended - one.begun)
    assert wait.place == line_of(tmp_path / "before", "filelock.FileLock(")
    assert {wait.request, wait.holder} == {"abcdefghij-0-0", "abcdefghij-1-0"}
    assert wait.detail["kind"] == "filelock"
    place = wait.place.replace("/before/", "/after/")
    found, printed = observed(tmp_path / "after", FILELOCK, change=Change(without_lock=(place,)))
    assert printed == "quick"


LATE = """
import time
from holdfast.probe.aboard.made import Made
note = Made.taken
Made.taken = lambda known: (time.sleep(0.05), note(known))
"""


@pytest.mark.parametrize(
    ("made", "program"), [("LOCK = thr", KINDS["threading.Lock"] + HOLDING), ("LOCK_EX", FILE)]
)
def test_its_holder_is_named_where_it_is_noted_late(made, program, tmp_path):
    found, _ = observed(tmp_path, LATE + program)
    told(found, tmp_path, made)


def test_a_lock_on_a_file_is_told(tmp_path):
    found, printed = observed(tmp_path / "before", FILE)
    assert printed == "slow"
    assert told(found, tmp_path / "before", "LOCK_EX").detail["kind"] == "fcntl.flock"
    place = line_of(tmp_path / "before", "LOCK_EX").replace("/before/", "/after/")
    found, printed = observed(tmp_path / "after", FILE, change=Change(without_lock=(place,)))
    assert printed == "quick"
    assert not of_kind(found, "lock")


TASKS = """
import asyncio

async def serve(name, work):
    with request(name):
        await work()

async def main():
    global LOCK
    LOCK = {made}
    async def hold():
        arrive()
        async with LOCK:
            await astay()
    await asyncio.gather(*(asyncio.create_task(serve(f"{{n}}-0", hold)) for n in range(2)))

asyncio.run(main())
tell()
"""
OF_TASKS = ("Lock()", "Semaphore(1)", "BoundedSemaphore(1)", "Condition()")


@pytest.mark.parametrize("made", OF_TASKS)
def test_locks_of_tasks_are_told(made, tmp_path):
    code = TASKS.format(made=f"asyncio.{made}")
    found, printed = observed(tmp_path / "before", code)
    assert printed == "slow"
    wait = told(found, tmp_path / "before", f"LOCK = asyncio.{made}")
    assert wait.name == "LOCK"
    assert wait.lane.startswith("task")
    change = Change(without_lock=(wait.place.replace("/before/", "/after/"),))
    found, printed = observed(tmp_path / "after", code, change=change)
    assert printed == "quick"
    assert not of_kind(found, "lock")


def test_an_event_of_asyncio_that_a_request_waits_for_is_told(tmp_path):
    code = """
    import asyncio
    async def main():
        event = asyncio.Event()
        asyncio.get_running_loop().call_later(0.1, event.set)
        with request("0-0"):
            await event.wait()
    asyncio.run(main())
    """
    found, _ = observed(tmp_path, code)
    (wait,) = of_kind(found, "lock")
    assert (wait.name, wait.detail["kind"]) == ("event", "asyncio.Event")


GREEN = """
def serve(number):
    with request(f"{number}-0"):
        hold()

def hold():
    arrive()
    with LOCK:
        stay()
"""
PATCHES = {
    "gevent": (
        "from gevent import monkey; monkey.patch_all()",
        "import gevent; gevent.joinall([gevent.spawn(serve, n) for n in range(2)])",
    ),
    "eventlet": (
        """import warnings; warnings.simplefilter('ignore')
import eventlet; eventlet.monkey_patch()""",
        "[one.wait() for one in [eventlet.spawn(serve, n) for n in range(2)]]",
    ),
}


@pytest.mark.parametrize(
    "made", ["threading.Lock()", "threading.RLock()", "threading.Semaphore(1)"]
)
@pytest.mark.parametrize("library", PATCHES)
def test_patched_locks_are_the_patched_ones(library, made, tmp_path):
    patch, run = PATCHES[library]
    found, _ = observed(tmp_path, f"LOCK = {made}\n{GREEN}\n{run}", before=patch)
    wait = told(found, tmp_path, f"LOCK = {made}")
    assert wait.lane.startswith("greenlet")


def test_locks_of_gevents_own_are_told(tmp_path):
    patch, run = PATCHES["gevent"]
    made = "from gevent.lock import BoundedSemaphore\nLOCK = BoundedSemaphore(1)"
    found, _ = observed(tmp_path, f"{made}\n{GREEN}\n{run}", before=patch)
    assert told(found, tmp_path, "LOCK = Bound").detail["kind"] == "gevent.lock.BoundedSemaphore"


def test_locks_that_were_made_before_the_patch_work_still(tmp_path):
    before = """
import threading
LOCK = threading.Lock()
with LOCK:
    pass
from gevent import monkey
monkey.patch_all()
with LOCK:
    pass
assert not LOCK.locked()
"""
    found, _ = observed(tmp_path, "", before=before)
    assert not troubles(found)


SHARED = """
import holdfast
holdfast.configure({"STORES": {"default": "memory://probed"}})
LOCK = holdfast.shared.lock("report")

def hold():
    arrive()
    with LOCK as held:
        held.check()
        stay()

together(hold, hold)
tell()
"""


def test_holdfasts_own_locks_are_told(tmp_path):
    found, printed = observed(tmp_path / "before", SHARED)
    assert printed == "slow"
    waits = of_kind(found, "lock")
    wait = max(waits, key=lambda one: one.ended - one.begun)
    assert (wait.name, wait.detail["kind"]) == (
        "holdfast.shared.lock report",
        "holdfast.shared.lock",
    )
    assert wait.place == line_of(tmp_path / "before", "with LOCK")
    assert {wait.request, wait.holder} == {"abcdefghij-0-0", "abcdefghij-1-0"}
    change = Change(without_lock=(wait.place.replace("/before/", "/after/"),))
    found, printed = observed(tmp_path / "after", SHARED, change=change)
    assert printed == "quick"
    assert not troubles(found)
