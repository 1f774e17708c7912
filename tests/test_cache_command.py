"""The command `holdfast cache`: what it shows, does, and returns."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import holdfast
from holdfast import cli, named_stores
from holdfast.cache import publishing, verifying
from holdfast.command import _settings
from holdfast.command.cache import _what, stats
from tests.cache.conftest import wait_for

MODULE = """
import holdfast

@holdfast.cached(300, stale=60, stale_if_invalidated=5, tags=lambda user, page=1: [f"user:{user}"])
def total(user, page=1):
    return {"total": (user, page)}

@holdfast.cached(None, name="another name")
def named():
    return [1]
"""


@pytest.fixture
def prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module with cached functions, used by this process, which publishes by hand."""
    import sys

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    # Other tests of this process may have a project.
    monkeypatch.setattr(_what, "has_django", lambda: False)
    monkeypatch.setattr(_settings, "_django_runs", lambda: False)
    (tmp_path / "prices_of_the_test.py").write_text(MODULE, encoding="utf-8")
    cache = {"PUBLISH": 60, "COMMIT_TIMEOUT": 60}
    holdfast.configure({"STORES": {"cache": f"lmdb://{tmp_path}/state"}, "CACHE": cache})
    import prices_of_the_test  # type: ignore[import-not-found]

    yield prices_of_the_test
    holdfast.configure({})
    del sys.modules["prices_of_the_test"]


