"""`holdfast.django.body_tee`: what the view has read of the body, and nothing more."""

import json

import pytest
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.test import RequestFactory

from holdfast.django import body_tee

BODY = b"0123456789" * 100


class Counted:
    """A client's upload that says how much of it was asked for."""

    def __init__(self, data):
        self.data, self.given = data, 0

    def read(self, size=None):
        part = self.data[self.given :][:size]
        self.given += len(part)
        return part

    def close(self):
        pass

    def seekable(self):
        return False

    def readline(self, size=None):
        return self.read(size)


@pytest.fixture
def request_():
    request = RequestFactory().post("/", BODY, content_type="application/octet-stream")
    request._stream = Counted(BODY)
    return request


def test_nothing_is_read_that_the_view_does_not_read(request_):
    tee = body_tee(request_)
    assert (tee.taken, tee.size) == (b"", 0)
    assert request_._stream.given == 0


def test_a_view_that_reads_a_stream_goes_on_doing_so(request_):
    tee = body_tee(request_)
    assert request_.read(10) == BODY[:10]
    assert (tee.taken, tee.size) == (BODY[:10], 10)
    assert b"".join(request_) == BODY[10:]
    assert (tee.taken, tee.size) == (BODY, len(BODY))


def test_only_the_first_bytes_are_kept(request_):
    tee = body_tee(request_, 64)
    assert request_.body == BODY
    assert (tee.taken, tee.size) == (BODY[:64], len(BODY))
    assert repr(tee) == "<BodyTee: 64 of 1000 bytes>"


def test_a_body_that_was_read_before_is_known():
    request = RequestFactory().post("/", {"a": 1}, content_type="application/json")
    assert json.loads(request.body) == {"a": 1}
    assert body_tee(request).taken == b'{"a": 1}'


def test_forms_and_uploads_are_parsed_as_they_are():
    request = RequestFactory().post("/", {"title": "tea"})
    request.upload_handlers = [MemoryFileUploadHandler(request)]
    tee = body_tee(request)
    assert request.POST["title"] == "tea"
    assert b'name="title"\r\n\r\ntea' in tee.taken


def test_a_stream_that_is_wound_back_counts_once(tmp_path):
    request = RequestFactory().post("/", b"", content_type="text/plain")
    path = tmp_path / "body"
    path.write_bytes(BODY)
    with path.open("rb") as stream:
        request._stream = stream
        tee = body_tee(request)
        assert request.body == BODY  # Django looks for its size, and winds it back
        assert (tee.taken, tee.size) == (BODY, len(BODY))
        request._stream.seek(0)
        assert request._stream.read(10) == BODY[:10]
        assert (tee.taken, tee.size) == (BODY, len(BODY))  # Django's own copy by now


def test_what_is_read_once_more_counts_once(tmp_path):
    request = RequestFactory().post("/", b"", content_type="text/plain")
    path = tmp_path / "body"
    path.write_bytes(BODY)
    with path.open("rb") as stream:
        request._stream = stream
        tee = body_tee(request)
        assert request.read(300) == BODY[:300]
        request._stream.seek(0)
        assert request.read() == BODY
        assert (tee.taken, tee.size) == (BODY, len(BODY))
