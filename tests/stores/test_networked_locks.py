"""A lock on a network whose holder hears late that it has it, or that it has it no more."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from holdfast.stores import open_store
from holdfast.stores.protocol import HEARTBEAT

#: Which answer says that a lock that nobody has was taken.
ANSWER = {"redis": 1, "memcached": 2}


@pytest.fixture(
    params=[
        pytest.param("redis", marks=pytest.mark.needs("redis")),
        pytest.param("memcached", marks=pytest.mark.needs("memcached")),
    ]
)
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def before_it_is_read(
    store: Any, engine: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], Any]], None]:
    """Has something done when the server has given the lock, and its answer lies unread."""

    def have_done(work: Callable[[], Any]) -> None:
        driver = type(store._driver)
        real, answers = driver.run, []

        def count(request: Any) -> None:
            answers.append(request)
            if len(answers) == ANSWER[engine]:
                work()

        def watched(operation: Any) -> Any:
            try:
                request = next(operation)
                while True:
                    reply = yield request
                    count(request)
                    request = operation.send(reply)
            except StopIteration as end:
                return end.value

        def run(self: Any, operation: Any) -> Any:
            return real(self, watched(operation))

        monkeypatch.setattr(driver, "run", run)

    return have_done


def test_who_hears_too_late_that_it_was_given_a_lock_has_not_taken_it(
    store, store_url, before_it_is_read
):
    other = open_store(store_url)
    before_it_is_read(lambda: other.acquire(b"{l}", b"you", 60, timeout=10))
    assert store.acquire(b"{l}", b"me", 60, timeout=0) is None
    assert other.release(b"{l}", b"you")
    other.close()


def test_who_hears_late_of_a_lock_that_nobody_took_meanwhile_has_it(
    store, store_url, before_it_is_read
):
    other = open_store(store_url)
    before_it_is_read(lambda: time.sleep(HEARTBEAT * 1.2))
    assert store.acquire(b"{l}", b"me", 60, timeout=0)
    assert other.acquire(b"{l}", b"you", 60, timeout=0) is None
    assert store.release(b"{l}", b"me")
    other.close()
