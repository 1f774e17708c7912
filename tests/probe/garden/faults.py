"""The planted faults: each makes users wait for each other, and one thing is to blame."""

from tests.probe.garden.plots import (
    Blame,
    Plot,
    daphne,
    eventlet,
    granian,
    gunicorn,
    hypercorn,
    runserver,
    uvicorn,
    uwsgi,
    waitress,
)

CAPACITY = ("worker", "thread")

#: The server serves too few at a time.
NARROW = (
    Plot(
        "one-sync-worker",
        "one sync worker",
        "gunicorn sync",
        gunicorn(),
        "/report/",
        Blame(("worker",)),
    ),
    Plot(
        "threads-in-the-config-file",
        "three threads, by gunicorn_conf.py",
        "gunicorn gthread",
        gunicorn("-c", "gunicorn_conf.py"),
        "/report/",
        Blame(CAPACITY),
    ),
    Plot(
        "two-threads",
        "two threads",
        "gunicorn gthread",
        gunicorn("-k", "gthread", "--threads", "2"),
        "/report/",
        Blame(CAPACITY),
    ),
    Plot(
        "waitress-as-it-is",
        "waitress's four threads",
        "waitress",
        waitress(),
        "/report/",
        Blame(CAPACITY),
        users=12,
    ),
    Plot(
        "one-blocking-thread",
        "--blocking-threads 1",
        "granian wsgi",
        granian("wsgi", "--blocking-threads", "1"),
        "/report/",
        Blame(CAPACITY),
    ),
    Plot(
        "one-process",
        "uWSGI's one process",
        "uWSGI",
        uwsgi(),
        "/report/",
        Blame(CAPACITY),
        needs=("uwsgi",),
    ),
    Plot(
        "nothreading",
        "--nothreading",
        "runserver",
        runserver("--nothreading", "--noreload"),
        "/report/",
        Blame(CAPACITY),
    ),
    Plot(
        "one-connection",
        "--worker-connections 1",
        "gunicorn gevent",
        gunicorn("-k", "gevent", "--worker-connections", "1"),
        "/report/",
        Blame(CAPACITY),
        users=5,  # each keeps the connection for two seconds more
    ),
    Plot(
        "refused",
        "--limit-concurrency 4: the others get 503",
        "uvicorn",
        uvicorn("--limit-concurrency", "4"),
        "/areport/",
        Blame(("refused",)),
    ),
)

#: Sync code that may run in one thread only.
SENSITIVE = (
    Plot(
        "wsgi-to-asgi",
        "asgiref's WsgiToAsgi around Django",
        "daphne",
        daphne(app="shop.outer:wrapped"),
        "/report/",
        Blame(("thread-sensitive", "thread"), ("WsgiToAsgi",)),
    ),
    Plot(
        "outside-of-django",
        "an ASGI middleware around Django calls sync_to_async",
        "uvicorn",
        uvicorn(app="shop.outer:guarded"),
        "/areport/",
        Blame(
            ("thread-sensitive", "thread"), ("is_banned",), ("outer.py: sync_to_async(is_banned)",)
        ),
    ),
    Plot(
        "plain-sensitive",
        "a plain ASGI application calls sync_to_async",
        "hypercorn",
        hypercorn(app="shop.outer:plain"),
        "/",
        Blame(("thread-sensitive", "thread"), ("_load",), ("outer.py: sync_to_async(_load)",)),
    ),
)

