"""Where a request's time went."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.probe.events import KINDS
from holdfast.probe.findings.causes import spent_by
from tests.probe.findings.telling import Telling, one_lock

KEYS = [*KINDS, "something new"]


def seconds_of(telling: Telling, request: str) -> dict[str, float]:
    """By kind and name, to the millisecond."""
    found: dict[str, float] = {}
    for cause, seconds in spent_by(telling.made)[request].by_cause().items():
        key = f"{cause.kind} {cause.name}".strip()
        found[key] = round(found.get(key, 0.0) + seconds, 3)
    return found


span_of = st.tuples(
    st.sampled_from(["r-0-0", "r-1-1", ""]),
    st.sampled_from(KEYS),
    st.floats(-1, 4),
    st.floats(-1, 4),
    st.booleans(),
)


@given(st.lists(span_of, max_size=15), st.floats(0, 1), st.sampled_from([0.1, 1.9]))
def test_the_parts_of_a_request_sum_up_to_its_time(
    spans: list[tuple[str, str, float, float, bool]], entered: float, cpu: float
) -> None:
    telling = Telling(2)
    telling.user(0, 0.0, 3.0, entered=entered)
    telling.user(1, 0.5, 2.5, status=0)
    for request, kind, begun, ended, sensitive in spans:
        telling.span(request, kind, "name", begun, ended, sensitive=sensitive)
    telling.load(0.0, 2.0, cpu=cpu, runnable=3)
    for spent in spent_by(telling.made).values():
        assert sum(one.seconds for one in spent.slices) == pytest.approx(spent.asked.seconds)


def test_before_the_application_is_waiting_for_a_worker() -> None:
    telling = Telling()
    name = telling.user(0, 0.0, 3.0, entered=2.0)
    telling.span(name, "view", "shop.view", 2.1, 3.0)
    assert seconds_of(telling, name) == {"worker": 2.0, "application": 0.1, "view shop.view": 0.9}


def test_what_a_layer_encloses_is_not_the_layers_own() -> None:
    telling = Telling()
    name = telling.user(0, 0.0, 1.0)
    telling.span(name, "layer", "Outer", 0.0, 1.0)
    telling.span(name, "layer", "Inner", 0.2, 0.9)
    telling.span(name, "view", "shop.view", 0.3, 0.8)
    telling.span(name, "database", "default", 0.4, 0.7)
    assert seconds_of(telling, name) == {
        "middleware Outer": 0.3,
        "middleware Inner": 0.2,
        "view shop.view": 0.2,
        "database default": 0.3,
    }


def test_a_loop_that_another_request_blocks_takes_all_others_time() -> None:
    telling = Telling()
    blocks = telling.user(0, 0.0, 1.0)
    waits = telling.user(1, 0.0, 2.0, entered=1.0)
    telling.span(blocks, "blocked", "shop.sleep", 0.1, 1.0, what="loop")
    telling.span(blocks, "view", "shop.sleep", 0.0, 1.0)
    telling.span(waits, "blocked", "shop.sleep", 1.0, 2.0, what="loop")
    assert seconds_of(telling, waits) == {
        "worker": 0.1,
        "blocked-loop shop.sleep": 0.9,
        "application": 1.0,
    }
    # Its own blocking is its own work.
    assert seconds_of(telling, blocks) == {"view shop.sleep": 1.0}


def test_hubs_are_told_from_loops() -> None:
    telling = Telling()
    name = telling.user(0, 0.0, 1.0)
    telling.span("", "blocked", "shop.driver", 0.0, 1.0, what="hub")
    assert seconds_of(telling, name) == {"blocked-hub shop.driver": 1.0}


def test_the_collector_stops_everybody_of_its_process_only() -> None:
    telling = Telling()
    here, there = telling.user(0, 0.0, 1.0), telling.user(1, 0.0, 1.0, pid=8)
    telling.span("", "gc", "generation 2", 0.2, 0.5)
    assert seconds_of(telling, here)["collector"] == 0.3
    assert "collector" not in seconds_of(telling, there)


def test_one_core_is_competed_for_only_where_several_want_it_and_it_is_used_up() -> None:
    for load, competed in (
        ({"cpu": 0.95, "runnable": 4}, True),
        ({"cpu": 0.95, "runnable": 1}, False),
        ({"cpu": 0.2, "runnable": 4}, False),
        # The machine is busy, too.
        ({"cpu": 0.5, "runnable": 4, "starved": 0.4}, True),
        ({"cpu": 0.2, "runnable": 4, "starved": 2.0}, False),
    ):
        telling = Telling()
        name = telling.user(0, 0.0, 1.0)
        telling.load(0.0, 1.0, **load)
        assert ("gil" in seconds_of(telling, name)) is competed


def test_hops_are_told_by_what_they_wait_for() -> None:
    telling = Telling()
    name = telling.user(0, 0.0, 1.0)
    telling.span(name, "thread", "shop.load", 0.0, 0.2, sensitive=True)
    telling.span(name, "thread", "shop.load", 0.2, 0.5, executor="shop/x.py:9")
    telling.span(name, "thread", "shop.load", 0.5, 0.6)
    assert seconds_of(telling, name) == {
        "thread-sensitive": 0.2,
        "executor shop/x.py:9": 0.3,
        "thread shop.load": 0.1,
        "application": 0.4,
    }


def test_a_request_that_never_got_in_waited_all_the_time() -> None:
    telling = Telling()
    name = telling.user(0, 0.0, 1.0, status=0, error="refused")
    assert seconds_of(telling, name) == {"worker": 1.0}


def test_requests_alone_are_looked_at_too() -> None:
    spent = spent_by(one_lock().made)
    assert {name for name in spent if "alone" in name}
    assert len(spent) == 13
