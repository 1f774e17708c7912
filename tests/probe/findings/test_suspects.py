"""Whom the evidence of a run speaks against, first of all."""

from holdfast.probe.change import Change
from holdfast.probe.findings import Suspect, examine
from tests.probe.findings.telling import Telling, at_once, one_lock, one_worker, turns


def first(telling: Telling) -> Suspect:
    return examine(telling.made, cores=4).suspects[0]


def changes(suspect: Suspect) -> list[Change]:
    return [attempt.change for attempt in suspect.attempts]


def test_nobody_where_nobody_waits() -> None:
    examined = examine(at_once(), cores=4)
    assert not examined.slow
    assert not examined.suspects


def test_a_server_that_serves_one_at_a_time() -> None:
    suspect = first(one_worker())
    assert (suspect.code, suspect.culprit) == ("worker", "gunicorn: 1 at a time")
    assert changes(suspect) == [Change(threads=10), Change(workers=10)]
    assert "9 requests waited 1.00 s on average, 1.80 s at the longest" in suspect.because
    assert "--threads" in suspect.mend


def test_a_server_that_had_all_of_them_at_once_has_places_enough() -> None:
    telling = Telling(2).alone()
    telling.user(0, 0.0, 2.0, entered=0.1)
    telling.user(1, 0.0, 2.0, entered=1.9)
    assert not [one for one in examine(telling.made, cores=4).suspects if one.code == "worker"]


def test_a_server_whose_one_worker_computes_needs_processes() -> None:
    telling = Telling(8).alone(0.2, cpu=0.2)
    for number, begun, ended in turns(8):
        telling.user(number, 0.0, ended, entered=begun, cpu=0.2)
    assert changes(first(telling)) == [Change(workers=4)]


def test_a_lock_and_what_its_holder_did() -> None:
    suspect = first(one_lock())
    assert (suspect.code, suspect.place) == ("lock", "shop/locks.py:9")
    assert changes(suspect) == [Change(without_lock=("shop/locks.py:9",))]
    assert "while its holder stood at shop/locks.py:21" in suspect.because
    assert "r-9-9 waited 1.80 s, at last for r-8-8" in suspect.evidence[0]


def test_a_pool_of_one() -> None:
    telling = Telling().alone()
    for number, begun, ended in turns(10):
        name = telling.user(number, 0.0, ended)
        telling.span(name, "pool", "ConnectionPool", 0.0, begun, place="shop/pools.py:3", size=1)
    suspect = first(telling)
    assert (suspect.code, suspect.culprit) == ("pool", "ConnectionPool")
    assert changes(suspect) == [Change(pool_size=(("shop/pools.py:3", 10),))]
    assert "which has 1" in suspect.because


def test_an_executor_with_one_thread() -> None:
    telling = Telling().alone()
    for number, begun, ended in turns(10):
        name = telling.user(number, 0.0, ended)
        telling.span(name, "thread", "shop.draw", 0.0, begun, executor="shop/x.py:5", size=1)
    suspect = first(telling)
    assert (suspect.code, suspect.culprit) == ("executor", "shop/x.py:5")
    assert changes(suspect) == [Change(pool_size=(("shop/x.py:5", 10),))]


def sensitive(culprit: str, kind: str) -> Telling:
    """All wait for the one thread at a small function, and *culprit* has the thread."""
    telling = Telling().alone()
    for number, begun, ended in turns(10):
        name = telling.user(number, 0.0, ended)
        telling.span(name, "thread", "django.reset_queries", 0.0, begun, sensitive=True, ran=0.001)
        telling.span(
            name, "thread", culprit, begun, begun, sensitive=True, ran=0.2, place="shop/a.py:7"
        )
        telling.span(name, kind, culprit, begun, ended)
    return telling


def test_who_had_the_one_thread_is_to_blame_and_not_who_waited_for_it() -> None:
    suspect = first(sensitive("shop.outer.is_banned", "sample"))
    assert (suspect.code, suspect.culprit) == ("thread-sensitive", "shop.outer.is_banned")
    assert changes(suspect) == [Change(without_thread_sensitivity=("shop.outer.is_banned",))]


def test_a_middleware_that_had_the_one_thread_is_left_out() -> None:
    suspect = first(sensitive("shop.middleware.ApiLogger", "layer"))
    assert (suspect.code, suspect.culprit) == ("middleware", "shop.middleware.ApiLogger")
    assert changes(suspect)[0] == Change(without_middleware=("shop.middleware.ApiLogger",))


def blocking(cpu: float, what: str = "loop") -> Telling:
    telling = Telling(server="uvicorn").alone()
    for number, begun, ended in turns(10):
        name = telling.user(number, 0.0, ended, entered=begun, cpu=None)
        telling.span(
            name,
            "blocked",
            "shop.loops.sleep",
            begun,
            ended,
            place="shop/loops.py:5",
            stack=("time.py:1 sleep", "shop/loops.py:5 sleep"),
            what=what,
            cpu=cpu,
        )
    return telling


def test_a_function_that_blocks_the_loop_and_not_the_worker() -> None:
    suspect = first(blocking(cpu=0.0))
    assert (suspect.code, suspect.culprit) == ("blocked-loop", "shop.loops.sleep")
    assert changes(suspect)[0] == Change(in_a_thread=("shop.loops.sleep",))
    assert "blocked the event loop 10 times, 2.00 s in all, in sleep" in suspect.because
    assert suspect.evidence[0] == "time.py:1 sleep"


