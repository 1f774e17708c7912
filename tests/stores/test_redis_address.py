"""What a Redis URL says."""

import pytest

from holdfast.stores import StoreError
from holdfast.stores.redis.address import read_address


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("redis://localhost:6380/2", "redis://localhost:6380/2"),
        ("valkey://localhost/0?prefix=shop:", "redis://localhost/0"),
        ("valkeys://u:p@h", "rediss://u:p@h"),
        ("unix:///run/redis.sock?db=3&prefix=x", "unix:///run/redis.sock?db=3"),
    ],
)
def test_one_server(url, plain):
    assert read_address(url).url == plain


def test_a_prefix_of_ones_own():
    assert read_address("redis://h?prefix=shop:").prefix == b"shop:"
    assert read_address("redis://h").prefix == b"hf:"


def test_sentinels():
    address = read_address("rediss+sentinel://u:p%40w@a:1,b/shop?db=2&sentinel_password=s")
    assert address.hosts == (("a", 1), ("b", 26379))
    assert address.service == "shop"
    assert address.options == {"username": "u", "password": "p@w", "db": 2, "ssl": True}
    assert address.sentinel_options == {"password": "s", "ssl": True}


def test_a_cluster():
    address = read_address("redis+cluster://:pw@a:7000,[::1]:7001,c")
    assert address.hosts == (("a", 7000), ("::1", 7001), ("c", 6379))
    assert address.options == {"password": "pw"}


def test_files_of_tls_are_for_all_connections():
    files = "ssl_ca_certs=/ca&ssl_certfile=/crt&ssl_keyfile=/key"
    tls = {"ssl": True, "ssl_ca_certs": "/ca", "ssl_certfile": "/crt", "ssl_keyfile": "/key"}
    sentinel = read_address(f"rediss+sentinel://a/shop?{files}")
    assert sentinel.options == {"db": 0, **tls}
    assert sentinel.sentinel_options == tls
    assert read_address(f"rediss+cluster://a?{files}").options == tls


@pytest.mark.parametrize(
    "url",
    [
        "redis://user:s3cret@host/0?password=s3cret",
        "redis+sentinel://:s3cret@a,b/shop?sentinel_password=s3cret",
        "redis+cluster://u:s3cret@a",
    ],
)
def test_no_password_is_shown(url):
    address = read_address(url)
    assert "s3cret" not in address.shown
    assert "s3cret" not in repr(address)


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://host",
        "redis+sentinel://host/a/b",
        "redis+sentinel://host/shop?db=x",
        "redis+cluster://host/3",
        "redis+cluster://host?db=1",
        "redis+cluster://a,,b",
        "redis+cluster://a?ssl_ca_certs=/ca",
        "redis://host:port",
        "redis://h?prefix={x}",
        "unix://",
        "rediis://host",
    ],
)
def test_nonsense_is_refused_with_the_right_forms(url):
    with pytest.raises(StoreError, match=r"the forms are .*redis\+sentinel://"):
        read_address(url)
