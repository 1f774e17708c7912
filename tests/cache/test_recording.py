"""What a result depends on: collected by whoever sees it read."""

import asyncio
import threading

import holdfast
from holdfast.cache import current_recordings, recording


def test_what_is_added_within_belongs_to_all_around() -> None:
    with recording() as outer:
        current_recordings()[0].add(b"a")
        with recording() as inner:
            assert current_recordings() == (inner, outer)
            current_recordings()[0].add(b"b")
            inner.parts["cookie"] = 1
            assert outer.tags == {b"a"}
        assert current_recordings() == (outer,)
    assert current_recordings() == ()
    assert inner.tags == {b"b"}
    assert outer.tags == {b"a", b"b"}
    assert outer.parts == {"cookie": 1}


def test_it_is_handed_on_from_a_block_that_fails() -> None:
    with recording() as outer:
        try:
            with recording() as inner:
                inner.add(b"a")
                inner.refuse("private")
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
    assert outer.tags == {b"a"}
    assert outer.refusal == "private"


def test_the_first_reason_is_kept() -> None:
    with recording() as made:
        made.refuse("one")
        made.refuse("two")
    assert made.refusal == "one"


def test_what_reads_late_adds_to_what_is_still_being_made() -> None:
    with recording() as outer:
        with recording() as inner:
            pass
        inner.add(b"late")
        inner.add_all([b"later"])
        inner.refuse("late")
    inner.add(b"too late")
    assert inner.tags == set()
    assert outer.tags == {b"late", b"later"}
    assert outer.refusal == "late"


def test_tasks_and_carried_threads_add_to_it_and_nobody_else_does() -> None:
    seen = []

    async def read(tag: bytes) -> None:
        await asyncio.sleep(0)
        for made in current_recordings()[:1]:
            made.add(tag)

    async def other() -> None:
        seen.append(current_recordings())

    async def main() -> None:
        apart = asyncio.create_task(other())
        with recording() as made:
            await asyncio.gather(read(b"a"), read(b"b"))
            thread = threading.Thread(
                target=holdfast.carry(lambda: current_recordings()[0].add(b"c"))
            )
            thread.start()
            thread.join()
            await apart
        assert made.tags == {b"a", b"b", b"c"}

    asyncio.run(main())
    assert seen == [()]
