"""Pickles are signed, large values compressed, and hostile bytes are no value."""

import logging
import pickle
import random
import threading
import time
import tracemalloc
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.shared import NotStorable, UnreadableValue
from holdfast.values import MISSING, Codec, compression
from tests.values import shapes

PLACE = b"d:{flags}:skey0"
KEY, OLD_KEY, OTHER_KEY = "a key of the present", "a key of the past", "somebody else's key"

codec = Codec(lambda: [KEY, OLD_KEY])
keyless = Codec()


# Signed pickles


def test_whatever_is_not_plain_is_pickled():
    value = [shapes.Plain({"a": (1, 2)}), shapes.Child(1), range(3)]
    assert codec.load(codec.dump(value, PLACE), PLACE) == value


def test_what_contains_itself_is_pickled():
    value = []
    value.append(value)
    read = codec.load(codec.dump(value, PLACE), PLACE)
    assert read[0] is read


def test_an_old_key_is_still_read_and_no_more_written():
    data = Codec(lambda: [OLD_KEY]).dump(shapes.Plain(1), PLACE)
    assert codec.load(data, PLACE) == shapes.Plain(1)
    assert Codec(lambda: [OLD_KEY]).load(codec.dump(shapes.Plain(1), PLACE), PLACE) is MISSING


@pytest.fixture
def refusals(caplog):
    """What was logged as a security event."""
    caplog.set_level(logging.WARNING, "holdfast.security")
    return lambda: [record.getMessage() for record in caplog.records]


def test_an_unknown_key_is_refused_and_logged(refusals):
    data = Codec(lambda: [OTHER_KEY]).dump(shapes.Plain(1), PLACE)
    assert codec.load(data, PLACE) is MISSING
    (said,) = refusals()
    assert said.startswith(
        "Refused what is stored at b'd:{flags}:skey0', and took it as missing: its signature is"
    )


def test_each_changed_byte_is_refused_before_anything_runs(refusals):
    data = codec.dump(shapes.Explosive(), PLACE)
    before = shapes.Explosive.exploded
    for place in range(2, len(data)):
        forged = bytearray(data)
        forged[place] ^= 1
        assert codec.load(bytes(forged), PLACE) is MISSING
    assert shapes.Explosive.exploded == before
    assert len(refusals()) == len(data) - 2
    codec.load(data, PLACE)
    assert shapes.Explosive.exploded == before + 1


def test_a_value_that_was_moved_to_another_place_is_refused():
    data = codec.dump(shapes.Plain("admin"), PLACE)
    assert codec.load(data, b"d:{flags}:skey1") is MISSING
    assert codec.load(data, b"d:{users}:skey0") is MISSING


def test_a_signature_says_whether_what_it_signs_is_compressed():
    data = codec.dump(shapes.Plain("a" * 100_000), PLACE)
    assert data.startswith(b"\xc1P")
    assert codec.load(b"\xc1p" + data[2:], PLACE) is MISSING


def test_a_bare_pickle_is_no_value():
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps(shapes.Explosive(), protocol)
        before = shapes.Explosive.exploded
        assert codec.load(data, PLACE) is MISSING
        assert codec.load(b"\xc1p" + data, PLACE) is MISSING
        assert shapes.Explosive.exploded == before


def test_the_key_is_not_the_secret_itself():
    from hashlib import blake2b

    data = codec.dump(shapes.Plain(1), PLACE)
    signature, body = data[2:34], data[34:]
    signed = len(PLACE).to_bytes(4, "big") + PLACE + data[:2] + body
    assert blake2b(signed, key=KEY.encode(), digest_size=32).digest() != signature


def test_without_a_key_it_is_said_what_to_set():
    with pytest.raises(NotStorable) as raised:
        keyless.dump(shapes.Plain(1), PLACE)
    assert "a tests.values.shapes.Plain has to be pickled" in str(raised.value)
    assert "Set HOLDFAST['KEY'], or have Django's SECRET_KEY used" in str(raised.value)


def test_pickle_can_be_forbidden(refusals):
    strict = Codec(lambda: [KEY], pickled=False)
    with pytest.raises(NotStorable, match=r"forbidden by HOLDFAST..PICKLE.."):
        strict.dump(shapes.Plain(1), PLACE)
    assert strict.load(codec.dump(shapes.Plain(1), PLACE), PLACE) is MISSING
    assert "HOLDFAST['PICKLE'] forbids them" in refusals()[0]
    assert strict.load(strict.dump(shapes.Point(1), PLACE), PLACE) == shapes.Point(1)


def test_a_genuine_pickle_whose_class_is_gone_is_an_error_and_no_security_event(
    refusals, monkeypatch
):
    data = codec.dump(shapes.Plain(1), PLACE)
    monkeypatch.delattr(shapes, "Plain")
    with pytest.raises(UnreadableValue, match="was pickled by us, but can't be unpickled here"):
        codec.load(data, PLACE)
    assert not refusals()


