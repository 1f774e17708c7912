"""What goes from one request to another, and what the watch calls it."""

import gc
import threading

import pytest

import holdfast
from holdfast.scope.scope import Scope
from holdfast.watch import Kind
from holdfast.watch.words import words
from tests.watch.project import within

LOGGER = """
    class Logger:
        def begin(self, time):
            self.time = time
        def end(self):
            return self.time
    logger = Logger()
"""


def test_who_reads_what_another_has_written_over_lost_a_write(project, requests):
    logger = project.load(LOGGER).logger
    a, b, _ = requests
    within(a, logger.begin, 1.0)
    within(b, logger.begin, 2.0)
    assert within(b, logger.end) == 2.0
    assert project.kinds() == []
    assert within(a, logger.end) == 2.0
    lost = project.only()
    assert lost.kind is Kind.LOST
    assert lost.place.endswith(".Logger.time")
    assert "GET /a/" in lost.read.request
    assert "GET /b/" in lost.written.request
    text = words([lost])
    assert "self.time = time" in text
    assert "return self.time" in text
    assert "2.0" in text


def test_requests_one_after_another_lose_nothing(project, requests):
    logger = project.load(LOGGER).logger
    for scope in requests:
        within(scope, logger.begin, id(scope))
        within(scope, logger.end)
    assert project.kinds() == []


def test_the_same_value_written_twice_is_no_loss(project, requests):
    logger = project.load(LOGGER).logger
    a, b, _ = requests
    within(a, logger.begin, [1, "x"])
    within(b, logger.begin, [1, "x"])
    within(a, logger.end)
    assert project.kinds() == []


def test_objects_made_alike_by_two_who_begin_at_once_are_no_loss(project, requests):
    logger = project.load(LOGGER).logger
    a, b, _ = requests
    within(a, logger.begin, threading.Lock())
    within(b, logger.begin, threading.Lock())
    within(a, logger.end)
    assert project.kinds() == [Kind.SHARED]


@pytest.mark.parametrize(
    "written",
    [
        "holder.user = value",
        "setattr(holder, 'user', value)",
        "type(holder).user = value",
        "function.user = value",
        "known['user'] = value",
        "known.update(user=value)",
        "known.setdefault('user', value)",
        "rest, holder.user = 1, value",
        "bind(value)",
        "close_over(value)",
        "walk(value)",
        "match_mapping({'user': value})",
        "match_rest([1, value])",
        "match_guarded(value)",
    ],
)
def test_request_data_that_another_request_reads_has_leaked(project, requests, written: str):
    module = project.load(f"""
        class Holder:
            user = None
        holder = Holder()
        known = {{}}
        def function(): pass
        function.user = None
        last = None
        def bind(value):
            global last
            last = value
        def walk(value):
            global last
            return [1 for _ in "a" if (last := value)]
        def match_mapping(value):
            global last
            match value:
                case {{"user": last}}: pass
        def match_rest(value):
            global last
            match value:
                case [1, *last]: pass
        def match_guarded(value):
            global last
            match value:
                case last if False: pass
        def closure():
            user = None
            def write(value):
                nonlocal user
                user = value
            def read():
                return user
            return write, read
        close_over, read_closed = closure()
        def write(value):
            {written}
        def read():
            return (holder.user, getattr(function, "user"), known.get("user"), last, read_closed())
    """)
    a, b, _ = requests
    within(a, module.write, {"kept": [a.state]})
    within(a, module.read)
    assert project.kinds() == []
    within(b, module.read)
    leak = project.only()
    assert leak.kind is Kind.LEAK
    assert leak.message.startswith(f"{leak.read.request} read request data of")
    assert "GET /b/" in leak.read.request


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ("append(value)", "held[-1]"),
        ("append(value)", "[one for one in held]"),
        ("extend([value])", "held.pop()"),
        ("insert(0, value)", "held.copy()"),
    ],
)
def test_request_data_in_a_list_leaks_too(project, requests, change: str, read: str):
    module = project.load(f"""
        held = []
        def write(value): held.{change}
        def read(): return {read}
    """)
    a, b, _ = requests
    within(a, module.write, a.state)
    within(b, module.read)
    assert project.kinds() == [Kind.LEAK]


def test_markers_are_request_data(project, requests):
    module = project.load("""
        names = {}
        def write(value): names["last"] = value
        def read(): return names["last"]
    """)
    a, b, _ = requests
    within(a, module.write, "dear hf-canary-0123456789abcdef")
    within(b, module.read)
    assert project.kinds() == [Kind.LEAK]


