"""Plain data comes back as it was, and as the same types."""

import math
import sys
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.shared import NotStorable, UnreadableValue
from holdfast.values import MISSING, Codec
from tests.values import shapes

PLACE = b"d:{flags}:skey0"

# Without a key: whatever is stored by it is plain.
codec = Codec()


def through(value):
    return codec.load(codec.dump(value, PLACE), PLACE)


def same(one, other):  # noqa: PLR0911 - one for each kind
    """Equal, of the same types all through, and NaN is itself."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    if isinstance(one, dict):
        return len(one) == len(other) and all(
            same(a, b) and same(one[a], other[b]) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, shapes.Point):
        return same(vars(one), vars(other))
    if isinstance(one, datetime | time):
        return (one, one.tzinfo, one.fold) == (other, other.tzinfo, other.fold)
    if isinstance(one, Decimal):
        return str(one) == str(other)
    if isinstance(one, complex):
        return repr(one) == repr(other)
    return one == other


zones = st.sampled_from(
    [
        None,
        UTC,
        ZoneInfo("Europe/Vienna"),
        ZoneInfo("UTC"),
        timezone(timedelta(hours=-3, minutes=-30)),
        timezone(timedelta(0), "UTC"),
        timezone(timedelta(seconds=17, microseconds=5), "odd"),
    ]
)
hashable_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats(allow_nan=False)
    | st.text(st.characters())
    | st.text(st.characters(categories=["Cs", "Lu"]))
    | st.binary()
    | st.complex_numbers(allow_nan=False)
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.dates()
    | st.times(timezones=zones)
    | st.datetimes(timezones=zones, allow_imaginary=False)
    | st.timedeltas()
    | st.sampled_from([*shapes.Colour, *shapes.Level, *shapes.Word, *shapes.Access, *shapes.Bits])
)
hashables = st.recursive(
    hashable_scalars, lambda inner: st.tuples(inner, inner) | st.frozensets(inner), max_leaves=5
)
values = st.recursive(
    hashable_scalars | st.floats() | st.decimals(allow_nan=True) | st.binary().map(bytearray),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.sets(hashables)
        | st.frozensets(hashables)
        | st.dictionaries(st.text(), inner)
        | st.dictionaries(hashables, inner)
        | st.builds(shapes.Point, x=st.integers(), y=inner)
        | st.builds(shapes.Frozen, name=st.text())
    ),
    max_leaves=20,
)


@given(values)
def test_plain_data_comes_back_as_the_same_types(value):
    assert same(through(value), value)


@pytest.mark.parametrize(
    "value",
    [
        2**63 - 1,
        -(2**63),
        2**63,
        2**64 - 1,
        2**64,
        -(2**63) - 1,
        10**4000,
        -0.0,
        float("inf"),
        "\ud83d",
        {"\ud83d": 1},
        {1: "int", "1": "text", b"1": "bytes", (1,): "tuple"},
        {2**80: 1},
        [],
        {},
        (),
        set(),
        Decimal("sNaN12"),
        Decimal("1E+999999"),
        datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Vienna")),
        datetime(2026, 10, 25, 2, 30, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=UTC),
        date.max,
        timedelta.max,
        timedelta.min,
        UUID(int=0),
        shapes.Access.ALL,
        shapes.Bits.A & shapes.Bits.B,
        shapes.Bits.A | shapes.Bits.B,
        shapes.Colour.CRIMSON,
        shapes.Circle.Colour.RED,
        shapes.Frozen("a", (shapes.Point(1),)),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_the_edges_come_back_too(value):
    assert same(through(value), value)


def test_a_dataclass_comes_back_without_running_any_of_its_code():
    stored = through(shapes.Careful(1, given=2))
    assert stored.made == ["made", "init"]
    assert stored.x == 1


def test_what_a_dataclass_has_cached_is_left_out():
    circle = shapes.Circle(2.0)
    assert circle.area == 12
    assert "area" not in vars(through(circle))
    assert through(circle) == circle


def test_enums_are_the_members_themselves():
    assert through([shapes.Colour.RED, shapes.Level.LOW]) == [shapes.Colour.RED, shapes.Level.LOW]
    assert through(shapes.Colour.RED) is shapes.Colour.RED


@pytest.mark.parametrize(
    "value",
    [
        shapes.Plain(1),
        [shapes.Plain(1)],
        shapes.Own(1),
        shapes.Child(1),
        range(3),
        type("Text", (str,), {})("a"),
        {1: {2: [type("Number", (int,), {})(3)]}},
    ],
    ids=["object", "in a list", "tuple", "subclass", "range", "text", "deep"],
)
def test_what_is_more_than_plain_data_is_never_taken_for_it(value):
    with pytest.raises(NotStorable, match="pickle"):
        codec.dump(value, PLACE)


def test_an_attribute_beyond_the_fields_is_not_lost():
    point = shapes.Point(1)
    point.note = "mine"
    with pytest.raises(NotStorable, match="has to be pickled"):
        codec.dump(point, PLACE)


# What changes between two releases of a program


@pytest.fixture
def classes(monkeypatch):
    """Change what the module of shapes holds, as another release would have it."""
    return lambda name, value: monkeypatch.setattr(shapes, name, value)


def test_a_field_that_came_later_has_its_default(classes):
    data = codec.dump(shapes.Point(1, tags=["a"]), PLACE)
    from dataclasses import dataclass, field

    @dataclass
    class Point:
        x: int
        tags: list[str]
        z: int = 7
        more: list[str] = field(default_factory=list)

    Point.__qualname__, Point.__module__ = "Point", shapes.__name__
    classes("Point", Point)
    read = codec.load(data, PLACE)
    assert read == Point(1, ["a"], 7, [])
    assert read.more is not codec.load(data, PLACE).more


def test_a_field_that_came_later_without_a_default_is_named(classes):
    data = codec.dump(shapes.Frozen("a"), PLACE)
    from dataclasses import make_dataclass

    newer = make_dataclass("Frozen", ["name", "points", "size"])
    newer.__module__ = shapes.__name__
    classes("Frozen", newer)
    with pytest.raises(
        UnreadableValue, match=r"older than its field 'size'. Give that field a def"
    ):
        codec.load(data, PLACE)


def test_a_class_that_is_not_imported_is_named_and_not_imported(tmp_path, monkeypatch):
    name = "x" * len(shapes.__name__)
    (tmp_path / f"{name}.py").write_text("class Colour: pass")
    monkeypatch.syspath_prepend(tmp_path)
    data = codec.dump(shapes.Colour.RED, PLACE).replace(shapes.__name__.encode(), name.encode())
    with pytest.raises(UnreadableValue, match=f"Import {name} before you read"):
        codec.load(data, PLACE)
    assert name not in sys.modules


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize("odd", [(1, 2), bytearray(b"x"), shapes.Word.ONE, {1}, 2**70])
@pytest.mark.parametrize(
    "around",
    [
        lambda odd: [{"a": [1, {"b": odd}]}],
        lambda odd: {"a": {}, "b": [], "c": {1: "x", "y": [[odd]]}},
        lambda odd: vars(shapes.Point(odd)),
        lambda odd: [vars(shapes.Point(1)), {"a": vars(shapes.Point([odd]))}],
    ],
    ids=["record", "mixed", "attributes", "attributes of several"],
)
def test_what_lies_deep_among_simple_things_keeps_its_type(odd, around):
    assert same(through(around(odd)), around(odd))


@pytest.mark.parametrize("key", [Text("a"), shapes.Word.ONE, (1, 2), frozenset({1})])
@pytest.mark.parametrize(
    "around", [lambda inner: inner, lambda inner: [{"a": [inner]}]], ids=["top", "deep"]
)
def test_a_key_of_no_simple_type_keeps_it(key, around):
    value = around({"first": 1, key: 2})
    if type(key) is Text:  # no plain data, and there is no key to sign a pickle with
        with pytest.raises(NotStorable):
            codec.dump(value, PLACE)
    else:
        assert same(through(value), value)


def test_a_member_that_is_gone_is_named(classes):
    data = codec.dump(shapes.Colour.GREEN, PLACE)
    classes("Colour", Enum("Colour", ["RED"], module=shapes.__name__))
    with pytest.raises(UnreadableValue, match="'GREEN'], which there is no more"):
        codec.load(data, PLACE)


def test_a_module_that_loads_things_when_asked_is_not_asked(monkeypatch):
    asked = []
    monkeypatch.setattr(shapes, "__getattr__", asked.append, raising=False)
    data = codec.dump(shapes.Colour.RED, PLACE).replace(b"Colour", b"Kolour")
    with pytest.raises(UnreadableValue):
        codec.load(data, PLACE)
    assert not asked


def test_only_dataclasses_and_enums_are_ever_made():
    data = codec.dump(shapes.Point(1), PLACE)
    for name in (b"Plain", b"Child"):
        assert codec.load(data.replace(b"Point", name), PLACE) is MISSING
    enum = codec.dump(shapes.Level.LOW, PLACE)
    assert codec.load(enum.replace(b"Level", b"Plain"), PLACE) is MISSING
