"""The queue and its thread: never in the way, nothing lost at the end, each process its own."""

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import holdfast
from holdfast.log.formats import FORMATS
from holdfast.log.recorder import recorder_for
from holdfast.log.redaction import Redaction
from holdfast.log.sinks import NotAll, ToFunction
from holdfast.wsgi import RequestLog
from tests.fresh_process import output_of
from tests.log.driving import Events, ask, hello

ASK = """
    import holdfast, holdfast.wsgi, os, sys
    from wsgiref.util import setup_testing_defaults
    def hello(environ, start_response):
        start_response("200 OK", [])
        return [b"hello"]
    def ask(application, path):
        environ = {"PATH_INFO": path, "QUERY_STRING": ""}
        setup_testing_defaults(environ)
        body = application(environ, lambda *_: None)
        b"".join(body)
        body.close()
    application = holdfast.wsgi.RequestLog(hello, output="file:" + sys.argv[1], format="json")
"""


def paths(file: Path) -> list[str]:
    return [json.loads(line)["path"] for line in file.read_text().splitlines()]


def test_records_are_written_without_being_asked_for():
    written = threading.Event()
    ask(RequestLog(hello, output=lambda event: written.set()))
    assert written.wait(20)


def test_a_full_queue_drops_and_counts_and_never_blocks():
    events = Events()
    stuck, goes_on = threading.Event(), threading.Event()

    def output(event: dict[str, Any]) -> None:
        stuck.set()
        goes_on.wait(20)
        events(event)

    application = RequestLog(hello, output=output, queue=10)
    ask(application)
    assert stuck.wait(20)  # the thread has taken one, and is inside of it
    for _ in range(25):
        ask(application)
    assert holdfast.log.stats()["dropped"] >= 15
    assert len(events) == 0
    goes_on.set()
    assert recorder_for(application._settings).writer.flush(20)
    assert [event["event"] for event in events].count("out") == 11
    assert [event["records"] for event in events if event["event"] == "dropped"] == [15]


def test_an_output_that_fails_is_counted_and_the_next_is_written(caplog: pytest.LogCaptureFixture):
    events = Events()
    failing = [OSError("disk full")]

    def output(event: dict[str, Any]) -> None:
        if failing:
            raise failing.pop()
        events(event)

    application = RequestLog(hello, output=output)
    failed = holdfast.log.stats()["failed"]
    ask(application)
    holdfast.log.flush(20)
    ask(application)
    holdfast.log.flush(20)
    assert holdfast.log.stats()["failed"] == failed + 1
    assert len(events) == 1
    assert "could not write 1 records" in caplog.text


def test_an_output_that_fails_for_one_event_gets_the_others(caplog: pytest.LogCaptureFixture):
    events = Events()

    def output(event: dict[str, Any]) -> None:
        if event["path"] == "/3":
            raise ValueError("not this one")
        events(event)

    application = RequestLog(hello, output=output)
    before = holdfast.log.stats()
    for number in range(20):
        ask(application, PATH_INFO=f"/{number}")
    holdfast.log.flush(20)
    after = holdfast.log.stats()
    assert [event["path"] for event in events] == [f"/{n}" for n in range(20) if n != 3]
    assert (after["failed"] - before["failed"], after["written"] - before["written"]) == (1, 19)
    assert "could not write 1 records" in caplog.text
    assert "not this one" in caplog.text


def test_an_output_that_takes_its_time_to_fail_is_not_waited_for_by_each_event(
    monkeypatch: pytest.MonkeyPatch,
):
    now, asked = [0.0], []

    def output(event: dict[str, Any]) -> None:
        asked.append(event["path"])
        if event["path"] == "/3":
            now[0] += 5
            raise TimeoutError

    sink = ToFunction(output)
    monkeypatch.setattr("holdfast.log.sinks.time.monotonic", lambda: now[0])
    with pytest.raises(NotAll) as raised:
        sink.write([{"path": f"/{number}"} for number in range(20)])
    assert asked == ["/0", "/1", "/2", "/3"]
    assert raised.value.lost == 17


@pytest.mark.parametrize("form", FORMATS)
def test_a_request_that_can_not_be_described_has_its_line_and_so_have_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
):
    def text(redaction: Redaction, text: str, real: Any = Redaction.text) -> str:
        if text == "/odd":
            raise ValueError
        return str(real(redaction, text))

    monkeypatch.setattr(Redaction, "text", text)
    file = tmp_path / "log"
    application = RequestLog(hello, output=f"file:{file}", format=form)
    failed = holdfast.log.stats()["failed"]
    for path, request_id in (("/a", "first"), ("/odd", "second"), ("/b", "third")):
        ask(application, PATH_INFO=path, HTTP_X_REQUEST_ID=request_id)
    holdfast.log.flush(20)
    lines = file.read_text().splitlines()
    assert len(lines) == 3
    for line, request_id in zip(lines, ("first", "second", "third"), strict=True):
        assert request_id in line
        assert "200" in line
        assert "complete" in line
    assert ["***" in line for line in lines] == [False, True, False]
    assert holdfast.log.stats()["failed"] == failed


def test_all_is_written_when_the_process_ends(tmp_path: Path):
    file = tmp_path / "log"
    output_of(ASK + "    for n in range(500): ask(application, f'/{n}')", str(file))
    assert paths(file) == [f"/{n}" for n in range(500)]


