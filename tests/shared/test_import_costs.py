"""A user of shared state pays for msgspec, and for no store before it is used."""

import sys

import pytest

from tests.test_import_costs import loaded_by


def test_importing_shared_loads_msgspec_and_no_store() -> None:
    foreign = loaded_by("holdfast.shared") - sys.stdlib_module_names
    # Of the standard library, and named after the platform.
    foreign = {name for name in foreign if not name.startswith("_sysconfigdata")}
    # msgspec takes it where it is.
    assert foreign - {"typing_extensions"} == {"holdfast", "msgspec"}


@pytest.mark.parametrize("heavy", ["asyncio", "ssl", "concurrent", "multiprocessing"])
def test_it_loads_nothing_that_gevent_wants_to_patch_first(heavy: str) -> None:
    assert heavy not in loaded_by("holdfast.shared")
