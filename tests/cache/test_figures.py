"""The figures of all processes together: those that live, and those that are gone."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import holdfast
from holdfast import configuration, named_stores
from holdfast.cache import figures, publishing, snapshot, workers
from holdfast.stores import open_store
from tests.cache.conftest import BETWEEN_PROCESSES, KEY, until_it_stores, wait_for
from tests.cache.processes import Process

WORKER = """
holdfast.configure({"STORES": {"cache": sys.argv[1]}, "KEY": KEY_, "CACHE": {"PUBLISH": 0.05}})
@holdfast.cached(300, name=name)
def f(x):
    return x
from holdfast.cache import snapshot
while snapshot().get(name, {}).get("hits", 0) < 10:
    f(1)
    time.sleep(0.01)
say("done")
while True:
    f(1)
    input_line()
    say(str(snapshot()[name]["hits"]))
""".replace("KEY_", repr(KEY))


@pytest.fixture
def place(configure: Callable[..., None]) -> Any:
    """Where the figures are, in a process that publishes none of its own."""
    configure(PUBLISH=None)
    until_it_stores()
    found = figures.place_of("cache")
    figures.forget(found)
    return found


def hits(place: Any, name: str) -> float:
    found: float = figures.read(place).total().names.get(name, {}).get("hits", 0)
    return found


@pytest.mark.parametrize("engine", BETWEEN_PROCESSES, indirect=True)
def test_processes_are_added_up_and_killed_ones_are_kept(
    place: Any, store_url: str, name: str, tmp_path: Path
) -> None:
    arguments = (store_url, name, str(tmp_path / "log"))
    with Process(WORKER, *arguments) as one, Process(WORKER, *arguments) as two:
        assert one.line() == two.line() == "done"
        mine, other = int(one.ask("")), int(two.ask(""))
        exact = mine + other + 2  # each has asked once more since
        wait_for(lambda: hits(place, name) == exact)
        everybody = figures.read(place)
        assert len(everybody.members) == 2
        assert not any(member.is_gone for member in everybody.members)
        one.kill()
        gone = next(member for member in figures.read(place).members if member.is_gone)
        assert figures.fold(place) == 1
        assert figures.fold(place) == 0
        assert hits(place, name) == exact
        everybody = figures.read(place)
        assert everybody.ended == 1
        assert len(everybody.members) == 1
        assert everybody.who(bytes.fromhex(gone.token)) == figures.Member(
            gone.token, gone.host, gone.pid, gone.began, gone.command
        )
        assert int(two.ask("")) == other + 1
        wait_for(lambda: hits(place, name) > exact)


@pytest.mark.parametrize("engine", BETWEEN_PROCESSES, indirect=True)
@pytest.mark.usefixtures("place")
def test_who_is_taken_for_gone_is_counted_once(
    configure: Callable[..., None], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(PUBLISH=60)  # it is told by hand
    place = figures.place_of("cache")

    @holdfast.cached(300, name=name)
    def f() -> int:
        return 1

    for _ in range(5):
        f()
    publishing.publish()
    assert hits(place, name) == 4
    before = workers.this_worker()
    with monkeypatch.context() as patch:
        patch.setattr(figures, "_lives", lambda _: False)
        assert figures.fold(place) == 1
    f()
    publishing.publish()
    assert hits(place, name) == 5
    assert workers.this_worker() != before
    assert len(figures.read(place).members) == 1
    f()
    publishing.publish()
    assert hits(place, name) == 6 == snapshot()[name]["hits"]


def test_figures_that_are_forgotten_begin_anew(configure: Callable[..., None], name: str) -> None:
    configure(PUBLISH=60)
    until_it_stores()

    @holdfast.cached(300, name=name)
    def f() -> int:
        return 1

    f()
    f()
    publishing.publish()
    place = figures.place_of("cache")
    assert hits(place, name) == 1
    figures.forget(place)
    f()
    publishing.publish()
    assert hits(place, name) == 1


@pytest.mark.parametrize("engine", ["lmdb"], indirect=True)
def test_in_an_embedded_store_they_are_where_nothing_is_evicted(
    configure: Callable[..., None], store_url: str, name: str
) -> None:
    configure(PUBLISH=60)

    @holdfast.cached(300, name=name)
    def f() -> int:
        return 1

    f()
    publishing.publish()
    assert not named_stores.store("cache").scan(b"holdfast:").keys
    state = open_store(store_url)
    assert state.scan(b"holdfast:").keys
    state.close()


@pytest.mark.parametrize("engine", ["lmdb"], indirect=True)
def test_a_process_that_ends_at_once_has_told_its_figures(
    place: Any, store_url: str, name: str, tmp_path: Path
) -> None:
    code = """
    holdfast.configure({"STORES": {"cache": sys.argv[1]}})
    @holdfast.cached(300, name=name)
    def f():
        return 1
    f(), f(), f()
    """
    with Process(code, store_url, name, str(tmp_path / "log")) as process:
        assert process._process.wait(30) == 0
    assert hits(place, name) == 2


@pytest.mark.parametrize("engine", ["lmdb"], indirect=True)
def test_a_forked_child_counts_for_itself(
    place: Any, store_url: str, name: str, tmp_path: Path
) -> None:
    code = """
    import os
    from holdfast.cache import publishing
    holdfast.configure({"STORES": {"cache": sys.argv[1]}, "CACHE": {"PUBLISH": 0.05}})
    @holdfast.cached(300, name=name)
    def f():
        return 1
    f(), f()
    publishing.publish()
    for child in range(2):
        if not os.fork():
            f(), f(), f()
            publishing.publish()
            os._exit(0)
    os.wait(), os.wait()
    say("done")
    input_line()
    """
    with Process(code, store_url, name, str(tmp_path / "log")) as process:
        assert process.line() == "done"
        # 1 of the parent, 3 of each child: what the parent has in its memory isn't theirs.
        assert hits(place, name) == 1 + 3 + 3
        everybody = figures.read(place)
        assert len(everybody.members) + everybody.ended == 3


def test_an_order_reaches_all_and_is_over(place: Any) -> None:
    order = figures.Order("name", 0.5, 30.0, "*")
    figures.give_order(place, order)
    assert figures.heard(place, "nobody") == (False, order)
    figures.withdraw_order(place)
    assert figures.heard(place, "nobody") == (False, None)


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
def test_what_nobody_can_read_counts_as_nothing(place: Any) -> None:
    place.set(b"holdfast:figures", b"\xff no JSON")
    assert figures.read(place).members == []
    place.set(b"holdfast:figures", json.dumps([1]).encode())
    assert figures.read(place).members == []
    place.set(b"holdfast:figures:verify", b"{")
    assert figures.heard(place, "nobody") == (False, None)


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
def test_a_silent_process_of_another_machine_is_taken_for_gone(place: Any) -> None:
    long_ago = time.time() - figures.SILENT - 60
    member = figures.Member("aa", "another", os.getpid(), long_ago, "gunicorn")
    member.figures.names = {"f": {"hits": 7, "queries": {"SELECT": 2}}}
    member.figures.store = {"errors": 1, "tier_bytes": 1000}
    figures.register(place, member)
    place.set(
        b"holdfast:figures:aa",
        json.dumps({"seen": long_ago, **member.figures.as_dict()}).encode(),
    )
    assert figures.read(place).total().store == {"errors": 1, "tier_bytes": 0}
    assert figures.fold(place) == 1
    total = figures.read(place).total()
    assert total.names == {"f": {"hits": 7, "queries": {"SELECT": 2}}}
    assert total.store == {"errors": 1}


def test_a_store_that_is_away_is_no_error(name: str, caplog: pytest.LogCaptureFixture) -> None:
    url = {"URL": "redis://127.0.0.1:1/0", "TIMEOUT": 0.1}
    holdfast.configure({"STORES": {"cache": url}, "CACHE": {"PUBLISH": 60}})

    @holdfast.cached(300, name=name)
    def f() -> int:
        return 1

    try:
        assert f() == 1
        caplog.clear()
        publishing.publish()
        assert not caplog.records
        assert snapshot()[name]["outages"] == 1
    finally:
        holdfast.configure({})


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"PUBLISH": 0}, "PUBLISH"),
        ({"PUBLISH": "often"}, "PUBLISH"),
        ({"METRICS": "prometheus"}, "METRICS"),
        ({"METRICS": ["promeheus"]}, "Did you mean 'prometheus'"),
        ({"VERIFY": -0.1}, "VERIFY"),
        ({"VERIFY": 1.5}, "VERIFY"),
        ({"VERIFY": True}, "VERIFY"),
        ({"VERIFY": "all"}, "VERIFY"),
        ({"VERIFY": {"a": 2}}, "VERIFY"),
        ({"VERIFY": {1: 0.5}}, "VERIFY"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(configuration.ConfigurationError, match=says):
        holdfast.configure({"CACHE": settings})
