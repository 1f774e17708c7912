"""HOLDFAST["CACHE"], and where "cache" is."""

from pathlib import Path
from typing import Any

import pytest

import holdfast
from holdfast import named_stores
from holdfast.configuration import ConfigurationError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (7, r"HOLDFAST\['CACHE'\] must be a dict, not 7"),
        ({"TIER_BYTE": 1}, r"has no key 'TIER_BYTE'. Did you mean 'TIER_BYTES'\?"),
        ({"TIER_BYTES": -1}, r"\['TIER_BYTES'\] must be a number of bytes"),
        ({"TIER_BYTES": True}, r"\['TIER_BYTES'\] must be a number of bytes"),
        ({"FLOOD": 0}, r"\['FLOOD'\] must be a number from 1 on, or None"),
        ({"COMMIT_TIMEOUT": 0}, r"\['COMMIT_TIMEOUT'\] must be a number of seconds above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        holdfast.configure({"CACHE": settings})


def test_cache_is_where_default_is_in_a_file_that_evicts(tmp_path: Path) -> None:
    holdfast.configure({"STORES": {"default": f"lmdb://{tmp_path}"}})
    try:
        named_stores.store("default").set(b"key", b"state")
        cache = named_stores.store("cache")
        assert cache.url == named_stores.store("default").url
        assert cache.get(b"key") is None
        cache.set(b"key", b"result")
        assert named_stores.store("default").get(b"key") == b"state"
        assert {path.name.partition("-")[0] for path in tmp_path.glob("*.mdb")} == {
            "state",
            "cache",
        }
    finally:
        holdfast.configure({})


def test_cache_may_be_elsewhere_and_evicts_there_too(tmp_path: Path) -> None:
    holdfast.configure({"STORES": {"cache": f"lmdb://{tmp_path}/elsewhere"}})
    try:
        named_stores.store("cache").set(b"key", b"result")
        assert list((tmp_path / "elsewhere").glob("cache-*.mdb"))
    finally:
        holdfast.configure({})


def test_the_time_of_a_commit_is_told_to_the_store(tmp_path: Path) -> None:
    holdfast.configure({"STORES": {"cache": f"lmdb://{tmp_path}"}, "CACHE": {"COMMIT_TIMEOUT": 3}})
    try:
        assert named_stores.store("cache").tags.commit_timeout == 3
    finally:
        holdfast.configure({})
