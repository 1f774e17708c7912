"""A worker that its server kills for being late ends its requests, as far as Python still runs."""

import contextlib
import http.client
import subprocess
import sys
import time
from pathlib import Path

import pytest

from holdfast.testing.ports import free_port

APPLICATION = """
import pathlib, time
import holdfast

def application(environ, start_response):
    holdfast.state.marker = environ["PATH_INFO"]
    ended = pathlib.Path("ended")
    holdfast.current().on_close(lambda: ended.write_text(holdfast.state.marker))
    start_response("200 OK", [])
    time.sleep(30)
    return [b""]

application = holdfast.wsgi.RequestScope(application)
"""


@pytest.mark.timeout(40)
def test_a_worker_time_out_closes_the_scope(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(APPLICATION)
    port = free_port()
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "late:application", "--no-control-socket"),
            *("--bind", f"127.0.0.1:{port}", "--timeout", "1", "--graceful-timeout", "1"),
        ],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        connection = _connected(port)
        connection.request("GET", "/late/")
        # Whether the client still gets an error page is the server's affair.
        with contextlib.suppress(http.client.RemoteDisconnected, ConnectionError):
            assert connection.getresponse().status == 500
        connection.close()
    finally:
        server.terminate()
        server.wait(10)
    assert (tmp_path / "ended").read_text() == "/late/"


def _connected(port: int) -> http.client.HTTPConnection:
    deadline = time.monotonic() + 15
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.connect()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return connection