def test_a_function_that_computes_on_the_loop_needs_processes() -> None:
    suspect = first(blocking(cpu=0.19))
    assert suspect.code == "blocked-loop"
    assert changes(suspect)[0] == Change(workers=4)


def test_a_function_that_blocks_the_hub() -> None:
    suspect = first(blocking(cpu=0.0, what="hub"))
    assert suspect.code == "blocked-hub"
    assert "monkey" in suspect.mend


def test_threads_that_share_one_core() -> None:
    telling = Telling(8).alone(0.25, cpu=0.25)
    for number in range(8):
        name = telling.user(number, 0.0, 2.0, cpu=0.25)
        telling.span(name, "sample", "shop.primes", 0.0, 2.0, place="shop/computing.py:12")
    for tenth in range(20):
        telling.load(tenth / 10, (tenth + 1) / 10, cpu=0.1, runnable=8, working=8)
    suspect = first(telling)
    assert (suspect.code, suspect.culprit) == ("gil", "shop.primes")
    assert suspect.place == "shop/computing.py:12"
    assert changes(suspect) == [Change(workers=8), Change(workers=4)]


def test_the_collector() -> None:
    telling = Telling(4).alone()
    for number, begun, ended in turns(4):
        telling.user(number, 0.0, 1.0)
        telling.span("", "gc", "generation 2", begun, ended, place="shop/tidy.py:3")
    suspect = first(telling)
    assert (suspect.code, suspect.place) == ("collector", "shop/tidy.py:3")
    assert changes(suspect) == [Change(without_collector=True)]


def test_a_database_where_they_wait_for_each_other() -> None:
    telling = Telling(6).alone()
    for number, begun, ended in turns(6):
        name = telling.user(number, 0.0, ended)
        telling.span(name, "database", "default", 0.0, begun, place="shop/stock.py:12")
    suspect = first(telling)
    assert (suspect.code, suspect.place) == ("database", "shop/stock.py:12")
    assert suspect.measured


def test_a_middleware_that_takes_the_time_of_the_few_workers() -> None:
    telling = Telling(6).alone()
    for number, begun, ended in turns(6):
        name = telling.user(number, 0.0, ended, entered=begun)
        telling.span(name, "layer", "shop.middleware.Prices", begun, ended)
        telling.span(name, "sample", "shop.middleware.Prices._rate", begun, ended, place="m.py:4")
    codes = {suspect.code: suspect for suspect in examine(telling.made, cores=4).suspects}
    assert codes["middleware"].culprit == "shop.middleware.Prices"
    assert codes["middleware"].place == "m.py:4"


def test_a_place_where_they_stand_longer_for_no_known_reason_is_told_as_a_suspicion() -> None:
    telling = Telling(6).alone()
    for number, _, ended in turns(6):
        name = telling.user(number, 0.0, ended)
        telling.span(name, "view", "shop.pages.rate", 0.0, ended)
        stack = ("/lib/python3/ssl.py:1 read", "shop/pages.py:4 rate")
        telling.span(
            name, "sample", "shop.pages.rate", 0.0, ended, place="shop/pages.py:4", stack=stack
        )
    suspect = first(telling)
    assert (suspect.code, suspect.culprit) == ("waiting", "shop.pages.rate")
    assert suspect.because.endswith("stood in shop.pages.rate (shop/pages.py:4), in read")
    assert not suspect.attempts


def test_who_cost_little_is_no_suspect() -> None:
    telling = one_lock()
    telling.span("r-3-3", "pool", "Queue", 0.61, 0.63)
    assert [suspect.code for suspect in examine(telling.made, cores=4).suspects] == ["lock"]


def test_a_collector_that_takes_the_time_alone_too() -> None:
    telling = Telling(4).alone(0.5)
    for number in range(3):
        telling.span("", "gc", "generation 2", number - 90.0, number - 89.6)
    for number in range(4):
        telling.user(number, 0.0, 0.5)
    telling.span("", "gc", "generation 2", 0.0, 0.4, place="shop/tidy.py:3")
    examined = examine(telling.made, cores=4)
    assert not examined.slow
    assert [suspect.code for suspect in examined.suspects] == ["collector"]


def test_a_collector_that_ran_a_little_is_no_suspect_where_the_machine_was_busy() -> None:
    telling = one_worker(4)
    telling.load(0.0, 0.8, cpu=0.1, starved=0.7)
    telling.span("", "gc", "generation 2", 0.3, 0.34)
    assert not examine(telling.made, cores=4).suspects


def test_nobody_is_suspected_where_the_observers_saw_nothing() -> None:
    telling = one_worker()
    telling.made.served = []
    examined = examine(telling.made, cores=4)
    assert examined.slow
    assert not examined.suspects


def test_a_lock_is_told_with_the_middleware_that_asks_for_it() -> None:
    telling = Telling().alone()
    for number, begun, ended in turns(10):
        name = telling.user(number, 0.0, ended)
        telling.span(name, "layer", "shared.middleware.ApiLogger", 0.0, ended)
        stack = ("shared/middleware.py:8 ApiLogger.__call__", "/lib/python3/x.py:1 run")
        telling.span(name, "lock", "LOCK", 0.0, begun, place="shared/middleware.py:3", stack=stack)
    suspect = first(telling)
    assert suspect.culprit == "LOCK in shared.middleware.ApiLogger"
    assert "asked for in ApiLogger.__call__ (shared/middleware.py:8)" in suspect.because
