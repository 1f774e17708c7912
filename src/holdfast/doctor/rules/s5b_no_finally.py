"""S5b: what is taken back after the view, unless the view fails."""

from __future__ import annotations

from collections.abc import Iterator

from ..file import File
from ..findings import Finding
from ._left import left_behind

CODE = "S5b"
TITLE = "Taken back after the view, but not when it fails"
REASON = """What stands behind `get_response` doesn't run if that raises. Django turns most
exceptions into responses before, but not all of them: not the cancelling of an async request, nor
what a server raises to end a worker's request. What was set is then there for the next request of
the thread."""
WRONG = """
import threading

current = threading.local()

class CurrentRequest:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        current.request = request
        response = self.get_response(request)
        del current.request
        return response
"""
RIGHT = """
import threading

current = threading.local()

class CurrentRequest:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        current.request = request
        try:
            return self.get_response(request)
        finally:
            del current.request
"""


def check(file: File) -> Iterator[Finding]:
    """Middleware whose clean-up stands behind the view without a `finally`."""
    for owner, left in left_behind(file):
        if left.only_after_exception:
            yield file.finding(
                CODE,
                left.node,
                f"{owner} takes {left.what} back after the view, and not if the view's exception or"
                " a cancelled request comes through: the next request of the thread finds it.",
                "Take it back in a finally around get_response.",
                symbol=left.function.name,
                attribute=left.what,
                confidence="medium",
            )
