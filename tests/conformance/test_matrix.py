"""Every server at every place: what a request reads is its own, and nothing is left of it."""

import pytest

from tests.conformance.matrix import Outcome
from tests.conformance.places import PLACES

GROUPS = list(dict.fromkeys(place.group for place in PLACES))


@pytest.mark.parametrize("group", GROUPS)
def test_each_request_reads_its_own_at(outcome: Outcome, group: str):
    rows = [place.name for place in PLACES if place.group == group]
    complaint = outcome.complaint(rows)
    assert not complaint, f"\n{complaint}"


def test_every_place_was_visited(outcome: Outcome):
    never = [row for row, tally in outcome.tallies.items() if tally.readings == 0]
    assert not never
    assert set(outcome.tallies) == set(outcome.server.rows())


def test_no_scope_is_open_afterwards(outcome: Outcome):
    assert outcome.leak.by_process, "no process reported"
    assert len(outcome.leak.by_process) == outcome.server.workers
    assert outcome.leak.scopes == 0, outcome.leak


def test_no_request_object_is_alive_afterwards(outcome: Outcome):
    assert outcome.leak.requests <= outcome.bearable, outcome.leak


def test_no_scope_was_left_to_the_garbage_collector(outcome: Outcome):
    assert not outcome.noise, "\n".join(outcome.noise)