#: Locks that are held over something slow.
LOCKS = (
    Plot(
        "lock-in-a-view",
        "threading.Lock in a view",
        "gunicorn gthread",
        gunicorn("--threads", "16"),
        "/locks/ticket/",
        Blame(("lock",), ("_printer",), ("locks.py: _printer = ", "locks.py: with _printer")),
    ),
    Plot(
        "lock-in-a-middleware",
        "threading.RLock around get_response in a middleware",
        "waitress",
        waitress("--threads=16"),
        "/report/",
        Blame(
            ("lock", "middleware"),
            ("shop.middleware.Statistics",),
            ("middleware.py: _statistics_lock = ", "middleware.py: with _statistics_lock"),
        ),
        middleware="shop.middleware.Statistics",
    ),
    Plot(
        "lock-in-a-sync-middleware",
        "threading.Lock in a sync middleware under ASGI",
        "gunicorn uvicorn_worker",
        gunicorn("-k", "uvicorn_worker.UvicornWorker", app="shop.asgi"),
        "/areport/",
        Blame(
            ("lock", "middleware"),
            ("shop.middleware.Quota",),
            ("middleware.py: asking = threading.Lock()", "middleware.py: with self.asking"),
        ),
        middleware="shop.middleware.Stamp shop.middleware.Quota",
    ),
    Plot(
        "two-desks",
        "BoundedSemaphore(2) in a view",
        "uWSGI",
        uwsgi("--enable-threads", "--threads", "16"),
        "/locks/desk/",
        Blame(("lock",), ("_desks",), ("locks.py: _desks = ", "locks.py: with _desks")),
        users=8,
        needs=("uwsgi",),
    ),
    Plot(
        "file-lock",
        "fcntl.flock, four workers",
        "gunicorn gthread",
        gunicorn("-w", "4", "--threads", "4"),
        "/locks/file/",
        Blame(("lock",), ("orders.lock",), ("locks.py: fcntl.flock(",)),
    ),
    Plot(
        "multiprocessing-lock",
        "multiprocessing.Lock made before the fork, four workers",
        "gunicorn gthread",
        gunicorn("-w", "4", "--threads", "4", "--preload", app="shop.preloaded"),
        "/book/",
        Blame(("lock",), ("_book",), ("book.py: _book = ", "book.py: with _book")),
    ),
    Plot(
        "redis-lock",
        "a Redis lock, two workers",
        "gunicorn gthread",
        gunicorn("-w", "2", "--threads", "8"),
        "/locks/invoice/",
        Blame(("lock",), ("invoice",), ("locks.py: _redis.lock(",)),
        users=8,
        needs=("redis",),
    ),
    Plot(
        "slow-log-handler",
        "a logging handler that writes slowly under its lock",
        "granian wsgi",
        granian("wsgi", "--blocking-threads", "16"),
        "/locks/audit/",
        Blame(
            ("lock",),
            ("AuditHandler",),
            ("locks.py: logger.info(", "locks.py: AuditHandler()", "locks.py: time.sleep"),
        ),
    ),
    Plot(
        "lock-without-framework",
        "threading.Lock in a plain WSGI application",
        "waitress",
        waitress("--threads=16", app="shop.plain:locked"),
        "/",
        Blame(("lock",), ("_file",), ("plain.py: _file = ", "plain.py: with _file")),
    ),
    Plot(
        "asyncio-lock",
        "asyncio.Lock in an async view",
        "uvicorn",
        uvicorn(),
        "/loops/locked/",
        Blame(("lock",), ("_till",), ("loops.py: _till = ", "loops.py: with _till")),
    ),
    Plot(
        "asyncio-semaphore",
        "asyncio.Semaphore(1) in an async view",
        "granian asgi",
        granian("asginl"),
        "/loops/one/",
        Blame(("lock",), ("_counter",), ("loops.py: _counter = ", "loops.py: with _counter")),
    ),
)

#: What blocks an event loop, or a hub.
BLOCKED = (
    Plot(
        "sleep-in-an-async-view",
        "time.sleep in an async view",
        "gunicorn uvicorn_worker",
        gunicorn("-k", "uvicorn_worker.UvicornWorker", app="shop.asgi"),
        "/loops/sleep/",
        Blame(("blocked-loop",), ("shop.loops.sleep",), ("loops.py: time.sleep(SECONDS)",)),
    ),
    Plot(
        "urllib-in-an-async-view",
        "urllib in an async view",
        "granian asgi",
        granian("asginl"),
        "/loops/price/",
        Blame(("blocked-loop",), ("shop.loops.price",), ("loops.py: ASYNC210, S310",)),
    ),
    Plot(
        "psycopg-in-an-async-view",
        "psycopg's sync connection in an async view",
        "hypercorn",
        hypercorn(),
        "/loops/totals/",
        Blame(
            ("blocked-loop",),
            ("shop.loops.totals", "shop.loops._total"),
            ("loops.py: with psycopg.connect", "loops.py: pg_sleep", "loops.py: str(_total())"),
        ),
        needs=("postgresql",),
    ),
    Plot(
        "sqlite-in-an-async-view",
        "sqlite3 in an async view",
        "gunicorn asgi",
        gunicorn("-k", "asgi", app="shop.asgi"),
        "/loops/rows/",
        Blame(
            ("blocked-loop",),
            ("shop.loops.rows", "shop.loops._rate"),
            ("loops.py: connection.execute(", "loops.py: S310 - of our own"),
        ),
    ),
    Plot(
        "digest-in-an-async-view",
        "a long computation in an async view",
        "daphne",
        daphne(),
        "/loops/digest/",
        Blame(("blocked-loop", "gil"), ("shop.loops.digest",), ("loops.py: hashlib.sha256(",)),
    ),
    Plot(
        "digest-of-uvicorn",
        "a long computation in an async view",
        "uvicorn",
        uvicorn(),
        "/loops/digest/",
        Blame(("blocked-loop", "gil"), ("shop.loops.digest",), ("loops.py: hashlib.sha256(",)),
    ),
    Plot(
        "sleep-in-an-async-middleware",
        "a blocking call in an async middleware",
        "hypercorn",
        hypercorn(),
        "/areport/",
        Blame(
            ("blocked-loop", "middleware"),
            ("shop.middleware.Prices",),
            ("middleware.py: request.rate = ", "middleware.py: time.sleep(RATE_SECONDS)"),
        ),
        middleware="shop.middleware.Prices",
    ),
    Plot(
        "blocking-without-framework",
        "time.sleep in a plain ASGI application",
        "uvicorn",
        uvicorn(app="shop.plain:blocks"),
        "/",
        Blame(
            ("blocked-loop",),
            ("shop.plain.blocks", "shop.plain._ask"),
            ("plain.py: body = _ask()", "plain.py: knows no loop"),
        ),
    ),
    Plot(
        "driver-in-c",
        "a driver in C that gevent can't patch",
        "gunicorn gevent",
        gunicorn("-k", "gevent"),
        "/clients/driver/",
        Blame(("blocked-hub",), ("shop.clients.driver",), ("clients.py: _library.usleep(",)),
    ),
    Plot(
        "unpatched-eventlet",
        "the original time.sleep under eventlet",
        "eventlet",
        eventlet(),
        "/clients/unpatched/",
        Blame(
            ("blocked-hub",), ("shop.clients.unpatched",), ('clients.py: original("time").sleep',)
        ),
    ),
    Plot(
        "uwsgi-gevent-unpatched",
        "uWSGI --gevent without the patch",
        "uWSGI gevent",
        uwsgi("--gevent", "50"),
        "/report/",
        Blame(("blocked-hub",), ("shop.pages.report",), ("pages.py: time.sleep(SECONDS)",)),
        needs=("uwsgi",),
    ),
    Plot(
        "background-loop",
        "sync views hand to one loop, where a coroutine blocks",
        "gunicorn gthread",
        gunicorn("--threads", "16"),
        "/executors/background/",
        Blame(
            ("blocked-loop",),
            ("_mail",),
            ("executors.py: time.sleep(seconds)",),
        ),
    ),
)

