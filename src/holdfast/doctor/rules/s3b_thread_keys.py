"""S3b: data of a request under the identity of its thread."""

from __future__ import annotations

from collections.abc import Iterator

from ..file import File
from ..findings import Finding
from ..names import walk
from ._identity import identities, may_mention, written_on, written_under

CODE = "S3b"
TITLE = "Request data keyed by thread or greenlet"
REASON = """A dict keyed by the current thread is a threading.local by hand, with all that is wrong
with it: a thread is not a request. And identities are given out again: who asks before writing
reads what an earlier request left, and what nobody removes stays."""
WRONG = """
import threading

class CurrentUser:
    async_capable = True
    users = {}

    def process_request(self, request):
        self.users[threading.current_thread()] = request.user
"""
RIGHT = """
import holdfast

class CurrentUser:
    async_capable = True

    def process_request(self, request):
        holdfast.state.user = request.user
"""


def check(file: File) -> Iterator[Finding]:
    """Containers that are written under an identity."""
    if not may_mention(file):
        return
    seen: set[str] = set()
    for function in file.functions:
        known = identities(file, function)
        for part in walk(function.node):
            holder = written_under(file, function, part, known)
            holder = holder or written_on(file, function, part)
            if not holder or holder in seen:
                continue
            seen.add(holder)
            yield file.finding(
                CODE,
                part,
                f"{function.name} keeps what belongs to a request in {holder}, under the identity"
                " of its thread: requests that share a thread read each other's.",
                "Keep it in holdfast.state, or in a ContextVar that is reset.",
                symbol=function.name,
                attribute=holder,
                severity="error",
            )
