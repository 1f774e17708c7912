"""The rows of the matrix: each way in which a request can end, and what its event then says."""

from dataclasses import dataclass

from tests.conformance.servers import GREEN, IN_A_LOOP, Server

COMPLETE, CLIENT_GONE, ERROR, TIME_OUT = "complete", "client_gone", "error", "time_out"

TAKES_ANSWERS = "the server takes the answer before it sends: the application is not told"
TAKES_UPLOADS = "the server takes all of an upload first: of a broken one nobody is asked"
IS_ASYNC = "a view for ASGI"
READ_FIRST = "Django reads a sync stream to its end before it sends anything"
NO_TIME_OUT = "it kills no worker for being late"
HAS_THREADS = "its worker shows that it lives while requests are late"
SILENT = "harakiri kills without a word to the worker"


@dataclass(frozen=True)
class Scenario:
    """One row."""

    name: str  # of the view, and so the first part of its path
    title: str
    outcome: str = COMPLETE
    status: int = 200
    size: int | None = None  # of the body, where that is known


SCENARIOS = (
    Scenario("normal", "answer", size=10),
    Scenario("async_normal", "answer of an async view", size=10),
    Scenario("view_error", "exception in the view", ERROR, 500),
    Scenario("middleware_error", "exception in a middleware", ERROR, 500),
    Scenario("missing", "404", status=404),
    Scenario("redirect", "redirect", status=302, size=0),
    Scenario("sync_stream", "streamed, sync", size=60_000),
    Scenario("async_stream", "streamed, async", size=60_000),
    Scenario("stream_error", "exception in a streamed body", ERROR),
    Scenario("left_before", "client leaves before the answer", CLIENT_GONE),
    Scenario("async_left_before", "client leaves before an async view's", CLIENT_GONE),
    Scenario("left_within", "client leaves in the streamed body", CLIENT_GONE),
    Scenario("async_left_within", "client leaves in an async one", CLIENT_GONE),
    Scenario("left_after", "client leaves after the body", size=10),
    Scenario("upload", "upload, read as a stream", size=6),
    Scenario("refused", "upload refused midway", status=413, size=8),
    Scenario("upload_broken", "client leaves in its upload", CLIENT_GONE),
    Scenario("late", "worker time-out", TIME_OUT),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}

# Gunicorn's arbiter kills these where they stand still.
_KILLED = ("sync", "gevent", "uvicorn-worker", "gunicorn-asgi")


def is_killed_when_late(server: Server) -> bool:
    """Whether somebody kills its worker that is late, and tells it before."""
    return "gunicorn" in server.packages and server.name.startswith(_KILLED)


def why_not(server: Server, scenario: Scenario) -> str | None:
    """Why *server* has no such row; None where it has one."""
    is_asgi, is_tornado = server.interface == "asgi", server.name == "tornado"
    reasons = {
        "async_stream": GREEN if server.green else IN_A_LOOP if is_tornado else None,
        "left_within": READ_FIRST if is_asgi else TAKES_ANSWERS if is_tornado else None,
        "late": _why_not_late(server),
    }
    if server.name in ("tornado", "waitress", "daphne"):
        reasons["upload_broken"] = TAKES_UPLOADS
    if scenario.name.startswith("async_") and not is_asgi:
        return reasons.get(scenario.name, IS_ASYNC)
    return reasons.get(scenario.name)


def _why_not_late(server: Server) -> str | None:
    if is_killed_when_late(server):
        return None
    if "uwsgi" in server.packages:
        return SILENT
    return HAS_THREADS if "gunicorn" in server.packages else NO_TIME_OUT


def rows_of(server: Server) -> list[Scenario]:
    """What is driven at *server* while it runs; all but the end of its worker."""
    return [
        scenario
        for scenario in SCENARIOS
        if scenario.name != "late" and why_not(server, scenario) is None
    ]


def told(server: Server, scenario: Scenario) -> str:
    """The outcome that the event has to tell: what the application can know."""
    return COMPLETE if takes_answers(server, scenario) else scenario.outcome


def sends_parts(server: Server) -> bool:
    """Whether it sends a stream part by part."""
    return server.name != "tornado"


def takes_answers(server: Server, scenario: Scenario) -> bool:
    """Whether *server* has taken the whole answer before it looks for its client."""
    return scenario.name == "left_before" and server.name in ("tornado", "waitress")
