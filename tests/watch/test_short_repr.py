"""Values in a few words."""

import datetime as dt
import enum
from collections import OrderedDict, deque
from decimal import Decimal
from types import SimpleNamespace

import pytest

from holdfast.watch.alike import same
from holdfast.watch.short_repr import short_repr
from tests.watch.project import within


class Colour(enum.Enum):
    RED = 1


class Name(str):
    __slots__ = ()


class Asking:
    """As a queryset or a model is: to show it, to compare it, to look into it is to ask."""

    asked = False

    def ask(self, *_: object) -> None:
        Asking.asked = True
        raise AssertionError

    __repr__ = __str__ = __len__ = __iter__ = __eq__ = __hash__ = ask  # type: ignore[assignment]


class Listed(list[object]):
    """One that shows itself in a way of its own."""

    def __repr__(self) -> str:
        raise AssertionError


OF_ASKING = f"<{__name__}.Asking object>"


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 1, 1.5, "text", b"bytes", Decimal("1.5"), dt.date(2026, 1, 2)),
        *([], {}, (), (1,), [1, "a"], {"a": [1, 2]}, frozenset({1}), deque([1])),
        *(Colour.RED, Asking, len, KeyError("name")),
    ],
    ids=repr,
)
def test_what_is_plain_is_told_as_it_is(value):
    assert short_repr(value) == repr(value)


TOLD = {
    "'text'": Name("text"),
    "{'a': 1}": OrderedDict(a=1),
    OF_ASKING: Asking(),
    f"[{OF_ASKING}, {{'a': {OF_ASKING}}}]": [Asking(), {"a": Asking()}],
    f"ValueError('of', {OF_ASKING})": ValueError("of", Asking()),
    "[1]": Listed([1]),
    "[[[...]]]": [[[1]]],
    "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...]": list(range(11)),
    "'" + "x" * 116 + "...": "x" * 200,
}


@pytest.mark.parametrize("told", TOLD)
def test_of_all_else_nobodys_code_is_run(told):
    assert short_repr(TOLD[told]) == told
    assert not Asking.asked


def test_what_is_read_of_another_request_is_not_asked(project, requests):
    module = project.load("""
        class Holder: pass
        holder = Holder()
        def write(value): holder.value = value
        def read(): return holder.value
    """)
    a, b, _ = requests
    within(a, module.write, [Asking()])
    within(b, module.read)
    assert project.only().value == f"[{OF_ASKING}]"
    assert not Asking.asked


class Model(Asking):
    """As Django makes them."""

    _meta = SimpleNamespace(pk=SimpleNamespace(attname="number"))

    def __init__(self, number: int | None = None) -> None:
        self.number = number


def test_a_model_is_told_by_its_key():
    assert short_repr(Model(7)) == f"<{__name__}.Model object (7)>"
    assert short_repr(Model()) == f"<{__name__}.Model object>"


def test_a_lazy_object_stays_lazy_and_then_is_what_it_stands_for():
    functional = pytest.importorskip("django.utils.functional")
    one, other = (functional.SimpleLazyObject(lambda: (7, "x")) for _ in range(2))
    assert short_repr(one) == "<django.utils.functional.SimpleLazyObject object>"
    assert not same(one, other)
    assert all(type(vars(lazy)["_wrapped"]) is object for lazy in (one, other))
    assert one[0] == other[0] == 7
    assert short_repr(one) == "<SimpleLazyObject: (7, 'x')>"
    assert same(one, other)
