"""A small server for the probe's tests: `python small_site.py PORT [MODE]`; standard library only.

It loads the application by `wsgiref`, with a thread for each request, so that it comes up at once.
"""

import os
import signal
import socketserver
import subprocess
import sys
import threading
import time
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

turn = threading.Lock()
last = ["nobody"]


class Threading(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 200


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def application(environ, start_response):
    path = environ["PATH_INFO"]
    status, headers, body = "200 OK", [], b"fine"
    if path == "/serial/":
        with turn:
            time.sleep(0.1)
    elif path == "/crossed/":
        before, last[0] = last[0], environ.get("HTTP_X_HOLDFAST_CANARY", "nobody")
        body = before.encode()
    elif path == "/dies/":
        # One alone is served; the second of two at once ends it.
        if not turn.acquire(blocking=False):
            print("out of memory", flush=True)
            os._exit(7)
        time.sleep(0.3)
        turn.release()
    elif path == "/hangs/":
        time.sleep(60)
    elif path == "/host/" and not environ["HTTP_HOST"].startswith("shop.example"):
        status = "400 Bad Request"
    elif path in STATUSES:
        status = STATUSES[path]
        headers = [("Location", LOCATIONS[path])] if path in LOCATIONS else []
        print("Traceback: the view broke", flush=True)
    start_response(status, [("Content-Length", str(len(body))), *headers])
    return [body]


STATUSES = {
    "/broken/": "500 Internal Server Error",
    "/away/": "503 Service Unavailable",
    "/private/": "302 Found",
    "/forbidden/": "403 Forbidden",
}
LOCATIONS = {"/private/": "/accounts/login/?next=/private/"}


def serve(port):
    with make_server("127.0.0.1", port, application, Threading, Quiet) as server:
        server.serve_forever(0.05)


if __name__ == "__main__":
    port, mode = int(sys.argv[1]), sys.argv[2:]
    Path(f"{os.getpid()}.pid").touch()
    if mode == ["stubborn"]:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    if mode == ["leaves"]:
        # As a daemon does: the server is nobody's child, in a session of its own.
        subprocess.Popen([sys.executable, __file__, str(port)], start_new_session=True)
        sys.exit()
    try:
        serve(port)
    except KeyboardInterrupt:
        pass
