"""A small site, in this process, and users who visit it."""

import asyncio
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from holdfast.probe.users.address import Address
from holdfast.probe.users.asking import together
from holdfast.probe.users.canaries import Canaries
from holdfast.probe.users.plan import Plan
from holdfast.probe.users.user import User

Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


def plain(handler: BaseHTTPRequestHandler, body: bytes = b"fine", status: int = 200, **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


class Server(ThreadingHTTPServer):
    request_queue_size = 200
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Users who leave are no errors."""


@pytest.fixture
def site():
    """`site.on(path, answer)`; what came is in `site.seen`: (method, path, headers, body)."""
    answers: dict[str, Answer] = {}
    seen: list[tuple[str, str, dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            seen.append((self.command, self.path, dict(self.headers.items()), body))
            chosen = answers.get(self.path.partition("?")[0])
            if chosen is None:
                plain(self, b"not here", 404)
            else:
                chosen(self, body)

        do_GET = do_POST = do_PUT = answer  # noqa: N815 - the standard library wants it so

        def log_message(self, *_: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield SimpleNamespace(
            on=answers.__setitem__,
            seen=seen,
            address=Address("127.0.0.1", server.server_address[1]),
            plain=plain,
        )
        server.shutdown()
        thread.join()


@pytest.fixture
def visit(site):
    """All users of a plan ask; gives what they asked, and what crossed."""

    def visited(plan: Plan, *, more: bool = False, prepare: bool = False):
        async def all_of_them():
            def person(user: int) -> object:
                account = plan.account(user)
                return user if account is None else account.name

            canaries = Canaries("abcdefghij", person)
            users = [
                User(number, plan, site.address, "abcdefghij", canaries)
                for number in range(plan.users)
            ]
            try:
                if prepare:
                    for user in users:
                        for step in plan.steps:
                            await user.prepare(step)
                return await together(users, plan, more=more), canaries.crossed
            finally:
                for user in users:
                    await user.session.close()

        return asyncio.run(all_of_them())

    return visited
