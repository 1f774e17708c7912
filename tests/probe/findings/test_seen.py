"""What needs no rerun: what users saw of each other, what stayed, what grew, who was refused."""

from holdfast.probe.findings import Finding, examine, prove
from tests.probe.findings.telling import Reruns, Telling, at_once


def findings(telling: Telling) -> list[Finding]:
    return list(examine(telling.made, cores=4).seen)


def quick(users: int = 10) -> Telling:
    telling = Telling(users)
    telling.made = at_once(users)
    return telling


def test_what_was_anothers_is_told_with_both_requests() -> None:
    telling = quick().crossed("r-1-1", "r-2-2", "body of the answer", "shop.middleware.last")
    telling.crossed("r-3-3", "r-4-4", "body of the answer", "shop.middleware.last")
    (found,) = findings(telling)
    assert (found.code, found.culprit, found.proved) == ("crossed", "shop.middleware.last", True)
    assert "request r-1-1 (/) sent it, r-2-2 (/) got it" in found.sentence
    assert "2 times" in found.sentence


def test_what_was_anothers_comes_before_all_else() -> None:
    telling = quick().kept("shop.last", 1).crossed("r-1-1", "r-2-2", "log")
    found = prove(examine(telling.made, cores=4), Reruns(lambda _: at_once()))
    assert [one.code for one in found] == ["crossed", "kept"]


def test_what_stayed_is_told_once_as_it_was_at_the_last_look() -> None:
    telling = quick().kept("shop.seen", 3, at=1.0).kept("shop.seen", 13, at=2.0)
    (found,) = findings(telling)
    assert found.sentence == (
        "After all requests had ended, 13 of WSGIRequest could still be reached, by shop.seen."
    )


def test_what_is_gone_at_the_last_look_did_not_stay() -> None:
    assert findings(quick().kept("shop.seen", 3, at=1.0).kept("shop.seen", 0, at=2.0)) == []


def test_threads_that_each_request_leaves_grow() -> None:
    telling = quick().count(1.0, 10, threads=5).count(2.0, 10, 5).count(3.0, 30, 25)
    (found,) = findings(telling)
    assert (found.code, found.culprit) == ("growing", "threads")
    assert "5 threads at the beginning and 25 after 20 more requests" in found.sentence


def test_a_pool_that_fills_up_does_not_grow() -> None:
    assert findings(quick().count(1.0, 1, 5).count(2.0, 11, 15).count(3.0, 24, 15)) == []
    assert findings(quick().count(1.0, 11, 5).count(2.0, 24, 13)) == []


def test_what_a_few_requests_bring_is_chance() -> None:
    assert findings(quick().count(1.0, 3, 5).count(2.0, 9, 15)) == []


def test_requests_that_are_refused_only_together() -> None:
    telling = quick(4)
    for number in range(4, 10):
        name = telling.user(number, 0.0, 0.01, status=503)
        telling.made.served = [one for one in telling.made.served if one.request != name]
    (found,) = findings(telling)
    assert (found.code, found.culprit) == ("refused", "gunicorn: status 503")
    assert "6 of 10 requests failed (status 503)" in found.sentence
    assert "--limit-concurrency" in found.mend


def test_requests_that_get_no_answer() -> None:
    telling = quick(4)
    telling.user(5, 0.0, 0.01, status=0, error="ConnectionResetError: reset")
    (found,) = findings(telling)
    assert "ConnectionResetError" in found.culprit
    assert "--backlog" in found.mend


def test_failures_of_the_application_show_its_error() -> None:
    telling = quick(4)
    telling.user(5, 0.0, 0.01, status=500)
    telling.made.log = "Traceback\n  x\nRuntimeError: You cannot use AsyncToSync here\n"
    (found,) = findings(telling)
    assert found.culprit == "the application: status 500"
    assert found.evidence == ("RuntimeError: You cannot use AsyncToSync here",)


def test_what_fails_alone_too_is_no_matter_of_many() -> None:
    telling = Telling(1)
    telling.user(0, 0.0, 0.1, status=500)
    telling.made.alone = telling.made.together
    assert findings(telling) == []
