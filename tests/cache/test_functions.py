"""`holdfast.cached`: what users write, on each store, sync and async."""

import asyncio
import datetime as dt
import inspect
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

import holdfast
from holdfast.cache import MISSING, LoadTimeout
from tests.cache.conftest import Face

pytestmark = pytest.mark.usefixtures("store")

on_one_store = pytest.mark.parametrize("engine", ["lmdb"], indirect=True)


class Loads:
    """A loader that remembers its calls."""

    def __init__(self) -> None:
        self.of: list[Any] = []

    def __call__(self, *args: Any) -> Any:
        self.of.append(args)
        return {"args": list(args), "load": len(self.of)}


@pytest.fixture
def loads() -> Loads:
    return Loads()


def test_a_result_is_loaded_once_for_its_arguments(face: Face, name: str, loads: Loads) -> None:
    @face.cached(name)
    def f(a, b=2):
        return loads(a, b)

    first = f(1)
    assert first == {"args": [1, 2], "load": 1}
    assert f(1) == first
    assert f(1, 2) == f(a=1, b=2) == f(1, b=2) == first
    assert f(2)["load"] == 2
    assert len(loads.of) == 2


def test_what_is_invalidated_is_loaded_again_and_nothing_else(
    face: Face, name: str, loads: Loads
) -> None:
    @face.cached(name)
    def f(a):
        return loads(a)

    assert [f(1)["load"], f(2)["load"]] == [1, 2]
    f.invalidate(1)
    assert [f(1)["load"], f(2)["load"]] == [3, 2]
    f.ainvalidate(1) if face.kind == "async" else asyncio.run(f.ainvalidate(1))
    assert [f(1)["load"], f(2)["load"]] == [4, 2]


def test_a_tag_makes_all_untrue_that_have_it(face: Face, name: str, loads: Loads) -> None:
    @face.cached(name, tags=lambda user, page: [f"{name}:user:{user}", f"{name}:page:{page}"])
    def f(user, page):
        return loads(user, page)

    def numbers() -> list[int]:
        return [f(user, page)["load"] for user in (1, 2) for page in (1, 2)]

    assert numbers() == [1, 2, 3, 4]
    holdfast.invalidate(f"{name}:user:1")
    assert numbers() == [5, 6, 3, 4]
    asyncio.run(holdfast.ainvalidate(f"{name}:page:2", f"{name}:of nothing"))
    assert numbers() == [5, 7, 3, 8]


def test_a_function_can_be_made_untrue_as_a_whole(face: Face, name: str, loads: Loads) -> None:
    @face.cached(name)
    def f(a):
        return loads(a)

    @face.cached(name + "other")
    def g(a):
        return loads(a)

    assert [f(1)["load"], f(2)["load"], g(1)["load"]] == [1, 2, 3]
    holdfast.invalidate(f if face.kind == "sync" else f.function)
    assert [f(1)["load"], f(2)["load"], g(1)["load"]] == [4, 5, 3]


def test_refresh_loads_now_whatever_is_there(face: Face, name: str, loads: Loads) -> None:
    @face.cached(name)
    def f(a):
        return loads(a)

    assert f.refresh(1)["load"] == 1
    assert f(1)["load"] == 1
    assert f.refresh(1)["load"] == 2
    assert f(1)["load"] == 2


def test_peek_loads_nothing(face: Face, name: str, loads: Loads) -> None:
    @face.cached(name)
    def f(a):
        return loads(a)

    assert f.peek(1) is MISSING
    f(1)
    assert f.peek(1)["load"] == 1
    f.invalidate(1)
    assert f.peek(1) is MISSING
    assert len(loads.of) == 1


VALUES = [
    None,
    False,
    0,
    "",
    b"bytes",
    1.5,
    2**70,
    (1, (2, 3)),
    [1, [2, {"a": {3}}]],
    {"a": 1, 2: "b"},
    {(1, 2): dt.date(2026, 7, 4)},
    frozenset({1}),
    "x" * 100_000,
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:30])
@on_one_store
def test_every_call_gets_an_equal_value_of_the_same_type(face: Face, name: str, value: Any) -> None:
    @face.cached(name)
    def f():
        return value

    for _ in range(4):
        found = f()
        assert found == value
        assert type(found) is type(value)


