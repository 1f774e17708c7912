"""A share of what is served is loaded again and compared: what is wrong is found, and only that."""

import itertools
import logging
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

import holdfast
from holdfast.cache import figures, snapshot, verifying
from tests.cache.conftest import Face, elsewhere, until_it_stores

pytestmark = pytest.mark.parametrize("engine", ["lmdb"], indirect=True)


@pytest.fixture
def all_hits(configure: Callable[..., None]) -> None:
    """Every hit is compared, if there aren't too many at once."""
    configure(VERIFY=1.0)
    until_it_stores()


def outcome(name: str) -> tuple[float, float, float]:
    figures = snapshot()[name]
    return figures["agreed"], figures["differed"], figures["incomparable"]


def until_compared(face: Face, name: str, number: int = 1) -> tuple[float, float, float]:
    face.wait_for(lambda: sum(outcome(name)) >= number and not verifying._running)
    return outcome(name)


@pytest.mark.usefixtures("all_hits")
class TestOfAllHits:
    def test_a_true_result_agrees(self, face: Face, name: str) -> None:
        @face.cached(name)
        def f(x: int) -> Any:
            return {"x": [x]}

        f(1)
        assert f(1) == {"x": [1]}
        assert until_compared(face, name) == (1, 0, 0)

    @pytest.mark.parametrize("tier", [True, False])
    def test_what_was_changed_behind_everybodys_back_is_found(
        self, face: Face, name: str, caplog: pytest.LogCaptureFixture, tier
    ) -> None:
        truth = ["old"]

        @face.cached(name, tags=["a tag"], tier=tier)
        def f(x: int) -> str:
            return truth[0]

        f(1)
        truth[0] = "new"
        with caplog.at_level(logging.WARNING, "holdfast"):
            assert f(1) == "old"
            assert until_compared(face, name) == (0, 1, 0)
        [record] = caplog.records
        assert "was served that is not true: value: 'old' != 'new'" in record.message
        assert "u:a tag" in record.message
        [facts] = verifying.differences("cache")
        assert (facts["name"], facts["served"], facts["loaded"]) == (name, "'old'", "'new'")

    def test_a_change_at_the_same_time_is_not_taken_for_an_error(
        self, face: Face, name: str
    ) -> None:
        truth = ["old"]

        @face.cached(name, tags=["t"])
        def f(x: int) -> str:
            if truth[0] == "changing":
                # Between the hit and the comparison somebody changes it, and says so.
                truth[0] = "new"
                elsewhere(lambda: holdfast.invalidate("t")).result()
            return truth[0]

        f(1)
        truth[0] = "changing"
        assert f(1) == "old"
        assert until_compared(face, name) == (0, 0, 1)
        assert not verifying.differences("cache")

    def test_a_change_that_is_announced_but_not_done_is_not_either(
        self, face: Face, name: str
    ) -> None:
        from holdfast import named_stores

        truth = ["old"]

        @face.cached(name, tags=["t2"])
        def f(x: int) -> str:
            if truth[0] == "changing":
                named_stores.store("cache").tags.mark([b"u:t2"], b"a writer")
                return "of nobody yet"
            return truth[0]

        f(1)
        truth[0] = "changing"
        f(1)
        assert until_compared(face, name) == (0, 0, 1)

    def test_what_is_never_the_same_twice_is_not_comparable(self, face: Face, name: str) -> None:
        @face.cached(name)
        def f(x: int) -> float:
            return random.random()

        f(1)
        f(1)
        assert until_compared(face, name) == (0, 0, 1)

    def test_a_loader_that_fails_says_nothing(self, face: Face, name: str) -> None:
        fails: list[int] = []

        @face.cached(name)
        def f(x: int) -> int:
            if fails:
                raise ConnectionError("the database is away")
            return x

        f(1)
        fails.append(1)
        assert f(1) == 1
        assert until_compared(face, name) == (0, 0, 1)
        from holdfast.cache.events import counts

        assert counts(name).reasons == {"ConnectionError: the database is away": 1}

    def test_there_is_none_is_compared_too(self, face: Face, name: str) -> None:
        there: list[int] = []

        @face.cached(name, negative_ttl=60, absent=LookupError)
        def f(x: int) -> int:
            if not there:
                raise LookupError(x)
            return x

        for _ in range(2):
            with pytest.raises(LookupError):
                f(1)
        assert until_compared(face, name) == (1, 0, 0)
        there.append(1)
        with pytest.raises(LookupError):
            f(1)
        assert until_compared(face, name, 2) == (1, 1, 0)

    def test_nothing_cached_is_believed_on_the_way(self, name: str) -> None:
        """Else the outer result would agree with the inner one, which is wrong."""
        face = Face("sync")
        truth = ["old"]

        @face.cached(f"{name} inner")
        def inner() -> str:
            return truth[0]

        @face.cached(name)
        def outer() -> str:
            return str(inner())

        outer()
        truth[0] = "new"
        assert outer() == "old"
        assert until_compared(face, name) == (0, 1, 0)
        # And what it loaded was stored nowhere.
        assert inner() == "old"

    def test_what_was_remembered_for_the_request_is_not_either(self, name: str) -> None:
        face = Face("sync")
        truth = ["old"]

        @holdfast.per_request
        def remembered() -> str:
            return truth[0]

        @face.cached(name)
        def f() -> str:
            return f"{remembered()} {holdfast.state.tenant}"

        with holdfast.open_scope(tenant="a"):
            assert f() == "old a"
            truth[0] = "new"
            assert f() == "old a"
            assert until_compared(face, name) == (0, 1, 0)

    def test_nobody_waits_for_it_and_there_are_few_at_once(self, name: str) -> None:
        face = Face("sync")
        hold, calls = threading.Event(), itertools.count()

        @face.cached(name)
        def f(x: int) -> int:
            if threading.current_thread() is not threading.main_thread():
                next(calls)
                hold.wait(20)
            return x

        for number in range(10):
            f(number)
        for number in range(10):
            assert f(number) == number
        hold.set()
        face.wait_for(lambda: not verifying._running)
        assert 1 <= next(calls) <= verifying.MOST_AT_ONCE
        assert snapshot()[name]["hits"] == 10


