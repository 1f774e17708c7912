"""Where the places write what they read: one line a reading, in a file that outlives the worker.

A line is appended with one write, so several threads, greenlets and workers may share the file.
"""

import os
import re

_OUT = os.open(os.environ["CONFORMANCE_RECORDS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
_MARKER = re.compile(r"/at/[^/\s]+/([^/\s]+)/")


def record(place: str, part: str, own: str, read: str | None) -> None:
    """Note that the request marked `own` read `read` (None: nothing was there) at a place."""
    os.write(_OUT, f"{place}\t{part}\t{own}\t{read or ''}\n".encode())


def marker_in(text: str) -> str | None:
    """The marker in a URL or in a log line with a URL: the own value, passed on by hand."""
    found = _MARKER.search(text)
    return found.group(1) if found else None