COUNTER = """
    import holdfast
    class Meter:
        calls = 0
        def __init__(self):
            self.hits = 0
        def hit(self):
            self.hits += 1
            self.misses = getattr(self, "misses", 0) + 1
            Meter.calls += 1
            return self.hits, self.misses, self.calls
    meter = Meter()
    rates = {}
    def rate(name):
        if name not in rates:
            rates[name] = len(name)
        rates["n"] = rates.get("n", 0) + 1
        return rates[name]
"""


def test_counters_and_caches_are_listed_and_no_bug(project, requests):
    module = project.load(COUNTER)
    for scope in (*requests, *requests):
        within(scope, module.meter.hit)
        within(scope, module.rate, "x")
    assert set(project.kinds()) == {Kind.SHARED}
    text = words(project.watch.collector.found)
    assert "Meter.hits" in text
    assert "rates['x']" in text
    assert "holdfast.worker_state" in text


@pytest.mark.parametrize(
    "declaration",
    [
        "holdfast.worker_state(rates); holdfast.worker_state(Meter)",
        "holdfast.worker_state(rates); holdfast.worker_state(Meter, 'hits', 'misses', 'calls')",
        "for one in (rates, meter, Meter): holdfast.worker_state(one)",
    ],
)
def test_what_is_declared_is_not_listed(project, requests, declaration: str):
    module = project.load(f"{COUNTER}\n    {declaration}\n")
    for scope in requests:
        within(scope, module.meter.hit)
        within(scope, module.rate, "x")
    assert project.kinds() == []


def test_a_declared_attribute_does_not_silence_others(project, requests):
    module = project.load(f"{COUNTER}\n    holdfast.worker_state(Meter, 'hits')\n")
    for scope in requests:
        within(scope, module.meter.hit)
    assert {one.name for one in project.watch.collector.found} == {"misses", "calls"}


def test_a_module_is_declared_by_name_with_its_globals(project, requests):
    module = project.load("""
        import holdfast
        last = None
        def reload(value):
            global last
            last = value
        def read(): return last
        holdfast.worker_state(__name__, "last")
    """)
    a, b, _ = requests
    within(a, module.reload, 1)
    within(b, module.read)
    assert project.kinds() == []
    with pytest.raises(ValueError, match="names of its globals"):
        holdfast.worker_state(module.__name__)
    with pytest.raises(ValueError, match="__name__"):
        holdfast.worker_state("no.such.module", "x")


def test_what_is_written_at_import_or_by_nobody_is_configuration(project, requests):
    module = project.load(LOGGER)
    a, b, _ = requests
    within(a, module.logger.begin, a.state)
    module.logger.begin("set up again")
    within(b, module.logger.end)
    assert project.kinds() == []


def test_what_is_deleted_does_not_leak(project, requests):
    module = project.load("""
        class Holder: pass
        holder = Holder()
        known = {}
        def work(value):
            holder.user = value
            known["user"] = value
            del holder.user, known["user"]
        def read():
            return getattr(holder, "user", None), known.get("user")
    """)
    a, b, _ = requests
    within(a, module.work, a.state)
    within(b, module.read)
    assert project.kinds() == []


def test_a_thread_local_is_each_threads_own(project, requests):
    module = project.load("""
        import threading
        local = threading.local()
        def write(value): local.user = value
        def read(): return getattr(local, "user", None)
    """)
    a, b, _ = requests
    within(a, module.write, a.state)
    elsewhere = threading.Thread(target=within, args=(b, module.write, b.state))
    elsewhere.start()
    elsewhere.join()
    within(a, module.read)
    assert project.kinds() == []
    # The next request of this thread finds what was left.
    within(b, module.read)
    assert project.only().kind is Kind.LEAK
    assert project.only().place == f"{module.__name__}.local.user"


def test_objects_of_a_request_are_not_kept(project):
    module = project.load("""
        class View:
            def handle(self):
                self.view = self
                self.labels = [1]
    """)
    scope = Scope(None, "GET /")
    within(scope, lambda: module.View().handle())
    scope.close()
    gc.collect()
    assert not [one for one in gc.get_objects() if type(one) is module.View]


def test_few_are_kept_that_hold_each_other_through_dicts(project, monkeypatch):
    monkeypatch.setattr("holdfast.watch.shadow.MOST_HELD", 20)
    module = project.load("""
        class View:
            def handle(self):
                self.labels = {}
                self.labels["view"] = self
    """)
    for _ in range(100):
        scope = Scope(None, "GET /")
        within(scope, lambda: module.View().handle())
        scope.close()
    gc.collect()
    assert len([one for one in gc.get_objects() if type(one) is module.View]) <= 21


def test_dicts_of_ended_requests_are_let_go_of(project):
    module = project.load("""
        def work():
            found = {}
            found["x"] = 1
            return len(found)
    """)
    for _ in range(500):
        scope = Scope(None, "GET /")
        within(scope, module.work)
        scope.close()
    assert len(project.watch.shadow.cells) < 50


