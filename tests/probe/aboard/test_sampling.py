"""What the machine kept a process from, as its observers' own thread adds it up."""

import sys
import threading

import pytest

from holdfast.probe.aboard import sampling


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_the_observers_thread_does_not_count_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    names = set()
    # What earlier tests left running in this process counts as well.
    monkeypatch.setattr(sampling, "_MOST_TASKS", 100_000)
    monkeypatch.setattr(sampling, "_waited", lambda task: names.add(task.name) or 10**9)
    over = threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    try:
        seconds = sampling.starved()
    finally:
        over.set()
        other.join()
    assert str(other.native_id) in names
    assert str(threading.get_native_id()) not in names
    assert seconds == len(names)