# What can't be stored


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (lambda: 1, "it is or holds a function"),
        (threading.Lock(), "it is or holds a _thread.lock"),
        ((number for number in ()), "it is or holds a generator"),
        ({"a": [1, {"b": lambda: 1}]}, "a function (at ['a'][1]['b'])"),
        (shapes.Plain(threading.Lock()), "a _thread.lock (at .data)"),
    ],
    ids=["lambda", "lock", "generator", "nested", "attribute"],
)
def test_what_cannot_be_stored_is_named(value, said):
    with pytest.raises(NotStorable) as raised:
        codec.dump(value, PLACE)
    assert said in str(raised.value)
    named = str(raised.value.at("flags['key0']"))
    assert named.startswith("flags['key0'] can't be stored: ")


def test_an_open_file_cannot_be_stored(tmp_path):
    with (tmp_path / "file").open("w") as file, pytest.raises(NotStorable, match="TextIOWrapper"):
        codec.dump(file, PLACE)


# Numbers


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_a_number_is_stored_in_digits_so_that_stores_can_count_with_it(number):
    assert codec.dump(number, PLACE) == str(number).encode()
    assert codec.load(str(number).encode(), PLACE) == number


def test_true_is_no_number():
    assert codec.load(codec.dump(True, PLACE), PLACE) is True
    assert codec.load(codec.dump([48, True], PLACE), PLACE) == [48, True]


# Compression


def test_large_values_are_made_smaller_where_that_helps():
    text = "all work and no play " * 10_000
    assert len(codec.dump(text, PLACE)) < 5000
    assert codec.load(codec.dump(text, PLACE), PLACE) == text
    noise = random.Random(0).randbytes(200_000)
    assert len(codec.dump(noise, PLACE)) < 200_010
    assert codec.load(codec.dump(noise, PLACE), PLACE) == noise


def test_from_where_on_is_a_setting():
    text = "a" * 1000
    assert len(codec.dump(text, PLACE)) > 1000
    assert len(Codec(compress_above=100).dump(text, PLACE)) < 100
    assert len(Codec(compress_above=None).dump(text * 1000, PLACE)) > 1_000_000


def test_a_decompression_bomb_is_refused():
    size = compression.LIMIT + 1
    body = b"\xc6" + size.to_bytes(4, "big") + bytes(size)
    bomb = b"\xc1z" + zlib.compress(body, 1)
    del body
    tracemalloc.start()
    assert codec.load(bomb, PLACE) is MISSING
    assert tracemalloc.get_traced_memory()[1] < 2.2 * compression.LIMIT
    tracemalloc.stop()


# Hostile bytes


def load(data):
    """What comes of *data*: hostile or not, it is a value, no value, or of a class unknown here."""
    try:
        return codec.load(data, PLACE)
    except UnreadableValue:
        return MISSING


@given(st.binary())
def test_no_bytes_crash(data):
    load(data)


extensions = st.builds(msgspec.msgpack.Ext, st.integers(-128, 127), st.binary())
forged = st.recursive(
    st.none() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary() | extensions,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(), inner)
        | st.builds(
            lambda code, value: msgspec.msgpack.Ext(code, msgspec.msgpack.encode(value)),
            st.integers(0, 20),
            inner,
        )
    ),
)


@given(forged)
def test_no_forged_message_crashes(message):
    load(msgspec.msgpack.encode(message))
    load(b"\xc1z" + zlib.compress(msgspec.msgpack.encode(message)))


@given(st.data())
def test_no_torn_or_changed_value_crashes(data):
    whole = codec.dump(
        [shapes.Frozen("a", (shapes.Point(1, {1, 2}),)), shapes.Colour.RED, (2**70, 1j)], PLACE
    )
    place = data.draw(st.integers(0, len(whole) - 1))
    load(whole[:place])
    changed = bytearray(whole)
    changed[place] = data.draw(st.integers(0, 255))
    load(bytes(changed))


@pytest.mark.parametrize("kind", [b"\xdd", b"\xdf", b"\xdb", b"\xc6"])
def test_a_forged_length_allocates_nothing(kind):
    assert load(kind + b"\xff\xff\xff\xff") is MISSING
    nested = (kind + (10**6).to_bytes(4, "big")) * 900 + bytes(10**6)
    begun = time.monotonic()
    load(nested)
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("depth", [500, 5_000, 50_000])
def test_deep_nesting_is_refused(depth):
    assert load(b"\x91" * depth) is MISSING
    inner = b"\xc0"
    for _ in range(min(depth, 5000)):
        inner = b"\xc9" + (len(inner) + 1).to_bytes(4, "big") + b"\x01\x91" + inner
    load(inner)
