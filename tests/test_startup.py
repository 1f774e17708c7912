"""Start-up checks: each finds its set-up in a real process, and nothing in a sound one."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import holdfast
from tests.fresh_process import output_of

needs_gevent = pytest.mark.skipif(
    importlib.util.find_spec("gevent") is None, reason="gevent is not installed"
)
needs_eventlet = pytest.mark.skipif(
    importlib.util.find_spec("eventlet") is None, reason="eventlet is not installed"
)

GEVENT = "from gevent import monkey; monkey.patch_all()\n"
EVENTLET = """
import warnings
with warnings.catch_warnings(action="ignore"):
    import eventlet
eventlet.monkey_patch()
"""
REPORT = """
import holdfast
for problem in holdfast.startup_problems():
    print(problem)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory with two modules of a project."""
    (tmp_path / "label_cache.py").write_text(
        "import threading\n_cache = threading.local()\n__private = threading.local()\n"
    )
    (tmp_path / "remote.py").write_text(
        "from threading import Thread\nfrom time import sleep, monotonic\n"
    )
    return tmp_path


def test_a_problem_reads_as_one_line_with_its_code_and_what_to_change() -> None:
    problem = holdfast.Problem("W101", "It is lost.", "Patch first.")
    assert str(problem) == "W101: It is lost. Patch first."
    assert (problem.code, problem.message, problem.hint) == ("W101", "It is lost.", "Patch first.")


def test_a_process_without_a_patch_and_without_a_fork_has_no_problems(project: Path) -> None:
    assert output_of("import label_cache, remote\n" + REPORT, cwd=project) == ""


# W101, W102: imported before the patch


@needs_gevent
@pytest.mark.parametrize("early", ["import holdfast\n", ""], ids=["holdfast early", "late"])
def test_a_local_made_before_gevent_patched_is_found(project: Path, early: str) -> None:
    output = output_of(early + "import label_cache\n" + GEVENT + REPORT, cwd=project)
    assert output.startswith(
        "W101: label_cache._cache is a threading.local made before gevent patched threading:"
    )
    assert "Patch before label_cache is imported, or keep the value in holdfast.state." in output
    assert output.count("W101") == 1


@needs_eventlet
@pytest.mark.parametrize("early", ["import holdfast\n", ""], ids=["holdfast early", "late"])
def test_a_local_made_before_eventlet_patched_is_found(project: Path, early: str) -> None:
    output = output_of(early + "import label_cache\n" + EVENTLET + REPORT, cwd=project)
    assert output.startswith(
        "W101: label_cache._cache is a threading.local made before eventlet patched threading:"
    )


@needs_gevent
def test_originals_of_what_gevent_patched_are_found_and_named(project: Path) -> None:
    output = output_of("import remote\n" + GEVENT + REPORT, cwd=project)
    assert output.startswith(
        "W102: remote was imported before gevent patched the standard library and holds originals:"
        " Thread (threading.Thread), sleep (time.sleep)."
    )
    assert output.count("W102") == 1
    assert "monotonic" not in output


@needs_gevent
@pytest.mark.parametrize("early", ["import holdfast\n", ""], ids=["holdfast early", "late"])
def test_what_is_imported_after_gevents_patch_is_no_problem(project: Path, early: str) -> None:
    assert output_of(early + GEVENT + "import label_cache, remote\n" + REPORT, cwd=project) == ""


@needs_eventlet
@pytest.mark.parametrize("early", ["import holdfast\n", ""], ids=["holdfast early", "late"])
def test_what_is_imported_after_eventlets_patch_is_no_problem(project: Path, early: str) -> None:
    assert output_of(early + EVENTLET + "import label_cache, remote\n" + REPORT, cwd=project) == ""


@needs_gevent
def test_gevent_that_was_imported_and_patched_nothing_is_no_problem(project: Path) -> None:
    code = "import label_cache, remote, gevent\n" + REPORT
    assert output_of(code, cwd=project) == ""
    code = "import label_cache\nfrom gevent import monkey; monkey.patch_all(thread=False)\n"
    assert output_of(code + REPORT, cwd=project) == ""


@needs_gevent
def test_looking_wakes_no_lazy_object_and_loads_no_lazy_module(project: Path) -> None:
    """Such as Django's settings, and modules that importlib's LazyLoader stands for."""
    (project / "lazy.py").write_text("print('loaded')")
    (project / "holder.py").write_text(
        textwrap.dedent("""
        class Lazy:
            @property
            def __class__(self):
                raise LookupError("woken")

        settings = Lazy()
        """)
    )
    # After the patch, since gevent itself looks at all there is.
    code = """
    import importlib.util, sys
    import holder, holdfast
    spec = importlib.util.find_spec("lazy")
    loader = spec.loader = importlib.util.LazyLoader(spec.loader)
    sys.modules["lazy"] = module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    sys.modules["no_module"] = 7
    before = set(sys.modules)
    print([problem.code for problem in holdfast.startup_problems()], set(sys.modules) - before)
    """
    code = "import label_cache\n" + GEVENT + textwrap.dedent(code)
    assert output_of(code, cwd=project) == "['W101'] set()"


# W104: opened before the fork

FORK = """
import os, socket, sys
import holdfast
holdfast.wsgi.RequestScope(print)

