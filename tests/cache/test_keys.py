"""Keys tell apart what has to be told apart."""

import datetime as dt
import enum
import itertools
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast import framework
from holdfast.cache.keys import encode, encode_all


class Colour(enum.Enum):
    RED = 1


class Shade(enum.Enum):
    RED = 1


class Number(int):
    pass


@dataclass(frozen=True)
class Point:
    x: int
    y: int


DIFFERENT: list[Any] = [
    None,
    True,
    1,
    1.0,
    "1",
    b"1",
    Number(1),
    Decimal(1),
    Decimal("1.0"),
    (1,),
    [1],
    {1},
    frozenset({2}),
    {1: 2},
    {"1": 2},
    {1: [2]},
    (),
    ((),),
    ("a", "b"),
    ("ab",),
    ("a", "b", ""),
    ("1:a",),
    dt.date(2026, 1, 1),
    dt.datetime(2026, 1, 1),  # noqa: DTZ001 - one without a time zone, too
    dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    dt.time(1),
    dt.timedelta(1),
    UUID(int=1),
    Colour.RED,
    Shade.RED,
    Point(1, 2),
    Point(2, 1),
    Point,
    "",
    b"",
    0,
    -0.0,
    0.0,
    False,
]


def test_different_arguments_make_different_keys() -> None:
    for one, other in itertools.combinations(DIFFERENT, 2):
        assert encode(one) != encode(other), (one, other)


def test_equal_ones_make_one_key() -> None:
    assert encode({1: 2, "a": 3}) == encode({"a": 3, 1: 2})
    assert encode({3, 1, 2}) == encode({2, 1, 3})
    assert encode(Point(1, 2)) == encode(Point(1, 2))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: st.tuples(inner, inner) | st.lists(inner) | st.dictionaries(st.text(), inner),
)


# A machine that stalls is no slow test.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.tuples(values, values), st.tuples(values, values))
def test_nothing_in_an_argument_can_look_like_another_one(one: Any, other: Any) -> None:
    same = repr(one) == repr(other) or encode(one) == encode(other)
    assert (encode_all(one) == encode_all(other)) == same


def test_texts_that_are_no_utf_8_make_keys() -> None:
    assert encode("\ud800") != encode("\ud801")


def test_what_can_not_be_told_apart_is_refused() -> None:
    with pytest.raises(TypeError, match=r"made of a builtins\.object"):
        encode([object()])


def test_a_class_says_what_its_instances_are_called() -> None:
    class User:
        def __holdfast_key__(self) -> object:
            return 7, "a"

    class Group(User):
        pass

    assert encode(User()) == encode(User())
    assert encode(User()) != encode(Group())


def test_rooms_add_what_they_know(monkeypatch: pytest.MonkeyPatch) -> None:
    class Row:
        pk = 7

    monkeypatch.setattr(
        framework,
        "key_makers",
        [lambda v: (Point, ("rows", v.pk)) if isinstance(v, Row) else NotImplemented],
    )
    assert encode(Row()) == encode(Row())
    assert b"Row" not in encode(Row()), "it counts as what the room says"
    with pytest.raises(TypeError):
        encode(object())


def test_what_stands_for_another_value_makes_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    class Later:
        def __init__(self, held: object) -> None:
            self.held = held

    monkeypatch.setattr(framework, "stand_ins", [lambda v: v.held if type(v) is Later else v])
    for held in (7, "a", Point(1, 2), Colour.RED):
        assert encode(Later(held)) == encode(held)
