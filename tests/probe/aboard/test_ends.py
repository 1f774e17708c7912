"""A request is followed to its true end, whatever application, server and client do."""

import pytest

from holdfast.probe.events import Served
from tests.probe.aboard.programs import RUN, observed, troubles

PLAIN = """
    from wsgiref.util import FileWrapper
    from holdfast.probe.aboard.entry import Wsgi
    import io, json

    def ask(application, name):
        environ = {"HTTP_X_HOLDFAST_PROBE": f"{RUN}-{name}", "wsgi.file_wrapper": FileWrapper}
        return Wsgi(application)(environ, lambda *args: None)

    seen = {}
    def note(name):
        current = requests.current()
        seen[name] = None if current is None else current.name.partition("-")[2]
"""


def ends_of(folder, code):
    """The requests that ended, in turn, with their errors; and what the program printed."""
    found, printed = observed(folder, PLAIN + code)
    assert troubles(found) == []
    served = [one for one in found if isinstance(one, Served)]
    return [(one.request.removeprefix(RUN + "-"), one.error) for one in served], printed


def test_at_the_close_of_its_body(tmp_path):
    ends, printed = ends_of(
        tmp_path,
        """
    def streams(environ, start):
        note("called")
        def body():
            try:
                note("first")
                yield b"one"
                yield b"two"
            finally:
                note("closed")
        return body()
    body = iter(ask(streams, "0-0"))
    next(body)
    note("outside, half way")
    open_then = len(requests.under_way)
    body.close()
    note("outside, after")
    print(json.dumps([seen, open_then, len(requests.under_way)]))
    """,
    )
    assert ends == [("0-0", "")]
    inside = '"called": "0-0", "first": "0-0"'
    # Between its steps a thread of the server is still that request's, until the next one comes.
    assert printed.startswith("[{" + inside)
    assert '"closed": "0-0", "outside, after": null}, 1, 0]' in printed


def test_when_it_raises_in_the_call_and_in_the_body(tmp_path):
    ends, printed = ends_of(
        tmp_path,
        """
    def raises(environ, start):
        raise ValueError("in the call")
    def streams(environ, start):
        yield b"one"
        raise KeyError("in the body")
    def exits(environ, start):
        raise SystemExit(3)
    for name, application in (("0-0", raises), ("1-0", streams), ("2-0", exits)):
        try:
            print(list(ask(application, name)))
        except BaseException as error:
            print(type(error).__name__, end=" ")
    print(len(requests.under_way))
    """,
    )
    assert ends == [
        ("0-0", "ValueError('in the call')"),
        ("1-0", "KeyError('in the body')"),
        ("2-0", "SystemExit(3)"),
    ]
    assert printed == "ValueError KeyError SystemExit 0"


def test_when_the_server_drops_the_body_unclosed(tmp_path):
    ends, _ = ends_of(
        tmp_path,
        """
    def streams(environ, start):
        yield b"one"
    body = iter(ask(streams, "0-0"))
    next(body)
    del body
    """,
    )
    assert ends == [("0-0", "")]


def test_bodies_stay_what_servers_know_them_by(tmp_path):
    ends, printed = ends_of(
        tmp_path,
        """
    listed = ask(lambda environ, start: [b"one", b"two"], "0-0")
    print(len(listed), sum(map(len, listed)), b"".join(listed))
    listed.close()
    file = ask(lambda environ, start: FileWrapper(io.BytesIO(b"three")), "1-0")
    print(type(file).__name__, b"".join(file))
    file.close()
    """,
    )
    assert printed.splitlines() == ["2 6 b'onetwo'", "FileWrapper b'three'"]
    assert ends == [("0-0", ""), ("1-0", "")]


def test_a_request_inside_of_a_request_belongs_to_it(tmp_path):
    ends, printed = ends_of(
        tmp_path,
        """
    def inner(environ, start):
        note("inner")
        return [b"inner"]
    def outer(environ, start):
        without = Wsgi(inner)({}, start)
        without.close() if hasattr(without, "close") else None
        note("outer")
        return [b"outer"]
    ask(outer, "0-0").close()
    print(seen)
    """,
    )
    assert ends == [("0-0", "")]
    assert printed == "{'inner': '0-0', 'outer': '0-0'}"


def test_a_request_without_the_header_has_a_name_of_its_own(tmp_path):
    ends, _ = ends_of(
        tmp_path,
        """
    for _ in range(2):
        Wsgi(lambda environ, start: [b""])({}, None).close()
    """,
    )
    names = [name for name, _ in ends]
    assert len(set(names)) == 2
    assert all(name.startswith("~") for name in names)


def test_in_asgi_at_the_return_and_when_it_is_cancelled(tmp_path):
    ends, printed = ends_of(
        tmp_path,
        """
    import asyncio
    from holdfast.probe.aboard.entry import Asgi

    async def application(scope, receive, send):
        if scope["type"] == "lifespan":
            note("lifespan")
            return
        await asyncio.sleep(scope["seconds"])
        await asyncio.create_task(child())

    async def child():
        note("child")

    def scope(name, seconds):
        headers = [(b"x-holdfast-probe", f"{RUN}-{name}".encode())]
        return {"type": "http", "headers": headers, "seconds": seconds}

    async def main():
        followed = Asgi(application)
        await followed({"type": "lifespan"}, None, None)
        await followed(scope("0-0", 0), None, None)
        long = asyncio.create_task(followed(scope("1-0", 60), None, None))
        await asyncio.sleep(0.05)
        long.cancel()
        await asyncio.gather(long, return_exceptions=True)
    asyncio.run(main())
    print(seen, len(requests.under_way))
    """,
    )
    assert ends == [("0-0", ""), ("1-0", "CancelledError()")]
    assert printed == "{'lifespan': None, 'child': '0-0'} 0"


def test_what_it_starts_works_for_it_until_it_ends(tmp_path):
    ends, printed = ends_of(
        tmp_path,
        """
    from concurrent.futures import ThreadPoolExecutor
    pool = ThreadPoolExecutor(1)
    pool.submit(note, "pool, before").result()
    late = threading.Event()

    def outlives():
        late.wait(30)
        note("thread, after")

    def application(environ, start):
        thread = threading.Thread(target=note, args=("thread",))
        thread.start()
        thread.join()
        pool.submit(note, "pool").result()
        threads.append(threading.Thread(target=outlives))
        threads[0].start()
        return []
    threads = []
    ask(application, "0-0").close()
    late.set()
    threads[0].join()
    pool.submit(note, "pool, after").result()
    print(seen)
    """,
    )
    assert ends == [("0-0", "")]
    assert printed == (
        "{'pool, before': None, 'thread': '0-0', 'pool': '0-0', "
        "'thread, after': None, 'pool, after': None}"
    )


@pytest.mark.parametrize("spawn", ["gevent.spawn", "eventlet.spawn"])
def test_a_greenlet_that_it_starts_works_for_it_and_sees_nothing_else(spawn, tmp_path):
    module = spawn.partition(".")[0]
    _, printed = observed(
        tmp_path,
        f"""
        import warnings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import {module}
        from contextvars import ContextVar
        own = ContextVar("own", default="nothing")
        own.set("the parent's")
        def child():
            current = requests.current()
            print(None if current is None else current.name.partition("-")[2], own.get())
        def wait(one):
            getattr(one, "join", None) and one.join() or getattr(one, "wait", int)()
        with request("0-0"):
            wait({spawn}(child))
        wait({spawn}(child))
        """,
    )
    assert printed.splitlines() == ["0-0 nothing", "None nothing"]
