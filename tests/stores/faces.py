"""One way to call both faces of a store: the async one is driven by a loop of the caller's own."""

import asyncio
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from holdfast.stores import Store


class Face:
    """Calls *target*, a store or its async twin, as if it were a store."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self._of_thread = threading.local()

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._target, name)
        if not inspect.iscoroutinefunction(attribute):
            return attribute

        def call(*args: Any, **kwargs: Any) -> Any:
            runner = getattr(self._of_thread, "runner", None)
            if runner is None:
                runner = self._of_thread.runner = asyncio.Runner()
            return runner.run(attribute(*args, **kwargs))

        return call

    def leave(self) -> None:
        """End the loop of this thread."""
        runner = getattr(self._of_thread, "runner", None)
        if runner is not None:
            runner.close()
            del self._of_thread.runner


def face(store: Store, kind: str) -> Any:
    """The sync or the async face."""
    return Face(store.asynchronous if kind == "async" else store)  # type: ignore[attr-defined]


def elsewhere(store: Face, work: Callable[[Face], Any]) -> "Future[Any]":
    """The result of *work*, done by another thread."""
    result: Future[Any] = Future()

    def run() -> None:
        try:
            result.set_result(work(store))
        except BaseException as error:
            result.set_exception(error)
        finally:
            store.leave()

    threading.Thread(target=run, daemon=True).start()
    return result
