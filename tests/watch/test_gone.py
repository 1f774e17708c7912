"""What a request had put or seen somewhere, and another one has taken away."""

import pytest

from holdfast.watch import Kind
from holdfast.watch.visits import failed
from holdfast.watch.words import words
from tests.watch.project import within

SOURCE = """
    import threading
    local = threading.local()
    known = {}

    class Holder:
        pass
    holder = Holder()

    def put_local(): local.labels = {1: "one"}
    def take_local(): local.__dict__.clear()
    def use_local(): return local.labels

    def put_item(): known["labels"] = 1
    def take_item(): del known["labels"]
    def use_item(): return known["labels"]

    def put_attribute(): holder.labels = 1
    def take_attribute(): del holder.labels
    def use_attribute(): return holder.labels

    def use_item_carefully():
        try:
            return known["labels"]
        except KeyError:
            return None
"""
KINDS = ["local", "item", "attribute"]


def failing(scope, use) -> None:
    with pytest.raises((KeyError, AttributeError)) as raised:
        within(scope, use)
    within(scope, failed, raised.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by", ["who put it there", "who saw it there"])
def test_a_request_that_fails_of_what_another_took_away_has_lost_it(project, requests, kind, by):
    module = project.load(SOURCE)
    put, take, use = (getattr(module, f"{verb}_{kind}") for verb in ("put", "take", "use"))
    a, b, c = requests
    if by == "who put it there":
        within(a, put)
        loser = a
    else:
        within(c, put)
        within(a, use)
        loser = a
        project.watch.collector.clear()
    within(b, take)
    failing(loser, use)
    lost = project.only()
    assert lost.kind is Kind.LOST
    assert "GET /a/" in lost.read.request
    assert "GET /b/" in lost.written.request
    assert "had deleted what it used" in lost.message
    assert "deleted by" in words([lost])


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_that_takes_away_what_it_put_there_lost_nothing(project, requests, kind):
    module = project.load(SOURCE)
    put, take, use = (getattr(module, f"{verb}_{kind}") for verb in ("put", "take", "use"))
    within(requests[0], put)
    within(requests[0], take)
    failing(requests[0], use)
    assert project.kinds() == []


def test_a_request_that_expects_it_to_be_gone_lost_nothing(project, requests):
    module = project.load(SOURCE)
    a, b, _ = requests
    within(a, module.put_item)
    within(b, module.take_item)
    assert within(a, module.use_item_carefully) is None
    within(a, failed, ValueError("of something else"))
    assert project.kinds() == []


def test_the_failure_is_known_by_its_cause(project, requests):
    module = project.load(SOURCE)
    a, b, _ = requests
    within(a, module.put_item)
    within(b, module.take_item)
    with pytest.raises(KeyError) as raised:
        within(a, module.use_item)
    error = RuntimeError("no labels")
    error.__cause__ = raised.value
    within(a, failed, error)
    assert project.kinds() == [Kind.LOST]


def test_few_deletions_are_remembered_of_one_container(project, requests):
    module = project.load("""
        known = {}
        def put_and_take(number):
            known[number] = number
            del known[number]
        def fill(number): known[number] = number
        def empty(): known.clear()
    """)
    for number in range(300):
        within(requests[0], module.put_and_take, number)
    cells = project.watch.shadow.cells[id(module.known)]
    assert set(cells.gone) == {("[", number) for number in range(200, 300)}
    for number in range(300):
        within(requests[0], module.fill, number)
    within(requests[1], module.empty)
    assert len(cells.gone) == 100
