"""The client's address: what our own proxies say, and nobody else."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.log.addresses import TrustedProxies
from tests.log.driving import event_of
from tests.log.fuzzing import examples

PROXY, CLIENT = "10.0.0.1", "203.0.113.7"
# Of which headers are made, right and wrong ones.
PIECES = [
    "for=",
    "by=",
    ";",
    ",",
    " ",
    '"',
    "\\",
    "[",
    "]",
    ":",
    "6.6.6.6",
    "2001:db8::1",
    "\x00",
    "%",
]


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("6.6.6.6, 203.0.113.7", CLIENT),
        ("203.0.113.7", CLIENT),
        ("6.6.6.6, 203.0.113.7:4711", CLIENT),
        ("6.6.6.6, [2001:db8::1]:443", "2001:db8::1"),
        ("6.6.6.6, 2001:DB8::1", "2001:db8::1"),
        ("6.6.6.6, ::ffff:203.0.113.7", CLIENT),
        ("6.6.6.6, unknown", PROXY),
        ("6.6.6.6, ", PROXY),
        ("6.6.6.6, 203.0.113.7.evil.example", PROXY),
        ("6.6.6.6, 999.1.1.1", PROXY),
        ("6.6.6.6, 0x7f.1", PROXY),
        ("", PROXY),
        (",,,", PROXY),
        ("6.6.6.6, 203.0.113.7" + "x" * 5000, PROXY),
        ("6.6.6.6," * 5000 + " 203.0.113.7", CLIENT),
    ],
)
def test_one_proxy_is_counted_from_the_right(header: str, found: str):
    assert TrustedProxies(1, "x-forwarded-for").client(PROXY, header) == found
    # The same by its network.
    assert TrustedProxies(("10.0.0.0/8",), "x-forwarded-for").client(PROXY, header) == found


def test_fewer_entries_than_proxies_say_nothing():
    assert TrustedProxies(2, "x-forwarded-for").client(PROXY, "6.6.6.6") == PROXY
    assert TrustedProxies(2, "x-forwarded-for").client(PROXY, "6.6.6.6, 203.0.113.7, 10.9.9.9") == (
        CLIENT
    )


def test_networks_are_walked_until_the_first_that_is_not_ours():
    ours = TrustedProxies(("10.0.0.0/8", "2001:db8:aa::/48", "unix"), "x-forwarded-for")
    assert ours.client(PROXY, "6.6.6.6, 203.0.113.7, 2001:db8:aa::2, 10.1.1.1") == CLIENT
    assert ours.client("198.51.100.9", "6.6.6.6") == "198.51.100.9"  # no proxy of ours
    assert ours.client("", "203.0.113.7") == CLIENT  # a Unix socket
    assert ours.client(PROXY, "10.2.2.2, 10.1.1.1") == "10.2.2.2"
    assert ours.client(PROXY, "6.6.6.6, garbage, 10.1.1.1") == "10.1.1.1"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("for=6.6.6.6, for=203.0.113.7;proto=https;by=10.0.0.1", CLIENT),
        ('For="203.0.113.7:4711"', CLIENT),
        ('for="[2001:db8::7]:80"; proto=http', "2001:db8::7"),
        ('for="\\[2001:db8::7\\]"', "2001:db8::7"),
        ("for=_hidden", PROXY),
        ("for=unknown", PROXY),
        ("proto=https", PROXY),
        # An open quotation mark of the client's would swallow what our proxy has written.
        ('for="6.6.6.6, for=203.0.113.7', PROXY),
        ('for="a, for="[2001:db8::7]:80"', PROXY),
        ("for=6.6.6.6 for=1.1.1.1", PROXY),
        ("for", PROXY),
        ("", PROXY),
    ],
)
def test_forwarded_is_read_as_rfc_7239_says(header: str, found: str):
    assert TrustedProxies(1, "forwarded").client(PROXY, header) == found
    assert TrustedProxies(("10.0.0.0/8",), "forwarded").client(PROXY, header) == found


@examples(100)
@given(spoofed=st.text(max_size=60) | st.lists(st.sampled_from(PIECES)).map("".join))
def test_nothing_that_the_client_writes_before_our_proxy_counts(spoofed: str):
    proxies = TrustedProxies(1, "x-forwarded-for")
    assert proxies.client(PROXY, f"{spoofed}, {CLIENT}") == CLIENT
    assert TrustedProxies(1, "forwarded").client(PROXY, f"{spoofed}, for={CLIENT}") in (
        CLIENT,
        PROXY,
    )


@examples(100)
@given(
    peer=st.text(max_size=30) | st.sampled_from([PROXY, "", "::1", "/run/socket"]),
    header=st.text(max_size=60) | st.lists(st.sampled_from([*PIECES, PROXY])).map("".join),
    kind=st.sampled_from(["x-forwarded-for", "forwarded"]),
    trusted=st.sampled_from([0, 1, 3, ("10.0.0.0/8",), ("10.0.0.0/8", "unix"), ("::/0",)]),
)
def test_no_header_raises(peer: str, header: str, kind: str, trusted: int | tuple[str, ...]):
    found = TrustedProxies(trusted, kind).client(peer, header)
    # What is told is an address, or what the server said: never a text of the client's.
    if found != peer:
        ip_address(found)


def test_with_nothing_configured_headers_count_for_nothing():
    event = event_of(HTTP_X_FORWARDED_FOR="6.6.6.6", HTTP_FORWARDED="for=6.6.6.6")
    assert event["client"] == "127.0.0.1"


def test_the_settings_reach_the_event():
    forwarded = {"HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.7", "HTTP_FORWARDED": "for=1.2.3.4"}
    assert event_of(proxies=1, **forwarded)["client"] == CLIENT
    assert event_of(proxies=1, forwarded="forwarded", **forwarded)["client"] == "1.2.3.4"
    assert event_of(proxies=["192.0.2.0/24"], **forwarded)["client"] == "127.0.0.1"
