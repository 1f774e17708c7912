"""Nothing is lost between real processes."""

import os

import pytest

from holdfast import shared
from tests.fresh_process import output_of
from tests.shared.conftest import BETWEEN_PROCESSES
from tests.shared.processes import run_together

between_processes = pytest.mark.parametrize("engine", BETWEEN_PROCESSES, indirect=True)

#: Additions of each process. CI has enough of these to find a lost one; for a longer look, 250000.
ADDITIONS = int(os.environ.get("HOLDFAST_ADDITIONS", "25000"))
CHANGES = ADDITIONS // 100

BEGIN = """
    import sys
    import holdfast
    from holdfast import shared

    url, name, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
    holdfast.configure({"STORES": {"default": url}})
"""
COUNT = (
    BEGIN
    + """
    hits = shared.counter(name)
    hits.add(0)
    begin()
    for _ in range(times):
        hits.add(1)
"""
)
CHANGE = (
    BEGIN
    + """
    flags = shared.dict(name)
    flags.get("visits")
    begin()
    for _ in range(times):
        flags.change("visits", lambda n: n + 1, default=0, timeout=30)
        flags.change("seen", lambda seen: {**seen, len(seen): None}, default={}, timeout=30)
"""
)
LOCKED = (
    BEGIN
    + """
    flags, lock = shared.dict(name), shared.lock(name)
    flags.get("last")
    begin()
    for _ in range(times):
        with lock as held:
            number, fence = flags.get("last", (0, 0))
            assert held.fence > fence
            flags["last"] = number + 1, held.fence
"""
)
FORK = (
    BEGIN
    + """
    import os

    flags, hits, lock = shared.dict(name), shared.counter(name), shared.lock(name)
    flags["parent"] = hits.add(1)
    held = lock.acquire()
    children = []
    for number in range(4):
        child = os.fork()
        if not child:
            # The parent's lock is not the child's.
            assert not held.held and not lock.held
            for _ in range(times):
                hits.add(1)
                flags.change("visits", lambda n: n + 1, default=0, timeout=30)
            assert flags["parent"] == 1
            held.release()
            try:
                lock.acquire(timeout=0)
            except shared.LockTimeout:
                os._exit(0)
            os._exit(1)
        children.append(child)
    hits.add(1)
    print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
    assert held.held
    held.release()
    print(hits.value, flags["visits"])
"""
)


@between_processes
@pytest.mark.timeout(600)
def test_four_processes_count_exactly(store, name):
    run_together(COUNT, [(store, name, str(ADDITIONS))] * 4)
    assert shared.counter(name).value == 4 * ADDITIONS


@between_processes
def test_no_change_of_four_processes_is_lost(store, name):
    run_together(CHANGE, [(store, name, str(CHANGES))] * 4)
    flags = shared.dict(name)
    assert flags["visits"] == len(flags["seen"]) == 4 * CHANGES


@between_processes
def test_a_lock_keeps_four_processes_apart(store, name):
    run_together(LOCKED, [(store, name, str(CHANGES))] * 4)
    assert shared.dict(name)["last"][0] == 4 * CHANGES


@between_processes
def test_handles_from_before_a_fork_go_on_in_parent_and_children(store, name):
    printed = output_of(FORK, store, name, "50")
    assert printed.split("\n") == ["[0, 0, 0, 0]", "202 200"]