def report_in_a_child(prepare=lambda: None):
    sys.stdout.flush()
    child = os.fork()
    if not child:
        prepare()
        for problem in holdfast.startup_problems():
            print(problem)
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.fixture
def store() -> Iterator[str]:
    """The port of something that listens, as memcached would."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield str(listening.getsockname()[1])


CONNECT = 'store = socket.create_connection(("127.0.0.1", int(sys.argv[1])))\n'


def test_a_connection_opened_before_the_fork_is_found_in_the_child(store: str) -> None:
    output = output_of(FORK + CONNECT + "report_in_a_child()\nstore.close()", store)
    assert output.startswith(f"W104: The connection to 127.0.0.1:{store} was opened before the")
    assert output.count("W104") == 1


def test_a_connection_opened_before_the_fork_is_no_problem_of_the_parent(store: str) -> None:
    code = """
report_in_a_child(lambda: os._exit(0))
print(holdfast.startup_problems())
store.close()
"""
    assert output_of(FORK + CONNECT + code, store) == "[]"


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("report_in_a_child(lambda: store.close())", id="closed in the child"),
        pytest.param(
            """
def reopen():
    global store
    number = store.fileno()
    store.close()
    store = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    assert store.fileno() == number

report_in_a_child(reopen)""",
            id="reopened in the child under the same number",
        ),
        pytest.param("store.close()\nreport_in_a_child()\n", id="closed before the fork"),
    ],
)
def test_a_connection_of_the_workers_own_is_no_problem(store: str, code: str) -> None:
    assert output_of(FORK + CONNECT + code + "\nstore.close()", store) == ""


def test_listening_unconnected_and_paired_sockets_are_no_problem() -> None:
    code = """
listening = socket.create_server(("127.0.0.1", 0))
unconnected = socket.socket()
pair = socket.socketpair()
report_in_a_child()
for one in (listening, unconnected, *pair):
    one.close()
"""
    assert output_of(FORK + code) == ""


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_standard_stream_that_is_a_socket_as_under_systemd_is_no_problem(
    tmp_path: Path, number: int
) -> None:
    code = """
journal = socket.socket(socket.AF_UNIX)
journal.connect(sys.argv[1])
os.dup2(1, 9)
os.dup2(journal.fileno(), NUMBER)
journal.close()
sys.stdout = os.fdopen(9, "w", closefd=False)
report_in_a_child()
""".replace("NUMBER", str(number))
    with socket.socket(socket.AF_UNIX) as journal:
        journal.bind(str(tmp_path / "stdout"))
        journal.listen()
        assert output_of(FORK + code, str(tmp_path / "stdout")) == ""


def test_a_named_local_socket_opened_before_the_fork_is_found(tmp_path: Path) -> None:
    code = """