def test_without_the_setting_nothing_is_compared(
    configure: Callable[..., None], face: Face, name: str
) -> None:
    configure()
    until_it_stores()
    calls = itertools.count()

    @face.cached(name)
    def f() -> int:
        return next(calls)

    for _ in range(50):
        assert f() == 0
    face.linger()
    assert not verifying.is_on
    assert next(calls) == 1


def test_shares_are_given_by_name(configure: Callable[..., None], face: Face, name: str) -> None:
    configure(VERIFY={f"{name}*": 1, "*": 0})
    until_it_stores()

    @face.cached(f"{name} yes")
    def yes() -> int:
        return 1

    @face.cached(f"no {name}")
    def no() -> int:
        return 1

    for _ in range(2):
        yes()
        no()
    assert until_compared(face, f"{name} yes") == (1, 0, 0)
    assert outcome(f"no {name}") == (0, 0, 0)


def test_a_share_is_a_share(configure: Callable[..., None], name: str) -> None:
    configure(VERIFY=0.2)
    until_it_stores()
    face = Face("sync")

    @face.cached(name)
    def f() -> int:
        return 1

    f()
    for _ in range(500):
        f()
        face.wait_for(lambda: not verifying._running)
    assert 40 <= outcome(name)[0] <= 200
    assert snapshot()[name]["hits"] == 500


def test_an_order_is_obeyed_as_long_as_it_stands(
    configure: Callable[..., None], face: Face, name: str
) -> None:
    configure(PUBLISH=None)  # or what is in the store would be obeyed
    until_it_stores()

    @face.cached(name)
    def f() -> int:
        return 1

    f()
    f()
    assert outcome(name) == (0, 0, 0)
    verifying.obey("cache", figures.Order("first", 1.0, 60.0, f"{name[:3]}*"))
    f()
    assert until_compared(face, name) == (1, 0, 0)
    verifying.obey("cache", None)
    f()
    face.linger()
    assert outcome(name) == (1, 0, 0)
    # The same one again is no new one; another one is over by itself.
    verifying.obey("cache", figures.Order("first", 1.0, 60.0, "*"))
    assert not verifying.is_on
    order = figures.Order("second", 1.0, 0.001, "*")
    verifying.obey("cache", order)
    face.linger(0.01)
    verifying.obey("cache", order)
    assert not verifying.is_on


@pytest.mark.usefixtures("all_hits")
def test_a_call_from_elsewhere_is_compared_like_any(name: str) -> None:
    face = Face("sync")

    @face.cached(name)
    def f() -> int:
        return 1

    f()
    assert elsewhere(f).result() == 1
    assert until_compared(face, name) == (1, 0, 0)
