"""`identify(request)`: who asked, as the project says."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from ..log_settings import LogSettings
from ..spelling import ConfigurationError
from .dotted import found_at
from .entry import Entry, plain

logger = logging.getLogger("holdfast")

_COMPLAIN_EVERY_SECONDS = 10.0


class Identify:
    """Calls the project's function at a request's end. Its failure is logged, and is nobody else's.

    Args:
        function: takes the request, gives a mapping or None; or a coroutine function.
        seconds: how long a coroutine may take.
    """

    def __init__(self, function: Callable[..., Any], seconds: float) -> None:
        self._function = function
        self._seconds = seconds
        self._complained = -1e9
        self._failed = 0

    def now(
        self,
        entry: Entry,
        request: Any,
        run: Callable[[Coroutine[Any, Any, Any]], Any] = asyncio.run,
    ) -> None:
        """Note who *request* is of, in sync code.

        Args:
            entry: where to note it.
            request: what is given to the function.
            run: how a coroutine is run to its end.
        """
        try:
            found = self._function(request)
            if inspect.iscoroutine(found):
                found = run(self._in_time(found))
            self._note(entry, found)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - the request goes on
            self._complain(entry, error)

    async def soon(self, entry: Entry, request: Any) -> None:
        """The same in async code. A plain function is called as it is: it must not block."""
        try:
            found = self._function(request)
            if inspect.isawaitable(found):
                found = await self._in_time(found)
            self._note(entry, found)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise  # it is the request that was called off
            self._complain(entry, error)
        except Exception as error:  # noqa: BLE001 - as above
            self._complain(entry, error)

    async def _in_time(self, found: Any) -> Any:
        async with asyncio.timeout(self._seconds):
            return await found

    def _note(self, entry: Entry, found: Any) -> None:
        if found is None:
            entry.who = {}  # asked, and nobody is known
            return
        if not isinstance(found, Mapping):
            raise TypeError(f"identify() must return a mapping or None, not {found!r:.100}")
        entry.who = {str(name): plain(value) for name, value in found.items()}

    def _complain(self, entry: Entry, error: BaseException) -> None:
        entry.who = {}
        self._failed += 1
        now = time.monotonic()
        if now - self._complained >= _COMPLAIN_EVERY_SECONDS:
            self._complained = now
            logger.error(
                "identify() raised; requests are logged without it (%d so far)",
                self._failed,
                exc_info=error,
            )


def identify_of(settings: LogSettings) -> Identify | None:
    """The function that the setting `IDENTIFY` names, if it names one that there is."""
    function: Any = settings.identify
    if function is None:
        return None
    if isinstance(function, str):
        try:
            function = found_at(function, "HOLDFAST['LOG']['IDENTIFY']")
        except ConfigurationError as error:
            logger.exception("%s Requests are logged without it.", error)  # noqa: TRY401
            return None
    return Identify(function, settings.identify_timeout)
