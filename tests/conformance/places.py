"""The rows of the matrix: where a request's state must be there, and be its own.

A place's view is found at /at/<name>/<marker>/; it records a reading for each of `parts`.
"""

from dataclasses import dataclass

OWN = "own"
NOTHING = "nothing"


@dataclass(frozen=True)
class Place:
    """One row. `how` names the way in which the client behaves there (see traffic.py)."""

    name: str
    title: str
    group: str
    parts: tuple[str, ...]
    only_asgi: str = ""  # why a WSGI server has no such place
    runs: str = "sync"  # or "async" (a coroutine of the project's), "gevent", "eventlet"
    how: str = "get"
    expects: str = OWN
    status: tuple[int, ...] = (200,)
    ambient: bool = False  # read during every request, at whatever place
    holds: bool = True  # pauses before it reads, so it can be held while others pass
    requests: int = 10  # of a storm

    @property
    def ends_well(self) -> bool:
        """Whether its requests end as most do: answered with 200, to the last byte."""
        return self.how == "get" and self.status == (200,)


PLACES: tuple[Place, ...] = (
    # Views, and what Django calls on their behalf.
    Place("sync_view", "sync view", "views", ("first", "second", "third"), requests=40),
    Place(
        "async_view", "async view", "views", ("first", "second", "third"), runs="async", requests=40
    ),
    Place("outside", "middleware outside ours", "middleware", ("in", "out"), ambient=True),
    Place("inside", "middleware inside ours", "middleware", ("in", "out"), ambient=True),
    Place("template", "template tag", "views", ("tag",)),
    Place("signal", "signal receiver", "views", ("receiver",)),
    Place(
        "async_signal",
        "receivers of an awaited signal, sync and async",
        "views",
        ("sync receiver", "async receiver"),
        runs="async",
    ),
    Place("on_commit", "on_commit callback", "views", ("callback",)),
    # Bodies.
    Place("stream", "sync streaming body, to its finally", "bodies", ("first", "last", "finally")),
    Place(
        "async_stream",
        "async streaming body, to its finally",
        "bodies",
        ("first", "last", "finally"),
        runs="async",
    ),
    Place("stream_head", "HEAD on a stream", "bodies", ("view",), how="head"),
    Place("file_close", "FileResponse.close", "bodies", ("view", "close")),
    Place(
        "stream_error",
        "sync body that raises half-way",
        "bodies",
        ("first", "finally"),
        how="broken",
        requests=5,
    ),
    Place(
        "async_stream_error",
        "async body that raises half-way",
        "bodies",
        ("first", "finally"),
        runs="async",
        how="broken",
        requests=5,
    ),
    Place(
        "stream_left",
        "finally of a sync body that the client left",
        "bodies",
        ("first", "finally"),
        how="leave",
        holds=False,
        requests=4,
    ),
    Place(
        "async_stream_left",
        "finally of an async body, left, collected in another request",
        "bodies",
        ("first", "finally"),
        runs="async",
        how="leave",
        holds=False,
        requests=4,
    ),
    # Hops that hand the context on.
    Place(
        "sync_to_async_sensitive",
        "sync_to_async, thread-sensitive",
        "hops",
        ("thread", "back"),
        runs="async",
    ),
    Place(
        "sync_to_async_free", "sync_to_async, free thread", "hops", ("thread", "back"), runs="async"
    ),
    Place("async_to_sync", "async_to_sync", "hops", ("loop", "back"), runs="async"),
    Place("to_thread", "asyncio.to_thread", "hops", ("thread",), runs="async"),
    Place("create_task", "asyncio.create_task", "hops", ("task",), runs="async"),
    Place("task_group", "asyncio.TaskGroup", "hops", ("first", "second"), runs="async"),
    Place("call_later", "loop.call_later", "hops", ("callback",), runs="async"),
    # Work that nobody hands the context to, with carry.
    Place("thread", "Thread, carried", "carried", ("child",)),
    Place(
        "bare_thread",
        "Thread without carry: nothing is there",
        "carried",
        ("child",),
        expects=NOTHING,
    ),
    Place("executor", "ThreadPoolExecutor, carried", "carried", ("first", "second")),
    Place("run_in_executor", "loop.run_in_executor, carried", "carried", ("thread",), runs="async"),
    Place(
        "callback", "callback of a foreign thread, carried", "carried", ("callback",), runs="async"
    ),
    Place(
        "outlives_thread",
        "Thread that outlives its request, carried",
        "carried",
        ("closed", "value"),
    ),
    Place(
        "outlives_task",
        "task that outlives its request, carried",
        "carried",
        ("closed", "value", "task"),
        runs="async",
        only_asgi="under WSGI a view's loop, and its tasks, end with the view",
    ),
    Place("gevent_spawn", "gevent.spawn, carried", "carried", ("child",), runs="gevent"),
    Place(
        "gevent_pool",
        "gevent Pool, carried",
        "carried",
        ("first", "second", "third"),
        runs="gevent",
    ),
    Place("gevent_threadpool", "gevent threadpool, carried", "carried", ("thread",), runs="gevent"),
    Place(
        "gevent_outlives",
        "greenlet that outlives its request, carried",
        "carried",
        ("closed", "value"),
        runs="gevent",
    ),
    Place("eventlet_spawn", "eventlet.spawn, carried", "carried", ("child",), runs="eventlet"),
    Place(
        "eventlet_pool",
        "eventlet GreenPool, carried",
        "carried",
        ("first", "second", "third"),
        runs="eventlet",
    ),
    # Requests within requests.
    Place("nested", "request inside a sync view", "nested", ("before", "inner", "after")),
    Place(
        "async_nested",
        "request inside an async view",
        "nested",
        ("before", "inner", "after"),
        runs="async",
    ),
    # Ends.
    Place("error", "exception in the view", "ends", ("view",), status=(500,)),
    Place(
        "base_error",
        "BaseException in the view",
        "ends",
        ("view",),
        how="broken",
        holds=False,
        requests=3,
    ),
    Place(
        "left_view",
        "client leaves a sync view",
        "ends",
        ("finally",),
        how="leave_view",
        holds=False,
        requests=3,
    ),
    Place(
        "left_async_view",
        "client leaves an async view",
        "ends",
        ("finally",),
        runs="async",
        how="leave_view",
        holds=False,
        requests=3,
    ),
    Place("left_after", "client leaves after the body", "ends", ("view",), how="leave_after"),
    Place("request_finished", "request_finished receiver", "ends", ("receiver",), ambient=True),
    Place("closed", "the scope's callbacks, exactly once", "ends", ("callback",), ambient=True),
    Place("access_log", "access log line", "ends", ("line",), ambient=True),
    # Connections.
    Place(
        "leftover",
        "before anything is set, new and kept connections: nothing",
        "connections",
        ("start",),
        expects=NOTHING,
        ambient=True,
    ),
    Place(
        "post",
        "600 kB POST, then the same connection again",
        "connections",
        ("view",),
        how="post",
        holds=False,
        requests=3,
    ),
    Place(
        "pipelined",
        "pipelined requests",
        "connections",
        ("view",),
        how="pipeline",
        holds=False,
        requests=3,
    ),
)
BY_NAME = {place.name: place for place in PLACES}
