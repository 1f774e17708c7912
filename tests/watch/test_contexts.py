"""What a request leaves in a context, the next one in that context finds."""

import asyncio
import contextvars
import gc
import threading
import weakref

import pytest

import holdfast
from holdfast.scope.scope import Scope
from holdfast.watch import Kind
from tests.watch.project import within

VARIABLE = """
    from contextvars import ContextVar
    current = ContextVar("current")
    def write(value): return current.set(value)
    def reset(token): current.reset(token)
    def read(): return current.get(None)
"""
LOCAL = """
    from {module} import Local
    current = Local()
    def write(value): current.user = value
    def reset(_): del current.user
    def read(): return getattr(current, "user", None)
"""
KINDS = {
    "a context variable": VARIABLE,
    "asgiref's local": LOCAL.format(module="asgiref.local"),
    "Werkzeug's local": LOCAL.format(module="werkzeug.local"),
}


@pytest.fixture(params=KINDS)
def module(project, request):
    return project.load(KINDS[request.param])


def test_what_was_left_for_the_next_request_is_a_leak(project, module, requests):
    a, b, _ = requests
    within(a, module.write, a.state)
    assert within(b, module.read) is a.state
    found = project.only()
    assert found.kind is Kind.LEAK
    assert found.place.startswith(f"{module.__name__}.current")
    assert found.written.request.endswith("(GET /a/)")
    assert found.read.request.endswith("(GET /b/)")
    assert found.written.stack[0][0].co_name == "write"
    assert found.read.stack[0][0].co_name == "read"


def test_it_is_told_once_for_each_place(project, module, requests):
    a, b, c = requests
    within(a, module.write, a.state)
    for reader in (b, b, c):
        within(reader, module.read)
    assert project.only().count == 1


def test_what_is_no_request_data_is_only_listed(project, module, requests):
    a, b, _ = requests
    within(a, module.write, ["a", "list"])
    within(b, module.read)
    assert project.only().kind is Kind.SHARED


def test_who_sets_before_reading_finds_its_own(project, module, requests):
    a, b, _ = requests
    within(a, module.write, a.state)
    within(b, module.write, b.state)
    within(b, module.read)
    assert project.kinds() == []


def test_what_is_taken_back_is_nobodys(project, module, requests):
    a, b, _ = requests

    def whole() -> None:
        module.reset(module.write(a.state))

    within(a, whole)
    within(b, module.read)
    assert project.kinds() == []


def test_each_thread_and_each_task_has_its_own(project, module, requests):
    a, b, c = requests

    async def both() -> None:
        # Two tasks, one after the other, as a server makes one for each request.
        await asyncio.create_task(work(a, module.write, a.state))
        await asyncio.create_task(work(b, module.read))

    async def work(scope: Scope, *call: object) -> None:
        within(scope, *call)

    asyncio.run(both())
    contextvars.copy_context().run(within, a, module.write, a.state)
    elsewhere = threading.Thread(target=within, args=(a, module.write, a.state))
    elsewhere.start()
    elsewhere.join()
    within(c, module.read)
    assert project.kinds() == []


def test_it_goes_where_a_context_is_copied_to(project, module, requests):
    a, b, _ = requests
    within(a, module.write, a.state)
    elsewhere = contextvars.copy_context()
    within(a, module.write, None)
    elsewhere.run(within, b, module.read)
    assert project.only().kind is Kind.LEAK


def test_what_other_code_has_set_meanwhile_is_not_the_requests(project, module, requests):
    a, b, _ = requests
    within(a, module.write, a.state)
    if isinstance(module.current, contextvars.ContextVar):
        module.current.set(b.state)
    else:
        module.current.user = b.state
    assert within(b, module.read) is b.state
    assert project.kinds() == []


def test_what_is_set_outside_of_requests_is_for_all(project, module, requests):
    a, b, _ = requests
    within(a, module.write, a.state)
    module.write(b.state)
    within(b, module.read)
    assert project.kinds() == []


def test_what_is_declared_is_not_told(project, module, requests):
    holdfast.worker_state(module.current)
    a, b, _ = requests
    within(a, module.write, a.state)
    within(b, module.read)
    assert project.kinds() == []


def test_who_adds_has_set_it(project, requests):
    module = project.load("""
        from asgiref.local import Local
        local = Local()
        def begin(value): local.labels = value
        def add(value): local.labels += value
        def read(): return local.labels
    """)
    a, b, c = requests
    within(a, module.begin, [1])
    within(b, module.add, [2])
    within(b, module.read)
    assert project.kinds() == []
    assert within(c, module.read) == [1, 2]
    assert project.only().written.request.endswith("(GET /b/)")


def test_a_variable_that_nothing_holds_is_called_by_its_own_name(project, requests):
    module = project.load("""
        from contextvars import ContextVar
        class Held:
            def __init__(self): self.current = ContextVar("tenant")
            def write(self, value): self.current.set(value)
            def read(self): return self.current.get()
        held = [Held()]
    """)
    a, b, _ = requests
    within(a, module.held[0].write, a.state)
    within(b, module.held[0].read)
    assert project.only().place == "a context variable.tenant"


def test_nothing_is_kept_for_longer_than_its_context_keeps_it(project, requests):
    module = project.load(VARIABLE)
    a, _, _ = requests

    class Label:
        pass

    label = Label()
    gone = weakref.ref(label)
    within(a, module.write, label)
    module.current.set(None)  # not seen by the watch
    del label
    gc.collect()
    assert gone() is None


def test_few_are_known_of_one_context(project, requests, monkeypatch):
    monkeypatch.setattr("holdfast.watch.contexts.MOST", 10)
    module = project.load("""
        from asgiref.local import Local
        def write(value):
            local = Local()
            local.user = value
            return local
    """)
    a, _, _ = requests
    before = sum(type(one).__name__ == "Local" for one in gc.get_objects())
    for _ in range(100):
        within(a, module.write, 1)
    gc.collect()
    assert sum(type(one).__name__ == "Local" for one in gc.get_objects()) <= before + 10
