"""Pages that hand their work to a single thread."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from django.http import HttpRequest, HttpResponse

SECONDS = 0.2

_renderers = ThreadPoolExecutor(max_workers=1)


def _draw() -> bytes:
    time.sleep(SECONDS)
    return b"a picture"


def render(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_renderers.submit(_draw).result())


_workers: ThreadPoolExecutor | None = None


async def default(request: HttpRequest) -> HttpResponse:
    global _workers
    loop = asyncio.get_running_loop()
    if _workers is None:
        _workers = ThreadPoolExecutor(max_workers=1)
        loop.set_default_executor(_workers)
    return HttpResponse(await loop.run_in_executor(None, _draw))


class Background:
    """An event loop in a thread, for sync views that want to await something."""

    def __init__(self) -> None:
        self._started = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, seconds: float) -> str:
        with self._started:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, daemon=True).start()
        return asyncio.run_coroutine_threadsafe(self._mail(seconds), self._loop).result()

    async def _mail(self, seconds: float) -> str:
        time.sleep(seconds)  # noqa: ASYNC251 - the fault: a mail client that blocks
        return "sent"


_background = Background()


def background(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_background.run(SECONDS))
