"""What a WSGI environ, or Django's `request.META`, says about a request."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter, time
from typing import Any

from .bodies import wanted
from .entry import LONGEST, Entry, cut
from .recorder import Recorder
from .upload import CountedInput

_LONGEST_METHOD = 32


class EnvironReader:
    """Makes entries for one recorder: which keys it needs is found out once."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._id_key = environ_key(recorder.id_header) if recorder.id_header else ""
        self._header_keys = tuple(environ_key(name) for name in recorder.header_names)
        forwarded = recorder.settings.forwarded if recorder.proxies else ""
        self._forwarded_key = environ_key(forwarded) if forwarded else ""

    def entry(self, environ: Mapping[str, Any], path: str | None = None) -> Entry:
        """The entry of a request that begins now.

        Args:
            environ: where it stands.
            path: the whole path, where it is known already; else it is put together as bytes.
        """
        get = environ.get
        entry = Entry()
        entry.time = time()
        entry.began = perf_counter()
        entry.method = get("REQUEST_METHOD", "")[:_LONGEST_METHOD]
        query = get("QUERY_STRING", "")
        if path is None:
            path = get("SCRIPT_NAME", "") + get("PATH_INFO", "")
            if not path.isascii():
                path = _utf8(path)
        if not query.isascii():
            query = _utf8(query)
        entry.path = path if len(path) <= LONGEST else cut(path)
        entry.query = query if len(query) <= LONGEST else cut(query)
        entry.peer = get("REMOTE_ADDR") or ""
        if self._header_keys:
            entry.headers = tuple(
                [
                    value if value is None or len(value) <= LONGEST else cut(value)
                    for value in map(get, self._header_keys)
                ]
            )
        if self._forwarded_key:
            # From the right: there our own proxies have written.
            entry.forwarded = get(self._forwarded_key, "")[-2 * LONGEST :]
        self.recorder.begin(entry, get(self._id_key), get("HTTP_TRACEPARENT"))
        return entry

    def watched(self, stream: Any, entry: Entry, environ: Mapping[str, Any]) -> Any:
        """*stream*, or what counts and keeps what is read from it, where there is a body."""
        length = environ.get("CONTENT_LENGTH")
        if (not length or length == "0") and "HTTP_TRANSFER_ENCODING" not in environ:
            return stream
        kind = environ.get("CONTENT_TYPE") or ""
        if self.recorder.body_size and wanted(kind, self.recorder.settings.body_types):
            entry.body, entry.content_type = bytearray(), cut(kind)
            entry.content_encoding = environ.get("HTTP_CONTENT_ENCODING", "")[:100]
        length = str(length or "")
        size = int(length) if length.isascii() and length.isdigit() else None
        return CountedInput(stream, entry, size)


def environ_key(header: str) -> str:
    """`HTTP_X_REQUEST_ID` for `X-Request-ID`."""
    name = header.upper().replace("-", "_")
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"


def _utf8(text: str) -> str:
    """What WSGI hands on byte by byte (PEP 3333)."""
    return text.encode("latin-1", "replace").decode("utf-8", "replace")