def test_each_process_writes_its_own_after_a_fork(tmp_path: Path):
    file = tmp_path / "log"
    code = ASK + (
        "    ask(application, '/before')\n"
        "    pids = []\n"
        "    for child in range(3):\n"
        "        pid = os.fork()\n"
        "        if not pid:\n"
        "            for n in range(50): ask(application, f'/{child}/{n}')\n"
        "            sys.exit()\n"
        "        pids.append(pid)\n"
        "    for pid in pids: os.waitpid(pid, 0)\n"
    )
    output_of(code, str(file))
    written = paths(file)
    assert sorted(written) == sorted(
        ["/before", *(f"/{child}/{n}" for child in range(3) for n in range(50))]
    )
    ids = [json.loads(line)["request_id"] for line in file.read_text().splitlines()]
    assert len(set(ids)) == len(ids)
    assert len({json.loads(line)["pid"] for line in file.read_text().splitlines()}) == 4


@pytest.mark.parametrize("end", ["sys.exit()", "os.kill(os.getpid(), 15)"])
def test_what_was_under_way_at_a_fork_ends_in_the_parent_only(tmp_path: Path, end: str):
    file = tmp_path / "log"
    code = ASK + (
        "    def forks(environ, start_response):\n"
        "        if environ['PATH_INFO'] == '/forks' and not os.fork():\n"
        "            ask(application, '/child')\n"
        f"            {end}\n"
        "        os.wait()\n"
        "        return hello(environ, start_response)\n"
        "    output = 'file:' + sys.argv[1]\n"
        "    ask(holdfast.wsgi.RequestLog(forks, output=output, format='json'), '/forks')\n"
    )
    output_of(code, str(file))
    events = [json.loads(line) for line in file.read_text().splitlines()]
    assert sorted((event["path"], event["outcome"]) for event in events) == [
        ("/child", "complete"),
        ("/forks", "complete"),
    ]


def test_what_is_under_way_when_the_process_ends_is_called_off(tmp_path: Path):
    file = tmp_path / "log"
    code = ASK + (
        "    environ = {'PATH_INFO': '/open', 'QUERY_STRING': ''}\n"
        "    setup_testing_defaults(environ)\n"
        "    body = application(environ, lambda *_: None)\n"
    )
    output_of(code, str(file))
    [event] = [json.loads(line) for line in file.read_text().splitlines()]
    assert (event["path"], event["outcome"]) == ("/open", "cancelled")


def test_what_was_answered_before_the_process_is_killed_for_being_late_is_complete(tmp_path: Path):
    file = tmp_path / "log"
    code = ASK + (
        "    import asyncio, holdfast.asgi, threading\n"
        "    from holdfast.log.ending import end_all\n"
        "    async def application(scope, receive, send):\n"
        "        await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "        if scope['path'] == '/answered': await send({'type': 'http.response.body'})\n"
        "        end_all('time_out')\n"
        "    async def send(message): pass\n"
        "    application = holdfast.asgi.RequestLog(\n"
        "        application, output='file:' + sys.argv[1], format='json')\n"
        "    for path in ('/answered', '/late'):\n"
        "        scope = {'type': 'http', 'path': path, 'method': 'GET', 'headers': []}\n"
        "        asyncio.run(application(scope, None, send))\n"
        # Its end has begun: a thread might outlive the interpreter.
        "    print(threading.active_count(), len(sys._current_frames()))\n"
    )
    assert output_of(code, str(file)) == "1 1"
    events = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(event["path"], event["outcome"]) for event in events] == [
        ("/answered", "complete"),
        ("/late", "time_out"),
    ]


def test_a_file_that_was_moved_away_is_opened_anew(tmp_path: Path):
    file = tmp_path / "log"
    application = RequestLog(hello, output=f"file:{file}")
    ask(application)
    holdfast.log.flush(20)
    file.rename(tmp_path / "log.1")
    deadline = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < deadline
        ask(application)
        holdfast.log.flush(20)
        time.sleep(0.05)
    assert "event=out" in (tmp_path / "log.1").read_text()
    assert "event=out" in file.read_text()


@pytest.mark.parametrize("size", [10, 200])
def test_lines_of_several_processes_do_not_mix_in_a_pipe(tmp_path: Path, size: int):
    code = ASK.replace('output="file:" + sys.argv[1]', 'output="stdout"') + (
        "    for child in range(4):\n"
        "        if not os.fork():\n"
        "            for n in range(300): ask(application, '/' + 'x' * int(sys.argv[1]))\n"
        "            sys.exit()\n"
        "    for _ in range(4): os.wait()\n"
    )
    lines = output_of(code, str(size)).splitlines()
    assert len(lines) == 1200
    for line in lines:
        assert json.loads(line)["outcome"] == "complete"


def test_the_writer_is_a_real_thread_under_gevent_too(tmp_path: Path):
    file = tmp_path / "log"
    code = (
        "    from gevent import monkey\n    monkey.patch_all()\n"
        + ASK
        + (
            "    import time\n"
            "    ask(application, '/')\n"
            "    from gevent import monkey\n"
            "    until = time.monotonic() + 20\n"
            # Nothing yields here: a greenlet would never be asked.
            "    while time.monotonic() < until and not os.path.getsize(sys.argv[1]): pass\n"
            "    print(os.path.getsize(sys.argv[1]) > 0)\n"
        ).replace("os.path.getsize(sys.argv[1])", "os.path.exists(sys.argv[1])")
    )
    assert output_of(code, str(file)) == "True"


def test_sixteen_threads_and_no_event_is_lost():
    events = Events()
    application = RequestLog(hello, output=events, queue=100_000)

    def many() -> None:
        for _ in range(100):
            ask(application)

    threads = [threading.Thread(target=many) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    holdfast.log.flush(20)
    assert len(events) == 1600
    assert len({event["request_id"] for event in events}) == 1600
    assert os.getpid() == events[0]["pid"]
