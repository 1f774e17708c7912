"""No order of steps, and no crash, lets the protocol serve what is no longer true.

And the same search finds where the usual ways do, and the protocol with one safeguard taken out.
"""

import dataclasses

import pytest

from tests.cache.model.others import WAYS
from tests.cache.model.protocol import Rules
from tests.cache.model.runs import KINDS, Run, other

ISOLATIONS = ["read committed", "repeatable read"]


def nothing_wrong(run: Run) -> None:
    found = run.search()
    assert found.reads > 0
    assert not found.wrong, found.example


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_one_writer_and_two_readers(kind, warm, isolation):
    nothing_wrong(Run(kind, 1, 2, warm, isolation))


def test_two_writers_and_two_readers():
    # The other engines, and from a cold start: `python -m tests.cache.model`, in two minutes.
    nothing_wrong(Run("one step", 2, 2))


@pytest.mark.parametrize(
    "goes_wrong",
    [("forgotten",), ("forgotten", "forgotten"), ("flushed",), ("dumped", "restored"), ("outage",)],
    ids=" and ".join,
)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_store_that_forgets_is_emptied_goes_back_or_does_not_answer(kind, goes_wrong):
    # Memcached's steps are many; with one reader, each order of them is tried in a second.
    nothing_wrong(Run(kind, readers=1 if kind == "one item" else 2, goes_wrong=goes_wrong))


#: Where the lack of each safeguard shows.
LACKS = {
    "marks_before_commit": Run(),
    "bumps_after_commit": Run(),
    "mark_must_be_acknowledged": Run(goes_wrong=("outage",)),
    "marks_become_bumps": Run(),
    "marks_outlive_the_commit": Run(),
    "hits_look_at_marks": Run(),
    "hits_look_at_numbers": Run(),
    "stamps_before_the_load": Run(),
    "stamps_at_begin": Run(isolation="repeatable read"),
    "unknown_tags_read_as_new": Run(goes_wrong=("forgotten",)),
    "lost_state_is_a_new_epoch": Run(goes_wrong=("dumped", "restored")),
    "new_epochs_are_quiet": Run(goes_wrong=("flushed",)),
    "hits_read_marks_first": Run("one item", readers=1),
    "numbers_only_grow": Run("one item", 2, 1, settles=False),
    "marks_go_last": Run("one item", readers=1),
    "new_items_begin_empty": Run("one item", readers=1, goes_wrong=("forgotten", "forgotten")),
}


def test_each_safeguard_is_taken_out_once():
    assert set(LACKS) == {field.name for field in dataclasses.fields(Rules)}


@pytest.mark.parametrize("safeguard", LACKS)
def test_without_any_one_safeguard_something_wrong_is_served(safeguard):
    run = dataclasses.replace(LACKS[safeguard], rules=Rules(**{safeguard: False}))
    found = run.search()
    assert found.wrong
    assert found.example


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
@pytest.mark.parametrize("way", WAYS)
def test_the_usual_ways_serve_what_is_wrong(way, warm):
    found = other(way, warm=warm)
    assert found.stale
    assert found.permanent