@pytest.mark.parametrize("value", [[1, 2], {"a": 1}, {"a": [1]}, [[1]], {1, 2}], ids=repr)
@on_one_store
def test_who_changes_a_result_changes_only_his_own(face: Face, name: str, value: Any) -> None:
    def spoil(found: Any) -> None:
        if isinstance(found, set):
            found.add("spoilt")
        elif isinstance(found, list):
            spoil(found[0]) if isinstance(found[0], list) else found.append("spoilt")
        elif isinstance(found["a"], list):
            found["a"].append("spoilt")
        else:
            found["b"] = "spoilt"

    original = deepcopy(value)

    @face.cached(name)
    def f():
        return value

    spoil(f())
    for _ in range(4):
        found = f()
        assert found == original
        spoil(found)


@on_one_store
def test_other_code_has_other_results(name: str, loads: Loads) -> None:
    old = holdfast.cached(300, name=name)(loads.__call__)
    new = holdfast.cached(300, name=name, version=2)(loads.__call__)
    assert [old(1)["load"], new(1)["load"], old(1)["load"]] == [1, 2, 1]


@on_one_store
def test_a_key_of_ones_own_tells_results_apart(face: Face, name: str, loads: Loads) -> None:
    @face.cached(name, key=lambda _, page: page)
    def f(_, page):
        return loads(page)

    assert f(object(), 1)["load"] == 1
    assert f(object(), page=1)["load"] == 1
    assert f(object(), 2)["load"] == 2
    f.invalidate(object(), 1)
    assert f(object(), 1)["load"] == 3


@on_one_store
def test_any_arguments_are_told_apart_by_what_they_are_bound_to(
    face: Face, name: str, loads: Loads
) -> None:
    @face.cached(name)
    def f(a, *args, b=1, **kwargs):
        return loads(a, list(args), b, kwargs)

    assert f(1)["load"] == f(1, b=1)["load"] == f(a=1)["load"] == 1
    assert f(1, 2)["load"] == 2
    assert f(1, c=2)["load"] == 3
    assert f(1, c=2, d=3)["load"] == f(1, d=3, c=2)["load"] == 4
    f.invalidate(1, d=3, c=2)
    assert f(1, c=2, d=3)["load"] == 5


class Report:
    loads = Loads()

    def __init__(self, number: int) -> None:
        self.number = number

    def __holdfast_key__(self) -> int:
        return self.number

    @holdfast.cached(300)
    def total(self, year):
        return Report.loads(self.number, year)

    @holdfast.cached(300)
    async def average(self, year):
        return Report.loads(self.number, year)

    @classmethod
    @holdfast.cached(300)
    def of_class(cls, year):
        return Report.loads(cls.__name__, year)

    @staticmethod
    @holdfast.cached(300)
    def of_nobody(year):
        return Report.loads(year)


class Summary(Report):
    pass


@pytest.fixture
def _no_reports() -> None:
    Report.loads.of.clear()
    for method in (Report.total, Report.average, Report.of_class, Report.of_nobody):
        holdfast.invalidate(method)


@pytest.mark.usefixtures("_no_reports")
@on_one_store
def test_a_method_is_cached_for_what_its_instance_is_called() -> None:
    assert Report(1).total(2026) == Report(1).total(2026) == Report.total(Report(1), year=2026)
    assert len(Report.loads.of) == 1
    assert Report(2).total(2026)["load"] == 2
    assert Summary(1).total(2026)["load"] == 3
    Report(1).total.invalidate(2026)
    assert Report(1).total(2026)["load"] == 4
    assert Report(2).total.peek(2026)["load"] == 2
    assert Report(2).total.refresh(year=2026)["load"] == 5
    assert Report(1).total.key(2026) != Report(2).total.key(2026)


@pytest.mark.usefixtures("_no_reports")
@on_one_store
def test_methods_of_classes_and_async_methods_are_cached() -> None:
    assert Report.of_class(1)["load"] == Report.of_class(1)["load"] == 1
    assert Summary.of_class(1)["load"] == 2
    assert Report.of_nobody(1)["load"] == Report(3).of_nobody(1)["load"] == 3
    assert inspect.iscoroutinefunction(Report.average)
    assert inspect.iscoroutinefunction(Report(1).average)

    async def ask() -> list[int]:
        report = Report(1)
        numbers = [(await report.average(1))["load"], (await report.average(1))["load"]]
        await report.average.invalidate(1)
        return [*numbers, (await report.average(1))["load"]]

    assert asyncio.run(ask()) == [4, 4, 5]


