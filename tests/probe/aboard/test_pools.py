"""Waits for pools and queues; and pools that are larger in another run."""

import pytest

from holdfast.probe import events
from holdfast.probe.change import Change
from tests.services.redis import running_redis

from .programs import line_of, observed, of_kind, troubles

USING = """
def use():
    arrive()
    one = POOL.get()
    stay()
    POOL.put(one)

together(use, use)
tell()
"""
QUEUES = ("Queue", "LifoQueue")


@pytest.mark.parametrize("kind", QUEUES)
def test_a_queue_that_a_request_waits_for_is_a_pool(kind, tmp_path):
    code = f"import queue\nPOOL = queue.{kind}(5)\nPOOL.put('one')\n{USING}"
    found, printed = observed(tmp_path / "before", code)
    assert printed == "slow"
    assert not troubles(found)
    (wait,) = of_kind(found, "pool")
    assert (wait.name, wait.place) == ("POOL", line_of(tmp_path / "before", "POOL = "))
    assert wait.request.startswith("abcdefghij-")
    assert any(line.endswith(" use") for line in wait.stack)
    change = Change(pool_size=((wait.place.replace("/before/", "/after/"), 2),))
    found, printed = observed(tmp_path / "after", code, change=change)
    assert printed == "quick"
    assert not of_kind(found, "pool")


def test_a_queue_of_results_is_not_made_larger(tmp_path):
    code = """
import queue
RESULTS = queue.Queue()

def ask():
    RESULTS.put(RESULTS.qsize())
    RESULTS.get(timeout=5)

together(ask, ask)
try:
    with request("2-0"):
        RESULTS.get(timeout=0.1)
except queue.Empty:
    print("empty")
"""
    observed(tmp_path / "before", code)
    place = line_of(tmp_path / "before", "RESULTS = ").replace("/before/", "/after/")
    found, printed = observed(tmp_path / "after", code, change=Change(pool_size=((place, 9),)))
    assert printed == "empty"
    assert len(of_kind(found, "pool")) == 1


def test_queues_of_workers_that_serve_nobody_are_not_told(tmp_path):
    code = """
import queue
from concurrent.futures import ThreadPoolExecutor
jobs, simple = queue.Queue(), queue.SimpleQueue()
assert isinstance(simple, queue.SimpleQueue)
thread = threading.Thread(target=lambda: (jobs.get(), simple.get()))
thread.start()
time.sleep(0.1)
jobs.put(1)
simple.put(1)
thread.join()
with ThreadPoolExecutor(1) as pool, request("0-0"):
    assert pool.submit(int).result() == 0
    try:
        jobs.get(False)
    except queue.Empty:
        pass
"""
    found, _ = observed(tmp_path, code)
    assert not of_kind(found, "pool")
    assert not troubles(found)


def test_queues_that_are_compiled_and_those_of_tasks_are_told(tmp_path):
    code = """
import asyncio, queue
SIMPLE = queue.SimpleQueue()
threading.Timer(0.1, SIMPLE.put, (1,)).start()
with request("0-0"):
    SIMPLE.get()

async def main():
    TASKS = asyncio.Queue()
    asyncio.get_running_loop().call_later(0.1, TASKS.put_nowait, 1)
    with request("0-1"):
        await TASKS.get()
asyncio.run(main())
"""
    found, _ = observed(tmp_path, code)
    assert [(one.name, one.request[-3:]) for one in of_kind(found, "pool")] == [
        ("SIMPLE", "0-0"),
        ("TASKS", "0-1"),
    ]


def test_a_servers_own_queue_for_tasks_is_none(tmp_path):
    code = '''
import asyncio
exec("""
async def serve():
    own = asyncio.Queue()
    asyncio.get_running_loop().call_later(0.1, own.put_nowait, 1)
    with request("0-0"):
        await own.get()
""")
serving = threading.Thread(target=asyncio.run, args=(serve(),))
serving.start()
serving.join()
'''
    found, _ = observed(tmp_path, code)
    assert not troubles(found)
    assert not of_kind(found, "pool")


SLOW_SITE = """
import http.server

class Slow(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        stay()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): ...

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
threading.Thread(target=server.serve_forever, daemon=True).start()
URL = f"http://127.0.0.1:{server.server_port}/"
"""
ENDED = """
server.shutdown()
server.server_close()
"""


