"""S5a: what is set for one request and still there for the next one."""

from __future__ import annotations

from collections.abc import Iterator

from ..file import File
from ..findings import Finding
from ._left import left_behind

CODE = "S5a"
TITLE = "Set for a request, and not taken back on every path to the next one"
REASON = """A worker's thread serves one request after another, and most libraries keep what is
"current" by thread or context: the time zone, the language, the user. What one request sets and
doesn't take back, also after an exception and for those to whom it doesn't apply, is what the next
one finds."""
WRONG = """
from django.utils import timezone

class TimeZone:
    async_capable = True

    def process_request(self, request):
        if request.user.is_authenticated:
            timezone.activate(request.user.time_zone)
"""
RIGHT = """
from django.utils import timezone

class TimeZone:
    async_capable = True

    def process_request(self, request):
        if request.user.is_authenticated:
            timezone.activate(request.user.time_zone)
        else:
            timezone.deactivate()
"""


def check(file: File) -> Iterator[Finding]:
    """Middleware that sets what is current, and some way to the next request without undoing it."""
    for owner, left in left_behind(file):
        if left.only_after_exception:
            continue  # S5b
        yield file.finding(
            CODE,
            left.node,
            f"{owner} sets {left.what} for a request and doesn't take it back on every way to the"
            " next one: the next request of the same thread finds it, also one that it was not"
            " meant for.",
            "Take it back in a finally around get_response, or set it for every request.",
            symbol=left.function.name,
            attribute=left.what,
        )
