"""What the command says is what happens on real servers: who runs in which thread."""

import http.client
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from demonstration.running import EXAMPLE, running
from holdfast.testing.ports import free_port

SITE = "tests.django.stack.site_of_chains"
ROOT = EXAMPLE.parent
UVICORN = ["uvicorn", "--lifespan", "off", "--log-level", "warning", f"{SITE}:application"]
GUNICORN = ["gunicorn", "--no-control-socket", "-k", "gthread", "--threads", "4"]
SERVERS = {
    "Django's": [*UVICORN, "--port", "PORT"],
    "Holdfast's": [*UVICORN, "--port", "PORT"],
    "WSGI": [*GUNICORN, "-b", "127.0.0.1:PORT", f"{SITE}:wsgi_application"],
}
REPORTS = f"""
import json, sys
from {SITE} import CHAINS, choose
from holdfast.django.stack import report
found = {{}}
for chain in CHAINS:
    choose(chain)
    found[chain] = [one.as_data() for one in report.reports()]
json.dump(found, sys.stdout)
"""


@pytest.fixture(scope="module")
def foretold() -> dict[str, list[dict[str, Any]]]:
    """The reports of each chain."""
    done = subprocess.run(
        [sys.executable, "-c", REPORTS],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
        cwd=ROOT,
        env={**os.environ, "HANDLER": "Django's"},
    )
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module", params=SERVERS)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, int]]:
    """Whose handler it is, and where it answers."""
    port = free_port()
    command = [word.replace("PORT", str(port)) for word in SERVERS[request.param]]
    log = tmp_path_factory.mktemp("served") / "log"
    environment = {"HANDLER": request.param, "PYTHONPATH": str(ROOT)}
    with running([sys.executable, "-m", *command], port, log, environment, patience=60):
        yield request.param, port


def ask(port: int, path: str, chain: str) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers={"X-Chain": chain})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return json.loads(body) if body else None
    finally:
        connection.close()


def test_each_hook_runs_where_the_command_says(
    foretold: dict[str, list[dict[str, Any]]], served: tuple[str, int]
) -> None:
    whose, port = served
    for chain, reports in foretold.items():
        for kind in ("async", "sync"):
            (report,) = (one for one in reports if of(one) == (whose, kind))
            ask(port, "/noted/", chain)
            ask(port, f"/{kind}/", chain)
            compare(report, ask(port, "/noted/", chain), chain)


def of(report: dict[str, Any]) -> tuple[str, str]:
    whose = "WSGI" if report["interface"] == "wsgi" else report["handler"]
    return whose, report["view"]


def compare(report: dict[str, Any], seen: dict[str, Any], chain: str) -> None:
    notes = [(what, place(report, ident, in_loop)) for _, what, ident, in_loop in seen["notes"]]
    noted = {what for what, _ in notes}
    promised = [(label(step), step["where"]) for step in report["steps"]]
    told = Counter(one for one in promised if one[0] in noted)
    assert Counter(notes) == told, chain
    assert len(noted) >= 2
    if report["interface"] == "asgi":
        assert bool(seen["with_threads"]) is report["thread"], chain
        # One thread for all of the request, and the event loop's is another.
        threads = {ident for _, _, ident, in_loop in seen["notes"] if not in_loop}
        assert len(threads) <= 1
        assert seen["main"] not in threads


def label(step: dict[str, Any]) -> str:
    if step["middleware"] is None:
        return "the view" if step["what"].startswith("the view") else step["what"]
    return f"{step['hook']} {step['middleware'].rpartition('.')[2]}"


def place(report: dict[str, Any], ident: int, in_loop: bool) -> str:  # noqa: FBT001
    if report["interface"] == "asgi":
        return "event loop" if in_loop else "request's thread"
    return "event loop for this call" if in_loop else "worker's thread"