def test_sqlalchemys_pool_is_told_and_made_larger(tmp_path):
    code = f"""
import sqlalchemy
from sqlalchemy.pool import QueuePool
URL = "sqlite:///{tmp_path}/data"
engine = sqlalchemy.create_engine(URL, poolclass=QueuePool, pool_size=1, max_overflow=0)

def use():
    arrive()
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT 1"))
        stay()

together(use, use)
tell()
engine.dispose()
"""
    found, printed = observed(tmp_path / "before", code)
    assert printed == "slow"
    assert not troubles(found)
    (wait,) = of_kind(found, "pool")
    assert wait.name == "sqlalchemy.QueuePool"
    assert wait.place == line_of(tmp_path / "before", "engine = ")
    assert wait.detail["size"] == 1
    change = Change(pool_size=((wait.place.replace("/before/", "/after/"), 2),))
    found, printed = observed(tmp_path / "after", code, change=change)
    assert printed == "quick"
    assert not of_kind(found, "pool")


HTTPX = """
import httpx
client = httpx.Client(limits=httpx.Limits(max_connections=1))

def ask():
    arrive()
    client.get(URL)

together(ask, ask)
tell()
client.close()
"""
ASYNC_HTTPX = """
import asyncio, httpx

async def main():
    client = httpx.AsyncClient(limits=httpx.Limits(max_connections=1))
    async def ask(name):
        arrive()
        with request(name):
            await client.get(URL)
    await asyncio.gather(*(asyncio.create_task(ask(f"{n}-0")) for n in range(2)))
    tell()
    await client.aclose()
asyncio.run(main())
"""


@pytest.mark.parametrize("asking", [HTTPX, ASYNC_HTTPX], ids=["sync", "async"])
def test_httpxs_pool_is_told_and_made_larger(asking, tmp_path):
    code = SLOW_SITE + asking + ENDED
    found, printed = observed(tmp_path / "before", code)
    assert printed == "slow"
    assert not troubles(found)
    wait = max(of_kind(found, "pool"), key=lambda one: one.ended - one.begun)
    assert wait.place == line_of(tmp_path / "before", "client = ")
    change = Change(pool_size=((wait.place.replace("/before/", "/after/"), 2),))
    found, printed = observed(tmp_path / "after", code, change=change)
    assert printed == "quick"


def test_urllib3s_pool_is_told_where_it_blocks_and_made_larger(tmp_path):
    code = f"""{SLOW_SITE}
import urllib3
client = urllib3.HTTPConnectionPool("127.0.0.1", server.server_port, maxsize=1, block=True)

def ask():
    arrive()
    client.request("GET", "/")

together(ask, ask)
tell()
client.close()
{ENDED}"""
    found, printed = observed(tmp_path / "before", code)
    assert printed == "slow"
    (wait,) = of_kind(found, "pool")
    assert wait.place == line_of(tmp_path / "before", "client = ")
    assert wait.name.startswith("http://127.0.0.1:")
    assert wait.detail["size"] == 1
    change = Change(pool_size=((wait.place.replace("/before/", "/after/"), 2),))
    found, printed = observed(tmp_path / "after", code, change=change)
    assert printed == "quick"


def test_aiohttps_limit_is_told_and_raised(tmp_path):
    code = """
import asyncio, aiohttp
from aiohttp import web

async def slow(_):
    await astay()
    return web.Response()

async def main():
    site = web.Application()
    site.router.add_get("/", slow)
    runner = web.AppRunner(site)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector) as session:
        async def ask(name):
            arrive()
            with request(name):
                async with session.get(f"http://127.0.0.1:{port}/"):
                    pass
        await asyncio.gather(*(asyncio.create_task(ask(f"{n}-0")) for n in range(2)))
        tell()
    await runner.cleanup()

asyncio.run(main())
"""
    found, printed = observed(tmp_path / "before", code)
    assert printed == "slow"
    (wait,) = of_kind(found, "pool")
    assert wait.place == line_of(tmp_path / "before", "connector = ")
    change = Change(pool_size=((wait.place.replace("/before/", "/after/"), 2),))
    found, printed = observed(tmp_path / "after", code, change=change)
    assert printed == "quick"


