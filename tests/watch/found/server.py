"""Two users at the same time, under gunicorn with threads, as `holdfast watch` runs it."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from holdfast.testing.ports import free_port
from tests.watch.found.bugs import Bug
from tests.watch.found.environment import HERE, variables
from tests.watch.found.requests import Found

#: Seconds for which the two go on, if nothing shows before.
LONGEST = 60.0


def under_server(program: Path, bug: Bug) -> Found:
    """Visit the site until the watch has told of the place."""
    with tempfile.TemporaryDirectory(prefix="holdfast-found-") as folder:
        environment = variables(
            bug.site, FOUND_DATABASE=str(Path(folder) / "site.sqlite3"), FOUND_PAUSE="0.02"
        )
        made = subprocess.run(
            [program, "serving.py"], cwd=HERE, env=environment, capture_output=True, check=False
        )
        if made.returncode:
            return Found(said=made.stderr.decode())
        visits = json.loads(made.stdout)
        port = free_port()
        told = Path(folder) / "told"
        with told.open("wb") as output:
            server = subprocess.Popen(
                [
                    *(program, "-m", "holdfast", "watch", "--json", "--package", bug.name, "--"),
                    *(program, "-m", "gunicorn", "--no-control-socket", "--bind"),
                    *(f"127.0.0.1:{port}", "--worker-class=gthread", "--threads=4"),
                    "application:application",
                ],
                cwd=HERE,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=output,
                start_new_session=True,
            )
        try:
            _visit(port, visits, server)
            server.send_signal(signal.SIGINT)
            out, _ = server.communicate(timeout=60)
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
        if not out.strip():
            return Found(said=told.read_text(errors="replace"))
        return _found(json.loads(out))


def _found(told: dict) -> Found:
    bugs = [one for one in told["crossings"] if one["kind"] != "shared on purpose?"]
    story = []
    for one in bugs:
        story.append(f"{one['kind']}: {one['message']}")
        for side in ("written", "read"):
            story.append(f"  {side} by {one[side]['request']}")
            for frame in one[side]["stack"][:4]:
                story.append(f"    {frame['path']}:{frame['line']} in {frame['function']}")
                story.append(f"      {frame['text']}")
    return Found(sorted({one["place"] for one in bugs}), "\n".join(story), said="nothing was told")


def _visit(port: int, visits: list, server: "subprocess.Popen[bytes]") -> None:
    """Both people again and again, each time at once: 60 times, in up to a minute."""
    until = time.monotonic() + LONGEST
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            if server.poll() is not None or time.monotonic() > until:
                return
            time.sleep(0.05)
    together = threading.Barrier(len(visits))

    def go(visit: dict) -> None:
        opener = build_opener(_Stay)
        for _ in range(60):
            try:
                together.wait(30)
                if time.monotonic() > until:
                    return
                opener.open(_request(port, visit), timeout=30).read()
            except (HTTPError, URLError, threading.BrokenBarrierError):
                # A request that fails on what it met is what we are here for.
                continue

    people = [threading.Thread(target=go, args=[visit]) for visit in visits]
    for person in people:
        person.start()
    for person in people:
        person.join()


class _Stay(HTTPRedirectHandler):
    """Where the answer sends one is of no interest."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def _request(port: int, visit: dict) -> Request:
    return Request(
        f"http://127.0.0.1:{port}{visit['path']}",
        data=visit["body"].encode() or None,
        headers=visit["headers"],
    )
