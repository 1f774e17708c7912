"""Events of all threads come into the file whole, and what can't be written is told once."""

from holdfast.probe.events import Leak, Trouble
from tests.probe.aboard.programs import observed


def test_events_of_many_threads_are_written_whole(tmp_path):
    found, _ = observed(
        tmp_path,
        """
        from holdfast.probe.aboard import writing
        from holdfast.probe.events import Leak
        def work(number):
            for at in range(1500):
                writing.write(Leak(number, float(at), "é" * 50, "marker", "request"))
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        """,
    )
    leaks = [one for one in found if isinstance(one, Leak)]
    assert sorted((one.pid, one.at) for one in leaks) == [
        (number, float(at)) for number in range(4) for at in range(1500)
    ]
    assert {one.where for one in leaks} == {"é" * 50}


def test_two_who_are_the_first_in_a_process_lose_nothing(tmp_path):
    found, _ = observed(
        tmp_path,
        """
        from holdfast.probe.aboard import native, writing
        from holdfast.probe.events import Leak
        at_once, opening = native.open_file, threading.Event()
        def slowly(*args):
            opening.set()
            time.sleep(0.1)
            return at_once(*args)
        native.open_file = slowly
        writing.forget()  # as in a process that was forked
        writing.write(Leak(1, 0.0, "", "marker", "request"))
        other = threading.Thread(target=writing.flush)
        other.start()
        opening.wait()
        writing.write(Leak(2, 0.0, "", "marker", "request"))
        writing.flush()
        other.join()
        """,
    )
    assert sorted(one.pid for one in found if isinstance(one, Leak)) == [1, 2]


def test_a_trouble_is_told_once_and_an_event_that_cant_be_written_is_one(tmp_path):
    found, _ = observed(
        tmp_path,
        """
        from holdfast.probe.aboard import ticking, writing
        from holdfast.probe.events import Leak
        class Unspeakable:
            def __str__(self):
                raise ValueError("no words")
        for _ in range(3):
            writing.trouble("it is as it is")
        writing.write(Leak(1, 1.0, Unspeakable(), "marker", "request"))
        writing.write(Leak(2, 2.0, "where", "marker", "request"))
        def fails():
            raise KeyError("an observer")
        ticking.every(0.01, fails)
        with request("0-0"):
            time.sleep(0.4)
        """,
    )
    told = [one.what for one in found if isinstance(one, Trouble)]
    assert told.count("it is as it is") == 1
    assert len([what for what in told if "no words" in what]) == 1
    assert len([what for what in told if "KeyError" in what]) == 1
    assert [one.pid for one in found if isinstance(one, Leak)] == [2]
