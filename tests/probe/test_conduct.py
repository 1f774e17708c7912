"""One run: the server is started, asked and ended, whatever it does."""

import asyncio
import shlex
import sys
import time
from types import SimpleNamespace

import pytest

from holdfast.probe import events, markers
from holdfast.probe.conduct import Conductor, ServerFailedError, _Conducted, conduct
from holdfast.probe.run import Asked
from holdfast.probe.users.plan import Plan, Step

PLAN = Plan([Step("/fine/")], users=4)


def test_a_run_has_what_users_saw_and_what_observers_wrote(server):
    run = conduct(server.command(), Plan([Step("/serial/")], users=4))
    assert len(run.alone) == 3
    assert {one.user for one in run.alone} == {-1}
    assert [one.status for one in run.together] == [200] * 4
    assert run.wall >= 0.4
    assert max(one.seconds for one in run.alone) < 0.4
    # More markers were carried before, and that counts for nothing.
    assert {markers.user_of(one.request) for one in run.checked} == {"0", "1", "2", "3"}
    asked = {one.request for one in (*run.alone, *run.together)}
    assert asked <= {one.request for one in run.served}
    assert {one.pid for one in run.served} == server.pids
    assert run.crossed == []
    assert run.settings["address"] == f"http://127.0.0.1:{server.port}"
    assert server.left == set()


def test_what_crosses_is_seen_from_outside(server):
    run = conduct(server.command(), Plan([Step("/crossed/")], users=4), observe=False)
    assert {one.marker_kind for one in run.crossed} == {"header"}
    assert all(markers.user_of(one.owner) != markers.user_of(one.seer) for one in run.crossed)


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda words: ["env", "A=1", *words],
        lambda words: ["sh", "-c", f"{shlex.join(words)}; true"],
        lambda words: ["sh", "-c", f"{shlex.join(words)} & wait"],
    ],
    ids=["env", "shell", "background"],
)
def test_a_command_may_be_wrapped(server, monkeypatch, wrapped):
    # A shell's background jobs don't heed what Ctrl-C sends.
    monkeypatch.setattr("holdfast.probe.serving._INTERRUPTED_WITHIN", 0.5)
    run = conduct(wrapped(server.command()), PLAN)
    assert [one.status for one in run.together] == [200] * 4
    assert run.served
    assert server.left == set()


@pytest.mark.parametrize("mode", ["stubborn", "leaves"])
def test_nothing_of_it_stays_behind(server, monkeypatch, mode):
    monkeypatch.setattr("holdfast.probe.serving._INTERRUPTED_WITHIN", 0.0)
    monkeypatch.setattr("holdfast.probe.serving._TERMINATED_WITHIN", 0.0)
    run = conduct(server.command(mode), PLAN)
    # Though it had no time to write anything at its end.
    assert {one.request for one in run.together} <= {one.request for one in run.served}
    assert [one.status for one in run.together] == [200] * 4
    assert server.pids
    assert server.left == set()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; print('no such table'); sys.exit(3)", "ended with status 3"),
        ("import time; time.sleep(60)", "does not listen anywhere within 1 s"),
        (
            "import socket, time; s = socket.create_server(('127.0.0.1', 0)); time.sleep(60)",
            "does not answer GET /fine/ within 1 s",
        ),
    ],
    ids=["ends", "sleeps", "mute"],
)
def test_a_server_that_does_not_come_up_is_told_and_ended(server, code, said):
    begun = time.monotonic()
    plan = Plan([Step("/fine/")], users=1, up_within=1)
    with pytest.raises(ServerFailedError, match=said) as failure:
        conduct([sys.executable, "-c", code], plan)
    assert time.monotonic() - begun < 20
    assert "\n" not in str(failure.value)
    if "ends" in code:
        assert "no such table" in failure.value.log


def test_a_server_that_dies_under_its_users_is_a_run_with_failures(server):
    run = conduct(server.command(), Plan([Step("/dies/")], users=4))
    assert run.settings["ended"] == "ended with status 7"
    assert {one.status for one in (*run.checked, *run.together)} == {0}
    assert "out of memory" in run.log


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/broken/", "500, also when nobody else asks"),
        ("/private/", "add --login /accounts/login/ --account NAME:PASSWORD"),
        ("/hangs/", "no answer within 1 s. --timeout gives it more"),
    ],
)
def test_what_users_can_t_be_sent_to_is_said_in_a_line(server, path, said):
    plan = Plan([Step(path)], users=2, timeout=1, up_within=3)
    if path == "/hangs/":
        plan = Plan([Step("/fine/"), Step(path)], users=2, timeout=1)
    with pytest.raises(ServerFailedError, match=said) as failure:
        conduct(server.command(), plan)
    assert "\n" not in str(failure.value)
    # What the server printed is shown only where the site itself fails.
    assert bool(failure.value.log) == (path == "/broken/")
    assert server.left == set()


def test_the_site_is_called_as_it_is_told(server):
    plan = Plan([Step("/host/")], users=2, url="http://shop.example")
    run = conduct(server.command(), plan)
    assert [one.status for one in run.together] == [200] * 2


def test_answers_that_are_expected_are_right(server):
    run = conduct(server.command(), Plan([Step("/away/")], users=2, expect=frozenset({503})))
    assert [one.status for one in run.together] == [503] * 2


def test_a_second_run_asks_the_same(server):
    with Conductor(server.command(), PLAN) as conductor:
        first = conductor.run()
        second = conductor.run(name="once more")
    assert second.name == "once more"
    assert [one.path for one in second.together] == [one.path for one in first.together]
    assert {one.request for one in first.served}.isdisjoint(one.request for one in second.served)


@pytest.mark.parametrize(("earlier", "cold"), [([1, 2], False), ([1], True), ([], True)])
def test_a_worker_that_loads_first_is_known_by_its_first_request(tmp_path, earlier, *, cold):
    served = [(f"run-alone-{pid}", pid) for pid in earlier] + [("run-0-0", 1), ("run-1-0", 2)]
    (tmp_path / "1.jsonl").write_text(
        "".join(
            events.line_of(events.Served(request, pid, "thread 1", 1.0, 2.0))
            for request, pid in served
        )
    )
    conducted = object.__new__(_Conducted)
    conducted._folder = tmp_path
    conducted._server = SimpleNamespace(processes=lambda: [0, 1, 2])
    asked = [Asked(f"run-{user}-0", user, "GET", "/", 1.0, 2.0) for user in (0, 1)]
    assert asyncio.run(conducted._met_cold_workers(asked)) is cold
    conducted._server.processes = lambda: [0, 1]
    assert asyncio.run(conducted._met_cold_workers(asked)) is False
