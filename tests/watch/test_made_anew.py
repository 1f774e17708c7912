"""Objects that can't be told from each other: made once for all, or by each request for itself."""

import pytest

from holdfast.scope.scope import Scope
from holdfast.watch import Kind
from tests.watch.project import within

SOURCE = """
    class Profile:
        pass

    class Profiler:
        profile = None
        def begin(self):
            self.profile = Profile()
        def end(self):
            return self.profile
        def lazily(self):
            if self.profile is None:
                self.profile = Profile()
            return self.profile
    profiler = Profiler()
"""


def visited(name: str, *steps) -> None:
    scope = Scope(object(), name)
    for step in steps:
        within(scope, step)
    scope.close()


@pytest.fixture
def profiler(project):
    return project.load(SOURCE).profiler


def meet(profiler) -> None:
    a, b = Scope(object(), "GET /a/"), Scope(object(), "GET /b/")
    within(a, profiler.begin)
    within(b, profiler.begin)
    within(a, profiler.end)
    a.close()
    b.close()


def test_what_each_request_makes_for_itself_is_lost(project, profiler):
    for name in "123":
        visited(name, profiler.begin, profiler.end)
    meet(profiler)
    assert project.only().kind is Kind.LOST


def test_what_two_make_who_are_the_first_is_no_loss(project, profiler):
    meet(profiler)
    assert project.kinds() == [Kind.SHARED]


def test_what_others_read_who_did_not_make_it_is_kept_for_all(project, profiler):
    for name in "123":
        visited(name, profiler.begin, profiler.end)
    visited("4", profiler.end)
    meet(profiler)
    assert set(project.kinds()) == {Kind.SHARED}


def test_what_is_made_once_and_used_by_all_is_no_loss(project, profiler):
    a, b = Scope(object(), "GET /a/"), Scope(object(), "GET /b/")
    # Both find nothing, and make one each: who comes later uses the second.
    within(a, profiler.begin)
    within(b, profiler.begin)
    within(a, profiler.lazily)
    a.close()
    b.close()
    for name in "123":
        visited(name, profiler.lazily)
    assert set(project.kinds()) == {Kind.SHARED}