#: Only one of something.
POOLS = (
    Plot(
        "own-pool",
        "a pool of one, of a queue.Queue",
        "gunicorn gthread",
        gunicorn("--threads", "16"),
        "/pools/own/",
        Blame(("pool",), ("_printers",), ("pools.py: _printers: ", "pools.py: _printers.get()")),
    ),
    Plot(
        "urllib3-pool",
        "urllib3, maxsize=1 and block=True",
        "waitress",
        waitress("--threads=16"),
        "/upstream/",
        Blame(
            ("pool",),
            ("urllib3",),
            ("upstream.py: _upstream = ", "upstream.py: _upstream.request("),
        ),
        packages=("urllib3",),
    ),
    Plot(
        "redis-pool",
        "redis-py's BlockingConnectionPool of one",
        "granian wsgi",
        granian("wsgi", "--blocking-threads", "16"),
        "/pools/redis/",
        Blame(
            ("pool",), ("BlockingConnectionPool",), ("pools.py: _connections = ", "pools.py: blpop")
        ),
        needs=("redis",),
    ),
    Plot(
        "psycopg-pool",
        "psycopg_pool, max_size=1",
        "runserver",
        runserver("--noreload"),
        "/pools/postgres/",
        Blame(
            ("pool",),
            ("ConnectionPool",),
            ("pools.py: _postgres = ", "pools.py: with _postgres.connection()"),
        ),
        needs=("postgresql",),
    ),
    Plot(
        "aiohttp-connector",
        "aiohttp's connector, limit=1",
        "uvicorn",
        uvicorn(),
        "/pools/partner/",
        Blame(
            ("pool",),
            ("TCPConnector",),
            ("pools.py: TCPConnector(limit=1)", "pools.py: self.session.get(UPSTREAM)"),
        ),
    ),
    Plot(
        "one-renderer",
        "ThreadPoolExecutor(max_workers=1) for all views",
        "gunicorn gthread",
        gunicorn("--threads", "16"),
        "/executors/render/",
        Blame(
            ("executor",),
            ("_renderers",),
            ("executors.py: _renderers = ", "executors.py: _renderers.submit("),
        ),
    ),
    Plot(
        "default-executor",
        "the loop's default executor has one thread",
        "hypercorn",
        hypercorn(),
        "/executors/default/",
        Blame(
            ("executor",),
            ("_workers",),
            ("executors.py: _workers = ThreadPool", "executors.py: run_in_executor("),
        ),
    ),
)

#: The processor, the collector and databases.
OTHERS = (
    Plot(
        "gil",
        "views that compute, in threads of one process",
        "gunicorn gthread",
        gunicorn("--threads", "16"),
        "/computing/primes/",
        Blame(("gil",)),
        users=8,
    ),
    Plot(
        "collector",
        "gc.collect() in each request, with a large heap",
        "waitress",
        waitress("--threads=16"),
        "/computing/tidy/",
        Blame(("collector",)),
        users=8,
    ),
    Plot(
        "sqlite-transaction",
        "an SQLite transaction held over a slow call",
        "gunicorn gthread",
        gunicorn("--threads", "16"),
        "/stock/take/",
        Blame(("database", "lock"), (), ()),
        users=8,
    ),
    Plot(
        "row-lock",
        "SELECT FOR UPDATE on one row, held over a slow call",
        "uWSGI",
        uwsgi("--enable-threads", "--threads", "12"),
        "/stock/reserve/",
        Blame(("database", "lock"), (), ()),
        users=8,
        needs=("postgresql", "uwsgi"),
    ),
)

FAULTS: tuple[Plot, ...] = (*NARROW, *SENSITIVE, *LOCKS, *BLOCKED, *POOLS, *OTHERS)
