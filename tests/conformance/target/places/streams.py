"""Bodies that are produced after the view has returned."""

import io
from typing import Any

from django.http import FileResponse, HttpRequest, StreamingHttpResponse

from target import subject
from target.bodies import CHUNK, aproduce, aproduce_until_left, produce
from target.gates import pause
from target.record import record


def stream(request: HttpRequest, marker: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(produce("stream", marker))


def async_stream(request: HttpRequest, marker: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(aproduce("async_stream", marker))


def stream_head(request: HttpRequest, marker: str) -> StreamingHttpResponse:
    pause(marker)
    record("stream_head", "view", marker, subject.read())
    return StreamingHttpResponse(produce("stream_head", marker))


def stream_error(request: HttpRequest, marker: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(produce("stream_error", marker, fails=True))


def async_stream_error(request: HttpRequest, marker: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(aproduce("async_stream_error", marker, fails=True))


def stream_left(request: HttpRequest, marker: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(produce("stream_left", marker, chunks=60))


def async_stream_left(request: HttpRequest, marker: str) -> StreamingHttpResponse:
    circle: list[Any] = []
    body = aproduce_until_left("async_stream_left", marker, circle)
    circle.append(body)
    return StreamingHttpResponse(body)


class _WatchedFile(io.BytesIO):
    def __init__(self, marker: str) -> None:
        super().__init__(CHUNK * 20)
        self.marker = marker

    def close(self) -> None:
        if not self.closed:
            record("file_close", "close", self.marker, subject.read())
        super().close()


def file_close(request: HttpRequest, marker: str) -> FileResponse:
    pause(marker)
    record("file_close", "view", marker, subject.read())
    return FileResponse(_WatchedFile(marker))