@on_one_store
def test_the_decorated_function_looks_like_itself() -> None:
    @holdfast.cached(300)
    def f(a: int, /, b: str = "x", *, c: float = 1.0) -> str:
        """What f does."""
        return b

    assert f.__name__ == "f"
    assert f.__doc__ == "What f does."
    assert str(inspect.signature(f)) == "(a: int, /, b: str = 'x', *, c: float = 1.0) -> str"
    assert not inspect.iscoroutinefunction(f)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        f()


@on_one_store
def test_a_key_can_be_read(name: str) -> None:
    @holdfast.cached(300, name=name)
    def f(pk):
        return pk

    @holdfast.cached(300, name=name)
    def g(pk, page="1"):
        return pk

    assert f.key(7) == b"c:%b@1:i7" % name.encode()
    assert f.key("7%") == b"c:%b@1:s7%%" % name.encode()
    assert g.key(7) == b"c:%b@1:2:i72:s1" % name.encode()


@on_one_store
def test_what_can_not_be_stored_is_said_with_the_name_of_the_function(
    face: Face, name: str
) -> None:
    @face.cached(name)
    def f():
        return {"lock": open}, (x for x in ())

    with pytest.raises(Exception, match=f"result of {name}"):
        f()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ttl": 0}, "ttl must be more than 0"),
        ({"ttl": "5"}, "ttl must be a number of seconds"),
        ({"ttl": True}, "ttl must be a number"),
        ({"ttl": 5, "stale": -1}, "stale must be 0 or more"),
        ({"ttl": 5, "jitter": 1}, "jitter is a share"),
        ({"ttl": 5, "negative_ttl": 0}, "negative_ttl must be more than 0"),
        ({"ttl": 5, "on_wait": "raise"}, "on_wait must be 'load', 'stale' or 'error'"),
        ({"ttl": 5, "on_wait": "stale"}, "on_wait='stale' needs stale= or fail_safe="),
        ({"ttl": None, "stale": 5}, "with ttl=None"),
        ({"ttl": 5, "tier": "yes"}, "tier must be"),
        ({"ttl": 5, "wait": float("inf")}, "wait must be"),
    ],
)
@on_one_store
def test_options_that_make_no_sense_are_refused_where_they_stand(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        holdfast.cached(**options)


@on_one_store
def test_what_can_not_be_cached_is_refused_where_it_stands() -> None:
    def generator():
        yield 1

    with pytest.raises(TypeError, match=r"can't keep what .*generator yields"):
        holdfast.cached(5)(generator)
    with pytest.raises(TypeError, match="must be the inner decorator"):
        holdfast.cached(5)(staticmethod(len))
    with pytest.raises(TypeError, match="needs a ttl"):
        holdfast.cached(generator)
    with pytest.raises(TypeError, match="tags must be a list"):
        holdfast.cached(5, tags="user:7")(lambda: 1)
    with pytest.raises(TypeError, match=r"A tag is a text such as 'user:7', not 7"):
        holdfast.cached(5, tags=[7])(lambda: 1)
    with pytest.raises(TypeError, match="A tag is a text"):
        holdfast.invalidate(7)


@on_one_store
def test_an_argument_that_makes_no_key_is_named(name: str) -> None:
    @holdfast.cached(5, name=name)
    def f(thing):
        return 1

    with pytest.raises(
        TypeError, match=r"key can't be made of a builtins\.object.*__holdfast_key__"
    ):
        f(object())


def test_errors_of_the_loader_are_its_callers_and_not_kept(face: Face, name: str) -> None:
    calls = []

    @face.cached(name)
    def f():
        calls.append(1)
        raise ZeroDivisionError(len(calls))

    for number in (1, 2):
        with pytest.raises(ZeroDivisionError, match=str(number)):
            f()


def test_other_settings_are_used_from_the_next_call_on(
    face: Face, name: str, loads: Loads, tmp_path: Path
) -> None:
    @face.cached(name)
    def f(a):
        return loads(a)

    assert f(1)["load"] == f(1)["load"] == 1
    holdfast.configure({"STORES": {"cache": f"lmdb://{tmp_path / 'another'}"}})
    assert f(1)["load"] == f(1)["load"] == 2


def test_load_timeout_is_a_timeout() -> None:
    assert issubclass(LoadTimeout, TimeoutError)
