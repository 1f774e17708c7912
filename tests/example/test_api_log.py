"""The API log: a sync class costs threads and mixes durations up, and Holdfast's doesn't."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demonstration.cases import api_log
from demonstration.crowd import allow_connections
from demonstration.servers import ONE_LOOP
from demonstration.serving import serve_quotes
from demonstration.site import Site
from demonstration.tally import Tally

pytestmark = pytest.mark.skipif(
    bool(ONE_LOOP.missing()), reason=f"{', '.join(ONE_LOOP.missing())} not installed"
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Callable[[str], Site]]:
    from contextlib import ExitStack

    with ExitStack() as running:
        yield lambda variant: running.enter_context(serve_quotes(ONE_LOOP, variant, tmp_path, 1))


def wrong(tally: Tally) -> dict[str, int]:
    return {kind: count.wrong for kind, count in tally.counts.items() if count.wrong}


def test_the_usual_class_logs_durations_of_others_and_costs_a_thread_a_user(
    site: Callable[[str], Site],
) -> None:
    tally = api_log.drive(site("before"))
    found = wrong(tally)
    assert found[api_log.WRONG] > api_log.USERS // 2
    assert found[api_log.THREAD] > api_log.USERS // 2
    assert set(found) == {api_log.WRONG, api_log.THREAD}, tally.reasons(api_log.UNEXPECTED)


def test_holdfasts_logs_each_request_once_with_its_own_duration_and_no_thread(
    site: Callable[[str], Site],
) -> None:
    tally = api_log.drive(site("after"))
    assert wrong(tally) == {}, tally.reasons(tally.counts)
    assert all(count.tried >= api_log.USERS for count in tally.counts.values())


def test_it_says_who_asked(site: Callable[[str], Site]) -> None:
    running = site("after")
    api_log.crowd(running, users=1, seconds=0.1, settle=0.1)
    assert "[customer=acme]" in api_log.written(running.basket_log, 1)


# The counting itself


def judged(log: str) -> dict[str, int]:
    tally = Tally(api_log.KINDS)
    api_log.judge(tally, {"0-0": 1.2}, log)
    return wrong(tally)


def line(seconds: float, name: str = "0-0") -> str:
    asked = f"GET /quote/?seconds=1&name={name} -"
    return f"OUT [7] [now] [::1] [crowd] [acme] {asked} {seconds:.6f} 200\n"


@pytest.mark.parametrize("seconds", [1.0, 1.19])
def test_a_duration_within_what_the_user_saw_is_right(seconds: float) -> None:
    assert judged(line(seconds)) == {}


@pytest.mark.parametrize("seconds", [0.2, 0.99, 1.21, 2.4])
def test_another_one_is_wrong(seconds: float) -> None:
    assert judged(line(seconds)) == {api_log.WRONG: 1}


@pytest.mark.parametrize("log", ["", line(1.1) * 2, line(1.1, "0-1")])
def test_a_request_is_to_be_logged_exactly_once(log: str) -> None:
    assert judged(log) == {api_log.UNLOGGED: 1}


def test_more_connections_than_the_system_allows_are_refused_with_the_number() -> None:
    with pytest.raises(OSError, match="open files, and the system allows"):
        allow_connections(2**40)