REDIS = """
import asyncio, redis, redis.asyncio
URL = {url!r}
"""
SYNC = """
POOL = redis.BlockingConnectionPool.from_url(URL, max_connections=1)
client = redis.Redis(connection_pool=POOL)

def use():
    client.blpop("nothing", 1)

begun = time.monotonic()
together(use, use)
print("slow" if time.monotonic() - begun > 1.9 else "quick")
client.close()
POOL.disconnect()
"""
ASYNC = """
async def main():
    POOL = redis.asyncio.BlockingConnectionPool.from_url(URL, max_connections=1)
    client = redis.asyncio.Redis(connection_pool=POOL)
    async def use(name):
        with request(name):
            await client.blpop("nothing", 1)
    begun = time.monotonic()
    await asyncio.gather(*(asyncio.create_task(use(f"{n}-0")) for n in range(2)))
    print("slow" if time.monotonic() - begun > 1.9 else "quick")
    await client.aclose()
    await POOL.disconnect()
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def redis_server():
    with running_redis() as server:
        yield server


@pytest.mark.needs("redis")
@pytest.mark.parametrize("way", ["sync", "async"])
def test_redis_pools_that_block_are_told_and_made_larger(way, tmp_path, redis_server):
    code = REDIS.format(url=redis_server.url) + (SYNC if way == "sync" else ASYNC)
    found, printed = observed(tmp_path / "before", code)
    assert printed == "slow"
    wait = max(of_kind(found, "pool"), key=lambda one: one.ended - one.begun)
    assert wait.place == line_of(tmp_path / "before", "POOL = ")
    change = Change(pool_size=((wait.place.replace("/before/", "/after/"), 2),))
    found, printed = observed(tmp_path / "after", code, change=change)
    assert printed == "quick"


@pytest.mark.needs("redis")
@pytest.mark.parametrize("way", ["sync", "async"])
def test_redis_locks_are_told(way, tmp_path, redis_server):
    sync = """
client = redis.Redis.from_url(URL)

def hold():
    arrive()
    with client.lock("report", sleep=0.01):
        stay()

together(hold, hold)
client.close()
"""
    asynchronous = """
async def main():
    client = redis.asyncio.Redis.from_url(URL)
    async def hold(name):
        arrive()
        with request(name):
            async with client.lock("report", sleep=0.01):
                await astay()
    await asyncio.gather(*(asyncio.create_task(hold(f"{n}-0")) for n in range(2)))
    await client.aclose()
asyncio.run(main())
"""
    code = REDIS.format(url=redis_server.url) + (sync if way == "sync" else asynchronous)
    code += "\ntell()"
    found, printed = observed(tmp_path / "before", code)
    assert printed == "slow"
    wait = max(of_kind(found, "lock"), key=lambda one: one.ended - one.begun)
    assert wait.ended - wait.begun > 0.01
    assert "report" in wait.name
    assert wait.place == line_of(tmp_path / "before", "client.lock(")
    assert {wait.request, wait.holder} == {"abcdefghij-0-0", "abcdefghij-1-0"}
    change = Change(without_lock=(wait.place.replace("/before/", "/after/"),))
    found, printed = observed(tmp_path / "after", code, change=change)
    assert printed == "quick"
    assert not of_kind(found, "lock")
    assert not [one for one in found if isinstance(one, events.Leak)]


def test_a_queue_that_a_request_imports_is_made_larger_too(tmp_path):
    (tmp_path / "before" / "own").mkdir(parents=True)
    (tmp_path / "after" / "own").mkdir(parents=True)
    made = "import queue\nPOOL = queue.Queue()\nPOOL.put('one')\n"
    for folder in ("before", "after"):
        (tmp_path / folder / "own" / "printers.py").write_text(made)
    code = """
    def use():
        arrive()
        from printers import POOL
        one = POOL.get()
        stay()
        POOL.put(one)
    with request("2-0"):
        import printers
    together(use, use)
    tell()
    """
    found, printed = observed(tmp_path / "before", code)
    assert printed == "slow"
    place = of_kind(found, "pool")[0].place.replace("/before/", "/after/")
    change = Change(pool_size=((place, 2),))
    assert observed(tmp_path / "after", code, change=change)[1] == "quick"
