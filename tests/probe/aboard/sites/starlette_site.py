"""A Starlette application whose sync endpoint runs in anyio's threads, of which there is one."""

import time

import anyio.to_thread
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


def slow(request):
    time.sleep(0.2)
    return PlainTextResponse("slow")


class Narrow:
    """Sets the limit in the server's loop, where it is looked for."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        limiter = anyio.to_thread.current_default_thread_limiter()
        if limiter.total_tokens == 40:
            limiter.total_tokens = 1
        await self.app(scope, receive, send)


app = Narrow(Starlette(routes=[Route("/slow/{number}", slow)]))
