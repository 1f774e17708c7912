"""Who caches pays for no other room; who doesn't pays for none of it."""

import subprocess
import sys

import pytest

LIST_WHAT_IS_LOADED = """
import sys
before = set(sys.modules)
{code}
print(*sorted(set(sys.modules) - before))
"""


def loaded_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LIST_WHAT_IS_LOADED.format(code=code)],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_importing_holdfast_loads_nothing_of_it() -> None:
    assert not {name for name in loaded_by("import holdfast") if name.startswith("holdfast.cache")}


def test_its_names_are_on_holdfast_and_load_it_when_they_are_used() -> None:
    assert "holdfast.cache" in loaded_by("import holdfast; holdfast.cached")
    assert "holdfast.cache" in loaded_by("import holdfast; holdfast.invalidate")
    assert "holdfast.cache" in loaded_by("import holdfast; holdfast.cache.MISSING")


@pytest.mark.parametrize(
    "heavy", ["asyncio", "ssl", "concurrent.futures", "redis", "lmdb", "django", "holdfast.shared"]
)
def test_it_loads_no_store_and_nothing_that_gevent_wants_to_patch_first(heavy: str) -> None:
    assert heavy not in loaded_by("import holdfast.cache")
