"""Receivers of Django's signals that one request connects, and others call."""

import gc
from typing import Any

import pytest

from holdfast.scope.state import State
from holdfast.watch import Kind
from tests.watch.project import within

SOURCE = """
    from functools import partial
    from django.dispatch import Signal

    saved = Signal()

    class Note:
        by = None

    def stamp(user, sender, note, **rest):
        note.by = user

    def look_first(user, mine, sender, note, **rest):
        if mine():
            note.by = user

    def connect(user, uid, receiver=stamp, **more):
        saved.connect(partial(receiver, user, **more), dispatch_uid=uid, weak=False)

    def connect_closure(user, uid):
        def receiver(sender, note, **rest):
            note.by = user
        saved.connect(receiver, dispatch_uid=uid, weak=False)

    class Stamper:
        def __init__(self, user):
            self.user = user
        def stamp(self, sender, note, **rest):
            note.by = self.user

    def connect_method(user, uid):
        saved.connect(Stamper(user).stamp, dispatch_uid=uid, weak=False)

    def disconnect(uid):
        saved.disconnect(dispatch_uid=uid)

    def save():
        note = Note()
        saved.send(Note, note=note)
        return note.by
"""


@pytest.fixture
def module(project) -> Any:
    return project.load(SOURCE)


@pytest.fixture
def user() -> Any:
    return State()


@pytest.mark.parametrize("connect", ["connect", "connect_closure", "connect_method"])
def test_what_anothers_receiver_writes_of_its_request_has_leaked(
    project, requests, module, user, connect
):
    a, b, _ = requests
    within(a, getattr(module, connect), user, 1)
    assert within(b, module.save) is user
    assert set(project.kinds()) == {Kind.LEAK}
    (leak,) = [one for one in project.watch.collector.found if one.name == "receivers"]
    assert leak.place.endswith(".saved.receivers")
    assert "GET /a/" in leak.written.request
    assert "GET /b/" in leak.read.request


def test_a_request_that_calls_its_own_receiver_is_fine(project, requests, module, user):
    a, _, _ = requests
    within(a, module.connect, user, 1)
    assert within(a, module.save) is user
    assert project.kinds() == []


def test_a_receiver_that_finds_out_that_it_is_not_meant_is_fine(project, requests, module, user):
    a, b, _ = requests
    within(a, lambda: module.connect(user, 1, module.look_first, mine=lambda: False))
    assert within(b, module.save) is None
    assert project.kinds() == []


def test_a_receiver_that_is_disconnected_in_time_is_fine(project, requests, module, user):
    a, b, _ = requests
    within(a, module.connect, user, 1)
    within(a, module.disconnect, 1)
    assert within(b, module.save) is None
    assert project.kinds() == []


def test_receivers_of_the_process_are_fine(project, requests, module, user):
    module.connect(user, 1)
    assert within(requests[0], module.save) is user
    assert project.kinds() == []


def test_signals_do_for_others_what_they_did(module):
    seen = []

    class Receiver:
        def receive(self, sender, **rest):
            seen.append(sender)
            return "done"

    receiver = Receiver()
    module.saved.connect(receiver.receive)
    assert module.saved.send("me", note=None) == [(receiver.receive, "done")]
    assert module.saved.disconnect(receiver.receive)
    assert not module.saved.disconnect(receiver.receive)
    module.saved.connect(receiver.receive)
    del receiver
    gc.collect()
    assert module.saved.send("nobody", note=None) == []
    assert seen == ["me"]
