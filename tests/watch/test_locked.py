"""What is written and read under one lock: told apart from what a request counts on."""

import pytest

from holdfast.scope.scope import Scope
from holdfast.watch import Kind
from tests.watch.project import within

BUCKET = """
    import threading
    class Bucket:
        def __init__(self):
            self.tokens, self.stamp = 100.0, 0.0
            self.lock = threading.Lock()
        def allow(self, now):
            with self.lock:
                left = self.tokens + (now - self.stamp) / 100
                self.stamp = now
                self.tokens = left - 1
                return left >= 1
    bucket = Bucket()
"""
TOKEN = """
    import threading
    class Token:
        def __init__(self):
            self.value, self.until = None, 0
            self.lock = threading.{lock}()
        def get(self, now):
            {take}
                if now >= self.until:
                    self._renew(now)
                return self.value
            {give}
        def _renew(self, now):
            self.value = f"token {{now}}"
            self.until = now + 1
    token = Token()
"""
WAYS = {
    "a lock": ("Lock", "with self.lock:", ""),
    "a condition": ("Condition", "with self.lock:", ""),
    "acquire and release": (
        "RLock",
        "self.lock.acquire()\n            try:",
        "finally: self.lock.release()",
    ),
}
CURRENT = """
    import threading
    class Current:
        def __init__(self):
            self.user = None
            {lock}
        def __call__(self, user, then):
            with self.lock:
                self.user = user
            then()
            with self.lock:
                return self.user
        def begin(self, user):
            with self.lock:
                self.user = user
        def end(self):
            with self.lock:
                return self.user
    current = Current()
"""


def one_after_another(*steps) -> None:
    for number in range(3):
        scope = Scope(object(), f"GET /{number}/")
        for step in steps:
            within(scope, step, number)
        scope.close()


def test_who_begins_anew_under_the_lock_has_lost_nothing(project, requests):
    bucket = project.load(BUCKET).bucket
    a, b, _ = requests
    within(a, bucket.allow, 1.0)
    within(b, bucket.allow, 2.0)
    within(a, bucket.allow, 3.0)
    assert set(project.kinds()) == {Kind.SHARED}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_locked_section_makes_and_gives_is_no_loss(project, requests, way):
    lock, take, give = WAYS[way]
    token = project.load(TOKEN.format(lock=lock, take=take, give=give)).token
    # Each of them has made its own, as the one before was over.
    one_after_another(lambda number: token.get(10 * number))
    a, b, _ = requests
    within(a, token.get, 100)
    within(b, token.get, 200)
    assert within(a, token.get, 200) == "token 200"
    assert set(project.kinds()) == {Kind.SHARED}


def test_the_same_without_a_lock_is_lost(project, requests):
    source = TOKEN.format(lock="Lock", take="if True:", give="")
    token = project.load(source).token
    a, b, _ = requests
    within(a, token.get, 100)
    within(b, token.get, 200)
    within(a, token.get, 200)
    assert Kind.LOST in project.kinds()


def test_what_a_request_counts_on_is_lost_also_where_each_access_is_locked(project, requests):
    current = project.load(CURRENT.format(lock="self.lock = threading.Lock()")).current
    one_after_another(lambda number: current(number, lambda: None))
    a, b, _ = requests
    assert within(a, current, "alice", lambda: within(b, current, "bob", str)) == "bob"
    assert project.only().kind is Kind.LOST


def test_in_two_methods_it_is_lost_once_each_request_is_known_to_have_its_own(project, requests):
    current = project.load(CURRENT.format(lock="self.lock = threading.Lock()")).current
    a, b, c = requests
    within(a, current.begin, "token of a")
    within(b, current.begin, "token of b")
    within(a, current.end)
    assert project.kinds() == [Kind.SHARED]
    a.close()
    b.close()
    one_after_another(current.begin, lambda _: current.end())
    other = Scope(object(), "GET /d/")
    within(c, current.begin, "carol")
    within(other, current.begin, "dave")
    within(c, current.end)
    other.close()
    assert project.kinds() == [Kind.LOST, Kind.SHARED]


def test_request_data_under_a_lock_is_lost_all_the_same(project, requests):
    current = project.load(CURRENT.format(lock="self.lock = threading.Lock()")).current
    a, b, _ = requests
    within(a, current.begin, a.state)
    within(b, current.begin, b.state)
    within(a, current.end)
    assert project.only().kind is Kind.LOST


def test_what_is_no_lock_guards_nothing(project, requests):
    source = CURRENT.format(lock="self.lock = contextlib.nullcontext()")
    current = project.load(source.replace("import threading", "import contextlib")).current
    a, b, _ = requests
    within(a, current.begin, "alice")
    within(b, current.begin, "bob")
    within(a, current.end)
    assert project.only().kind is Kind.LOST
