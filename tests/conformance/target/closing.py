"""What is read when the response is closed.

Django's request_finished names no request. The response knows its marker, and its close() calls
the receivers in the same thread, without a pause: so the thread's (greenlet's) id leads to it.
"""

import threading
from typing import Any

from django.core.signals import request_finished
from django.http import HttpResponseBase

from target import subject
from target.record import record

_closing: dict[int, str] = {}


def watch_closing(response: HttpResponseBase, own: str) -> None:
    """Tell the receiver below whose response is being closed."""
    close = response.close

    def close_and_tell() -> None:
        _closing[threading.get_ident()] = own
        try:
            close()
        finally:
            _closing.pop(threading.get_ident(), None)

    response.close = close_and_tell  # type: ignore[method-assign]


def _on_request_finished(sender: Any, **_: Any) -> None:
    own = _closing.get(threading.get_ident())
    if own is not None:
        record("request_finished", "receiver", own, subject.read())


request_finished.connect(_on_request_finished)
