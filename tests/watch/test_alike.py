"""Values that two requests made: which are told from each other."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from holdfast.watch import Kind
from holdfast.watch.alike import told_apart
from tests.watch.project import within

HOLDER = """
    class Client:
        def __init__(self):
            self.socket = object()
    class Label:
        def __init__(self, text):
            self.text = text
        def __eq__(self, other):
            return self.text == other.text
        __hash__ = None
    class Holder:
        def put(self, value):
            self.value = value
        def read(self):
            return self.value
    holder = Holder()
    def make(name):
        return {made}
"""
NOW, LATER = time.monotonic(), time.monotonic() + 0.5
TODAY = datetime.now(UTC)


@pytest.fixture
def met(project, requests):
    """Judges what an expression gives to two requests that meet."""

    def judged(made):
        module = project.load(HOLDER.replace("{made}", made))
        a, b, _ = requests
        within(a, module.holder.put, module.make("a"))
        within(b, module.holder.put, module.make("b"))
        within(a, module.holder.read)
        return project.only().kind

    return judged


@pytest.mark.parametrize(
    "made",
    [
        '{"read": Client(), "write": Client()}',
        '[Client(), (Client(), "x")]',
        '{"all": {"read": Client()}, "size": 2}',
        "{Client()}",
    ],
)
def test_containers_of_objects_that_were_made_alike_are_no_loss(met, made):
    assert met(made) is Kind.SHARED


@pytest.mark.parametrize(
    "made",
    [
        '{"read": Client(), "of": name}',
        "[Client(), (Client(), name)]",
        "{name: Client()}",
        "[Client()] * ord(name)",
        "[Label(name)]",
        "{Client(), name}",
        'Client() if name == "a" else None',
    ],
)
def test_what_is_plain_in_a_container_tells_it_from_another(met, made):
    assert met(made) is Kind.LOST


TOGETHER = {
    "until when a number holds": ((NOW + 60, 1.25), (LATER + 60, 1.25)),
    "by names": ({"until": NOW + 60, "value": [1]}, {"until": LATER + 60, "value": [1]}),
    "by the clock on the wall": ([time.time(), "x"], [time.time() + 2, "x"]),
    "as a date": ((TODAY, "x"), (TODAY + timedelta(seconds=1), "x")),
}
APART = {
    "times": (NOW, LATER),
    "nothing but times": ((NOW,), (LATER,)),
    "results": ((NOW + 60, 1.25), (LATER + 60, 1.5)),
    "large sums": ((1e12, "EUR"), (1e12 + 1, "EUR")),
    "times of two kinds": ((TODAY, "x"), (TODAY.replace(tzinfo=None), "x")),
    "a time and none": ((NOW, "x"), (None, "x")),
}


@pytest.mark.parametrize("case", TOGETHER)
def test_a_result_with_its_time_is_what_another_found_just_then(case):
    assert not told_apart(*TOGETHER[case])


@pytest.mark.parametrize("case", APART)
def test_other_numbers_and_times_alone_are_told_apart(case):
    assert told_apart(*APART[case])


def test_two_who_miss_in_a_cache_lose_nothing(project, requests):
    module = project.load("""
        CACHE = {}
        def put(now): CACHE["rates"] = (now + 60, 1.25)
        def rates(): return CACHE["rates"][1]
    """)
    a, b, _ = requests
    within(a, module.put, NOW)
    within(b, module.put, LATER)
    assert within(a, module.rates) == 1.25
    assert project.kinds() == [Kind.SHARED]
