"""Two values are compared as somebody sees them, not as they compare themselves."""

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from holdfast.cache.comparing import Incomparable, difference, shortened


@dataclass
class Point:
    x: int
    y: Any


class EqualToAll:
    """As Django's rows are where their keys are."""

    def __init__(self, title: str) -> None:
        self.title = title

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class Slotted:
    __slots__ = ("x",)

    def __init__(self, x: int) -> None:
        self.x = x


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 7, 1.5, float("nan"), 1j, "text", b"bytes", Decimal("1.10")),
        *(dt.date(2026, 1, 2), dt.timedelta(3), uuid.UUID(int=7), [1, [2, {"a": (3,)}]], {1, 2}),
        *(Point(1, Point(2, None)), EqualToAll("a"), Slotted(7), dt.UTC),
    ],
)
def test_equal_values_are_the_same(value: Any) -> None:
    import copy

    assert not difference(value, copy.deepcopy(value))


@pytest.mark.parametrize(
    ("one", "other", "where"),
    [
        (1, 2, "value: 1 != 2"),
        (1, True, "value: 1 != True"),
        (1, 1.0, "value: 1 != 1.0"),
        ([1, 2], [1, 3], "[1]: 2 != 3"),
        ([1, 2], [1], "len(): 2 != 1"),
        ([1], (1,), "value: [1] != (1,)"),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "['a']['b']: 1 != 2"),
        ({"a": 1}, {"b": 1}, ".keys()"),
        ({1}, {2}, "{1} != {2}"),
        (Point(1, 2), Point(1, 3), "['y']: 2 != 3"),
        (EqualToAll("a"), EqualToAll("b"), "['title']: 'a' != 'b'"),
        (Slotted(1), Slotted(2), "['x']: 1 != 2"),
    ],
)
def test_what_differs_is_named(one: Any, other: Any, where: str) -> None:
    assert where in difference(one, other)


def test_what_holds_itself_is_compared() -> None:
    one: list[Any] = [1]
    one.append(one)
    other: list[Any] = [1]
    other.append(other)
    assert not difference(one, other)


def test_what_cannot_be_looked_into_is_not_comparable() -> None:
    with pytest.raises(Incomparable, match="generator"):
        difference((n for n in ()), (n for n in ()))


def test_long_values_are_shown_short_and_broken_ones_at_all() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise ValueError

    assert len(shortened(["x" * 1000] * 1000)) < 600
    assert shortened(Broken())
