"""Names and keys become keys of a store, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.shared.keys import decode_key, encode_key, name_of, place_of

texts = st.text(st.characters())
keys = st.recursive(
    texts | st.integers() | st.binary() | st.uuids(),
    lambda inner: st.tuples(inner, inner) | st.lists(inner).map(tuple),
)


@given(keys)
def test_a_key_comes_back(key):
    again = decode_key(encode_key(key))
    assert again == key
    assert type(again) is type(key)


@given(keys, keys)
def test_different_keys_are_different_bytes(one, other):
    assert (encode_key(one) == encode_key(other)) == (one == other)


@given(st.sampled_from([b"d", b"c", b"l"]), texts.filter(bool), st.binary())
def test_a_name_comes_back(kind, name, rest):
    place = place_of(kind, name)
    assert name_of(place) == (kind, name, b"")
    assert name_of(place + b":" + rest) == (kind, name, rest)


@given(texts.filter(bool), texts.filter(bool))
def test_no_dict_is_inside_of_another(one, other):
    if one != other:
        assert not (place_of(b"d", one) + b":").startswith(place_of(b"d", other))


def test_a_person_can_read_them():
    assert place_of(b"d", "shop flags") + b":" + encode_key("key0") == b"d:{shop%20flags}:skey0"
    assert encode_key(("a", 1)) == b"t2:sa2:i1"


@given(st.binary())
def test_bytes_that_are_no_key_are_refused_and_do_not_crash(data):
    for read in (decode_key, name_of):
        try:
            read(data)
        except ValueError:
            pass


@pytest.mark.parametrize("data", [b"", b"x", b"t5:sa", b"t0:", b"u12"])
def test_torn_keys_are_refused(data):
    with pytest.raises(ValueError, match=r"."):
        decode_key(data)