store = socket.socket(socket.AF_UNIX)
store.connect(sys.argv[1])
report_in_a_child()
store.close()
"""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "redis.sock"))
        listening.listen()
        output = output_of(FORK + code, str(tmp_path / "redis.sock"))
    assert output.startswith(f"W104: The connection to {tmp_path}/redis.sock was opened before")


def test_an_lmdb_file_opened_before_the_fork_is_found(tmp_path: Path) -> None:
    code = """
with open("data.mdb", "wb"), open("other.txt", "wb"):
    report_in_a_child()
"""
    output = output_of(FORK + code, cwd=tmp_path)
    assert output.startswith(f"W104: The LMDB file {tmp_path}/data.mdb was opened before the fork")
    assert output.count("W104") == 1


def test_a_real_lmdb_environment_opened_before_the_fork_is_found(tmp_path: Path) -> None:
    pytest.importorskip("lmdb")
    code = "import lmdb\nstore = lmdb.open('.')\nreport_in_a_child()\nstore.close()\n"
    output = output_of(FORK + code, cwd=tmp_path)
    assert f"The LMDB file {tmp_path}/data.mdb was opened before the fork" in output


def test_a_real_gunicorn_that_preloads_a_sound_application_has_no_problems(tmp_path: Path) -> None:
    pytest.importorskip("gunicorn")
    (tmp_path / "sound.py").write_text(
        textwrap.dedent("""
        import holdfast

        def application(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [f"problems: {holdfast.startup_problems()}".encode()]

        application = holdfast.wsgi.RequestScope(application)
        """)
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--preload", "-w2", "-b", f"127.0.0.1:{port}", "sound"],
        cwd=tmp_path,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert answer_of(port).endswith("problems: []")
    finally:
        server.send_signal(signal.SIGTERM)
        _, log = server.communicate(timeout=30)
    assert "W1" not in log


def answer_of(port: int) -> str:
    deadline = time.monotonic() + 30
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return b"".join(iter(lambda: connection.recv(4096), b"")).decode()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


# What happens with them

ASK = """
import logging, sys
import holdfast, holdfast.startup
logging.basicConfig(stream=sys.stdout, format="%(name)s %(levelname)s %(message)s")
"""
ASK_BY_WSGI = """
from wsgiref.util import setup_testing_defaults
app = holdfast.wsgi.RequestScope(lambda environ, start_response: [b"answered"])

def ask():
    environ = {}
    setup_testing_defaults(environ)
    body = app(environ, print)
    print(*body)
    body.close()
"""
ASK_BY_ASGI = """
import asyncio

async def answer(scope, receive, send):
    print(b"answered")

def ask():
    asyncio.run(holdfast.asgi.RequestScope(answer)({"type": "http", "path": "/"}, None, None))
"""


@pytest.mark.parametrize("kind", [ASK_BY_WSGI, ASK_BY_ASGI], ids=["wsgi", "asgi"])
def test_problems_are_logged_once_in_a_process_at_its_first_request(kind: str) -> None:
    code = """
holdfast.startup.add_check(lambda: [holdfast.Problem("W199", "It is lost.", "Mend it.")])
print("before")
for _ in range(3):
    ask()
"""
    assert output_of(ASK + kind + code).split("\n") == [
        "before",
        "holdfast WARNING W199: It is lost. Mend it.",
        *["b'answered'"] * 3,
    ]


@pytest.mark.parametrize("kind", [ASK_BY_WSGI, ASK_BY_ASGI], ids=["wsgi", "asgi"])
def test_a_check_that_fails_costs_no_request(kind: str) -> None:
    code = """
holdfast.startup.add_check(lambda: 1 / 0)
ask()
ask()
"""
    output = output_of(ASK + kind + code)
    assert output.count("b'answered'") == 2
    assert output.count("holdfast ERROR A start-up check failed") == 1


def test_a_check_that_was_added_twice_is_asked_once() -> None:
    code = """
def check():
    return [holdfast.Problem("W199", "It is lost.", "Mend it.")]
holdfast.startup.add_check(check)
holdfast.startup.add_check(check)
print(len(holdfast.startup_problems()))
"""
    assert output_of(ASK + code) == "1"