@pytest.fixture
def run(prices: Any, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run_command(*words: str) -> tuple[int, str, str]:
        status = cli.main(["cache", *words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run_command


@pytest.fixture
def asked(run: Any) -> Callable[..., Any]:
    def run_command(*words: str, status: int = 0) -> Any:
        found, output, errors = run(*words, "--json")
        assert (found, errors) == (status, ""), output
        return json.loads(output)

    return run_command


# The documentation

SEEING = (Path(__file__).parents[1] / "docs/cached/seeing.md").read_text(encoding="utf-8")


def test_every_command_is_documented():
    from holdfast.command import cache

    there = {path.stem for path in Path(cache.__path__[0]).glob("*.py")}
    for name in there:
        assert name.startswith("_") or f"`{name}`" in SEEING


def test_every_metric_and_setting_is_documented():
    from holdfast.cache import metrics

    told = {**metrics.COUNTERS, **metrics.OF_STORE, **metrics.OF_THE_MOMENT}
    for each in (*told.values(), metrics.OF_FRAMEWORK):
        assert f"_{each.metric}" in SEEING
    for key in ("METRICS", "PUBLISH", "VERIFY"):
        assert f"| `{key}` |" in SEEING


# stats


def test_stats_tell_of_the_store_and_what_all_have_counted(prices: Any, run: Any, asked: Any):
    for _ in range(4):
        prices.total(7)
    prices.named()
    publishing.publish()
    found = asked("stats", "--count")
    assert (found["results"], found["processes"], found["processes_gone"]) == (2, 1, 0)
    assert found["sequence"] >= 1
    assert found["bytes_in_processes"] > 100
    figures = found["names"]["prices_of_the_test.total"]
    assert (figures["hits"], figures["misses"], figures["loads"]) == (3, 1, 1)
    assert list(asked("stats", "--name", "another*")["names"]) == ["another name"]
    status, output, _ = run("stats")
    assert status == 0
    row = next(line for line in output.splitlines() if line.startswith("prices_of_the_test.total"))
    assert row.split()[1:5] == ["3", "75.0%", "3", "1"]
    [worker] = asked("stats", "--workers")
    assert (worker["process"], worker["state"], worker["hits"]) == (os.getpid(), "alive", 3)


def test_a_process_is_shown_as_other_programs_write_it(
    prices: Any, run: Any, asked: Any, monkeypatch: pytest.MonkeyPatch
):
    worker = stats._worker
    monkeypatch.setattr(stats, "_worker", lambda member: {**worker(member), "process": 1234567})
    prices.total(7)
    publishing.publish()
    assert asked("stats", "--workers")[0]["process"] == 1234567
    assert run("stats", "--workers")[1].splitlines()[1].startswith("1234567 ")


def test_stats_show_queries_that_were_too_broad(prices: Any, run: Any, asked: Any):
    @holdfast.cached(300, name="reads all")
    def reads() -> int:
        for recording in holdfast.cache.current_recordings():
            recording.note_broad("SELECT * FROM article")
        return 1

    reads()
    publishing.publish()
    [found] = asked("stats", "--queries", "--name", "reads all")
    assert found == {"name": "reads all", "loads": 1, "query": "SELECT * FROM article"}
    assert "SELECT * FROM article" in run("stats", "--queries")[1]


def test_stats_can_begin_anew(prices: Any, run: Any, asked: Any):
    prices.total(7)
    publishing.publish()
    assert asked("stats")["names"]
    assert run("stats", "--reset")[0] == 0
    assert asked("stats")["names"] == {}


def test_stats_of_a_store_that_nobody_used_make_none(run: Any, asked: Any):
    place = named_stores.store("cache").url
    for words in (("stats",), ("stats", "--workers"), ("stats", "--reset")):
        status, output, _ = run(*words)
        assert status == 0
        assert output == f"Nothing was counted yet. There is no store {place}.\n"
    assert asked("stats")["names"] == {}
    assert not Path(place.removeprefix("lmdb://")).exists()


def test_a_store_that_is_away_is_said(run: Any):
    status, _, errors = run("stats", "--url", "redis://127.0.0.1:1/0")
    assert status == 3
    assert "Traceback" not in errors


# explain


def test_a_function_s_result_is_explained(prices: Any, run: Any, asked: Any):
    prices.total(7)
    publishing.publish()
    found = asked("explain", "prices_of_the_test.total", "7")
    assert found["state"] == "fresh"
    assert found["key"] == prices.total.key(7).hex()
    assert found["permissions"] == {"stale": 60, "stale_if_invalidated": 5, "fail_safe": 0}
    assert 200 < found["fresh_for"] <= 300
    assert 0 <= found["age"] < 60
    assert abs(found["loaded_at"] - time.time()) < 60
    assert found["loaded_by"]["pid"] == os.getpid()
    assert [tag["state"] for tag in found["tags"]] == ["unchanged"] * 3
    status, output, _ = run("explain", "prices_of_the_test.total", "user=7", "page=1")
    assert status == 0
    assert "true and fresh: it is served" in output
    assert "{'total': (7, 1)}" in output
    assert f"by process {os.getpid()} on " in output
    assert "unchanged: u:user:7" in output
    assert "stale=60 s, stale_if_invalidated=5 s" in output


def test_what_made_it_untrue_is_named(prices: Any, run: Any, asked: Any):
    prices.total(7)
    holdfast.invalidate("user:7")
    found = asked("explain", "prices_of_the_test.total", "7")
    assert found["state"] == "untrue"
    states = {tag["tag"]: tag["state"] for tag in found["tags"]}
    assert states.pop("u:user:7") == "changed"
    assert set(states.values()) == {"unchanged"}
    [changed] = [tag for tag in found["tags"] if tag["state"] == "changed"]
    assert changed["number"] > found["loaded_at_sequence"]
    assert "not true any more" in run("explain", "prices_of_the_test.total", "7")[1]


def test_a_change_that_is_under_way_is_told_from_one_that_is_done(prices: Any, asked: Any):
    prices.total(7)
    tags = named_stores.store("cache").tags
    tags.mark([b"u:user:7"], b"a writer")
    found = asked("explain", "prices_of_the_test.total", "7")
    [tag] = [tag for tag in found["tags"] if tag["tag"] == "u:user:7"]
    assert (tag["state"], tag["marks"]) == ("being changed", 1)
    tags.unmark([b"u:user:7"], b"a writer")
    assert asked("explain", "prices_of_the_test.total", "7")["state"] == "fresh"


def test_a_result_without_end_and_a_key_as_it_stands(prices: Any, run: Any, asked: Any):
    prices.named()
    found = asked("explain", prices.named.key().decode())
    assert (found["name"], found["state"], found["fresh_for"]) == ("another name", "fresh", None)
    assert asked("explain", f"hex:{prices.named.key().hex()}")["state"] == "fresh"
    assert "until it is made untrue, or evicted" in run("explain", "another name")[1]


def test_what_is_not_stored_and_what_there_is_not(prices: Any, run: Any, asked: Any):
    assert asked("explain", "prices_of_the_test.total", "8", status=1)["state"] == "missing"
    status, _, errors = run("explain", "prices_of_the_test.nothing")
    assert status == 1
    assert "No function" in errors
    for misspelt in ("total", "prices_of_the_test.totel", "prices.total"):
        status, _, errors = run("explain", misspelt)
        assert status == 1
        assert "Did you mean " in errors  # other tests of this process may have a `total`, too
        assert "'prices_of_the_test.total'" in errors
    status, _, errors = run("explain", "prices_of_the_test.total")
    assert status == 2
    assert "user" in errors
    assert run("explain", "hex:xyz")[0] == 2
    status, _, errors = run("explain", "/articles/7/")
    assert status == 2
    assert "--settings" in errors


# invalidate


def test_tags_are_made_untrue(prices: Any, run: Any):
    prices.total(7)
    assert run("invalidate", "user:7", "users") == (0, "made untrue: user:7, users\n", "")
    assert prices.total.peek(7) is holdfast.cache.MISSING


def test_one_result_of_a_function_is_or_all_are(prices: Any, run: Any, asked: Any):
    prices.total(7)
    prices.total(8)
    function = "prices_of_the_test.total"
    assert "total(7)" in run("invalidate", "--function", function, "7")[1]
    assert prices.total.peek(7) is holdfast.cache.MISSING
    assert prices.total.peek(8)
    assert asked("invalidate", "--function", function)["invalidated"].startswith("all results of")
    assert prices.total.peek(8) is holdfast.cache.MISSING


def test_everything_is_deleted(prices: Any, run: Any, asked: Any):
    prices.total(7)
    assert run("invalidate", "--everything")[0] == 0
    assert asked("stats", "--count")["results"] == 0


def test_what_makes_no_sense_is_refused(run: Any):
    assert run("invalidate")[0] == 2
    assert run("invalidate", "--everything", "user:7")[0] == 2
    assert run("invalidate", "--function", "no.such.thing")[0] == 1
    assert run("invalidate", "--function", "prices_of_the_test.total", "--model", "a.B")[0] == 2
    assert run("invalidate", "--model", "shop.Article:7")[0] == 2
    assert run("verify", "--share", "2")[0] == 2
    assert run("verify", "--share", "0.5", "--seconds", "0")[0] == 2
    assert run("verify", "--seconds", "-1")[0] == 2


# verify


def test_verify_reports_what_was_compared(tmp_path: Path, run: Any, asked: Any):
    assert run("verify", "--seconds", "0")[0] == 1
    cache = {"PUBLISH": 60, "VERIFY": 1.0}
    holdfast.configure({"STORES": {"cache": f"lmdb://{tmp_path}/state"}, "CACHE": cache})
    truth = ["old"]

    @holdfast.cached(300, name="right")
    def right() -> int:
        return 1

    @holdfast.cached(300, name="wrong")
    def wrong() -> str:
        return truth[0]

    for function in (right, wrong, right):
        function()
        wait_for(lambda: not verifying._running)
    publishing.publish()
    found = asked("verify", "--seconds", "0")
    assert (found["agreed"], found["differed"]) == (1, 0)
    assert found["nines"] is None
    assert found["at_least_nines"] == pytest.approx(0.022, abs=0.001)
    truth[0] = "new"
    assert wrong() == "old"
    wait_for(lambda: not verifying._running)
    publishing.publish()
    found = asked("verify", "--seconds", "0", status=4)
    assert (found["agreed"], found["differed"], found["consistency"]) == (1, 1, 0.5)
    [difference] = found["differences"]
    assert (difference["name"], difference["where"]) == ("wrong", "value: 'old' != 'new'")
    assert asked("verify", "--seconds", "0", "--name", "right")["differed"] == 0
    assert "wrong: wrong, value: 'old' != 'new'" in run("verify", "--seconds", "0")[1]
    # Of a period, only what was compared in it.
    assert asked("verify", "--seconds", "0.1", status=1)["differences"] == []


def test_verify_has_running_processes_compare(tmp_path: Path, run: Any, asked: Any):
    from tests.cache.processes import Process

    code = """
    holdfast.configure({"STORES": {"cache": sys.argv[1]}, "CACHE": {"PUBLISH": 0.05}})
    truth = ["old"]
    @holdfast.cached(300, name="f")
    def f():
        return truth[0]
    f()
    truth[0] = "new"
    say("ready")
    while True:
        f()
        time.sleep(0.005)
    """
    with Process(code, f"lmdb://{tmp_path}/state", "f", str(tmp_path / "log")) as process:
        assert process.line() == "ready"
        found = asked("verify", "--share", "1", "--seconds", "2", status=4)
        assert found["differed"] > 0
        assert found["agreed"] == 0
        # And then no more.

        def stands_still() -> bool:
            before = asked("verify", "--seconds", "0", status=4)["differed"]
            time.sleep(0.2)
            return bool(asked("verify", "--seconds", "0", status=4)["differed"] == before)

        wait_for(stands_still)