def test_what_raises_spoils_nothing(project, requests):
    module = project.load("""
        class Bad:
            def __repr__(self): raise RuntimeError("no")
            def __eq__(self, other): raise RuntimeError("no")
            __hash__ = None
        class Holder: pass
        holder = Holder()
        def write(): holder.value = Bad()
        def read(): return holder.value
    """)
    a, b, _ = requests
    within(a, module.write)
    within(b, module.write)
    within(a, module.read)
    assert project.only().value == f"<{module.__name__}.Bad object>"


def test_the_same_crossing_is_counted_once(project, requests):
    logger = project.load(LOGGER).logger
    told = []
    project.watch.collector.told = told.append
    for _ in range(5):
        first, second = Scope(None, "GET /1"), Scope(None, "GET /2")
        within(first, logger.begin, 1)
        within(second, logger.begin, 2)
        within(first, logger.end)
        first.close()
        second.close()
    assert len(told) == 1
    assert project.only().count == 5


def test_who_looks_apart_sees_again_what_was_told_before(project, requests):
    logger = project.load(LOGGER).logger
    within(requests[0], logger.begin, 1)
    within(requests[1], logger.begin, 2)
    project.watch.collector.most = 1
    for _ in range(2):
        with project.watch.collector.apart() as seen:
            within(requests[0], logger.end)
            within(requests[0], logger.end)
        assert [(one.kind, one.count) for one in seen.bugs] == [(Kind.LOST, 1)]
    assert project.only().count == 2
    with project.watch.collector.apart() as seen:
        pass
    assert seen.found == []


def test_an_observer_that_fails_is_no_concern_of_the_users_code(project, requests, capsys):
    logger = project.load(LOGGER).logger

    def told(_: object) -> None:
        raise OSError("for the test of observers")

    project.watch.collector.told = told
    within(requests[0], logger.begin, 1)
    within(requests[1], logger.begin, 2)
    assert within(requests[0], logger.end) == 2
    assert project.kinds() == [Kind.LOST]
    assert "can't be told: OSError('for the test" in capsys.readouterr().err


def test_only_what_is_wanted_is_rewritten(project, tmp_path, monkeypatch):
    installed = tmp_path / "lib" / "site-packages"
    installed.mkdir(parents=True)
    for name in ("named_one", "unnamed_one"):
        (installed / f"{name}.py").write_text("def f(x): return x.real\n")
    monkeypatch.syspath_prepend(str(installed))
    project.watch.wanted.packages.add("named_one")
    named, unnamed = __import__("named_one"), __import__("unnamed_one")
    assert "__holdfast__" in named.f.__code__.co_names
    assert "__holdfast__" not in unnamed.f.__code__.co_names
    assert not list(installed.glob("__pycache__/named_one*"))


def test_a_variable_that_a_case_captures_is_the_functions_own(project, requests):
    module = project.load("""
        last = None
        def bind(value):
            global last
            last = value
        def read(value):
            match value:
                case [last, *_]: return last
    """)
    within(requests[0], module.bind, requests[0].state)
    within(requests[1], module.read, [requests[1].state])
    assert project.kinds() == []


def test_a_module_that_can_not_be_rewritten_is_loaded_as_it_is(project, capsys):
    chain = "".join(f"    elif n == {n}: return n\n" for n in range(1, 600))
    module = project.load(f"def f(n):\n    if n == 0: return 0\n{chain}\n")
    assert module.f(555) == 555
    assert f"{module.__file__} is not watched: RecursionError" in capsys.readouterr().err


def test_nothing_of_a_proxy_is_run_that_the_code_did_not_ask_for(project, requests):
    module = project.load("""
        made = []
        class Lazy:
            # As Django's lazy objects and Werkzeug's proxies do.
            __class__ = property(lambda self: made.append("class") or dict)
            def __getattribute__(self, name):
                if name not in ("value",):
                    made.append(name)
                return object.__getattribute__(self, name)
        class Holder:
            kept = None
        lazy = Lazy()
        holder = Holder()
        def write(n):
            lazy.value = n
            Holder.kept = lazy
            holder.own = lazy
        def read():
            return lazy.value, holder.kept, holder.own
    """)
    for scope in requests:
        within(scope, module.write, scope.state)
        within(scope, module.read)
        within(requests[0], module.read)
    assert [name for name in module.made if name != "__class__"] == []
    assert "class" not in module.made


def test_another_containers_contents_are_a_lost_write(project, requests):
    logger = project.load(LOGGER).logger
    a, b, _ = requests
    within(a, logger.begin, {"a": object()})
    within(b, logger.begin, {})
    within(a, logger.end)
    assert project.kinds() == [Kind.LOST]
