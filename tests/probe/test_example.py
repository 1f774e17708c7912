"""The example's four faults, as usually written and as mended, under the watch and the probe."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from demonstration.cases.lost_cache import Upload
from demonstration.running import EXAMPLE, connect
from demonstration.servers import FOUR_WORKERS, ONE_LOOP, SERVERS, Application, Server
from demonstration.serving import DJANGO, PLAIN, QUOTES, environment_in, prepare_database
from demonstration.visitor import Visitor
from holdfast.probe import markers
from holdfast.testing.ports import free_port

RUN = markers.new_run()
USERS = 6


@dataclass(frozen=True)
class Case:
    """A fault: where it is served, who meets it, and what the watch says of it as it was."""

    name: str
    server: Server
    applications: dict[str, Application]
    visit: Callable[[int, int], object]
    kind: str
    place: str


def upload(port: int, user: int) -> None:
    """Of different length, so that the short ones end while the long ones still go on."""
    urls = [f"https://{user}.example/{line}" for line in range(4 + 8 * user)]
    with Visitor(port) as visitor:
        visitor.upload("/labels/import/", "urls", "\n".join(Upload(user, urls).urls))


def fill_basket(port: int, user: int) -> None:
    with Visitor(port) as visitor:
        for turn in range(3):
            visitor.get(f"/users/{user}{turn}?ms={50 + 20 * (user % 3)}")


def ask_for_a_quote(port: int, user: int) -> None:
    with Visitor(port) as visitor:
        assert visitor.get(f"/quote/?seconds={0.8 - user / 10}").status == 200


def announce(port: int, user: int) -> None:
    with Visitor(port) as visitor:
        text = markers.marker(RUN, "body", user, 0)
        assert visitor.post("/announcements/view1/", text=text).status == 200
        for _ in range(10):
            assert visitor.get("/announcements/view2/").status == 200


GEVENT = SERVERS["gunicorn-gevent"]
CASES = [
    Case("lost cache", GEVENT, DJANGO, upload, "", "before.label_cache._cache"),
    Case("crossed greenlets", GEVENT, PLAIN, fill_basket, "lost write", "before.user_log._serving"),
    Case(
        "swapped durations",
        ONE_LOOP,
        QUOTES,
        ask_for_a_quote,
        "lost write",
        "before.api_logger.ApiLogger.request_time",
    ),
    Case("static dict", FOUR_WORKERS, DJANGO, announce, "leak", "before.announcements._board"),
]


@dataclass
class Watched:
    """A server under the watch; `crossings` once it has ended."""

    port: int
    crossings: list[dict[str, Any]] = field(default_factory=list)
    said: str = ""

    @property
    def bugs(self) -> list[dict[str, Any]]:
        return [one for one in self.crossings if one["kind"] in {"lost write", "leak"}]


@contextmanager
def watched(command: Sequence[str], port: int, environment: dict[str, str]) -> Iterator[Watched]:
    process = subprocess.Popen(
        [sys.executable, "-m", "holdfast", "watch", "--json", "--", *command],
        cwd=EXAMPLE,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    found = Watched(port)
    try:
        until = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < until:
            with suppress(OSError):
                connect(port)
                break
            time.sleep(0.05)
        yield found
    finally:
        process.send_signal(signal.SIGINT)
        out, found.said = process.communicate(timeout=60)
    found.crossings = json.loads(out.splitlines()[-1])["crossings"] if out else []


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder: Path = tmp_path_factory.mktemp("example")
    found = environment_in(folder)
    prepare_database(found)
    return found


# By default one of the mended ones: `HOLDFAST_GARDEN=all` runs everything.
ALL = os.environ.get("HOLDFAST_GARDEN") == "all"
WATCHED = [
    *((case, "before") for case in CASES),
    *((case, "after") for case in (CASES if ALL else CASES[2:3])),
]


@pytest.mark.parametrize(
    ("case", "variant"),
    [pytest.param(*each, id=f"{each[0].name}-{each[1]}") for each in WATCHED],
)
def test_the_watch_finds_it_in_one_run_and_says_nothing_once_it_is_mended(
    environment: dict[str, str], case: Case, variant: str
) -> None:
    port = free_port()
    command = case.server.command(case.applications[variant], port)
    with watched(command, port, environment) as server, ThreadPoolExecutor(USERS) as users:
        list(users.map(lambda user: case.visit(port, user), range(USERS)))
    if variant == "after":
        assert server.bugs == [], server.said
        return
    places = {(one["kind"], one["place"]) for one in server.bugs}
    assert any(
        kind.startswith(case.kind) and place.startswith(case.place) for kind, place in places
    ), (places, server.said)


# The probe's users, who carry markers


def probed(
    command: Sequence[str], environment: dict[str, str], *options: str
) -> list[dict[str, Any]]:
    """What `holdfast probe --only-canaries` finds."""
    run = subprocess.run(
        [
            *(sys.executable, "-m", "holdfast", "probe", "--json", "--only-canaries"),
            *("--users", "6", *options, "--", *command),
        ],
        cwd=EXAMPLE,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert run.stdout, run.stderr
    return json.loads(run.stdout)["findings"]


@pytest.mark.parametrize("variant", ["before", "after"])
def test_canaries_in_the_log_show_who_is_taken_for_another_one(
    environment: dict[str, str], variant: str
) -> None:
    command = GEVENT.command(PLAIN[variant], free_port())
    # The last --workers counts: all users meet in one.
    command += ["--workers", "1"]
    found = probed(command, environment, "--path", "/users/{marker}?ms=50")
    if variant == "after":
        assert found == []
        return
    crossed = [one for one in found if one["code"] == "crossed"]
    assert any("plain/basket.py:" in one["place"] for one in crossed), found


UPLOAD = """
- path: /labels/import/
  method: POST
  headers:
    Content-Type: multipart/form-data; boundary=cut
    Accept: application/json
  body: "--cut\\r\\nContent-Disposition: form-data; name=\\"urls\\"; filename=\\"urls.txt\\"\\r\\n\\
    Content-Type: text/plain\\r\\n\\r\\n{lines}\\r\\n--cut--\\r\\n"
"""


@pytest.mark.skipif(not ALL, reason="the watch finds it, too; with HOLDFAST_GARDEN=all")
@pytest.mark.parametrize("variant", ["before", "after"])
def test_uploads_that_overlap_fail_or_show_others_labels(
    environment: dict[str, str], tmp_path: Path, variant: str
) -> None:
    lines = "\\n".join(f"https://a.example/{{marker}}/{line}" for line in range(12))
    plan = tmp_path / "plan.yaml"
    plan.write_text(UPLOAD.replace("{lines}", lines))
    command = GEVENT.command(DJANGO[variant], free_port())
    command += ["--workers", "1"]
    found = probed(command, environment, "--plan", str(plan))
    if variant == "after":
        assert found == []
        return
    assert {one["code"] for one in found} & {"refused", "crossed"}, found
