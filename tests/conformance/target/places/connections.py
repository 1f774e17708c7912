"""Requests that share a connection in unusual ways; the client does the unusual part."""

from django.http import HttpRequest, HttpResponse

from target import subject
from target.gates import pause
from target.record import record


def post(request: HttpRequest, marker: str) -> HttpResponse:
    pause(marker)
    record("post", "view", marker, subject.read())
    return HttpResponse(str(len(request.body)))


def pipelined(request: HttpRequest, marker: str) -> HttpResponse:
    pause(marker)
    record("pipelined", "view", marker, subject.read())
    return HttpResponse(subject.read() or "")
