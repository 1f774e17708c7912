"""A user of one room pays for no other."""

import subprocess
import sys

import pytest

LIST_WHAT_AN_IMPORT_LOADS = """
import sys
before = set(sys.modules)
import {name}
print(*sorted({{module.partition(".")[0] for module in set(sys.modules) - before}}))
"""


def loaded_by(name: str) -> set[str]:
    """The top-level packages that a fresh process has loaded after importing *name*."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LIST_WHAT_AN_IMPORT_LOADS.format(name=name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "name", ["holdfast", "holdfast.wsgi", "holdfast.asgi", "holdfast.scope", "holdfast.startup"]
)
def test_the_scope_and_the_wrappers_load_nothing_beyond_the_standard_library(name: str) -> None:
    assert loaded_by(name) - sys.stdlib_module_names == {"holdfast"}


# gevent wants to patch ssl, socket and threading before anybody holds their originals.
@pytest.mark.parametrize("heavy", ["asyncio", "ssl", "concurrent", "multiprocessing"])
def test_importing_holdfast_loads_nothing_that_gevent_wants_to_patch_first(heavy: str) -> None:
    assert heavy not in loaded_by("holdfast")


def test_importing_holdfast_loads_no_room_before_it_is_used() -> None:
    code = (
        "import sys, holdfast;"
        "rooms = lambda: [name for name in ('wsgi', 'asgi') if f'holdfast.{name}' in sys.modules];"
        "print(rooms()); holdfast.wsgi.RequestScope; print(rooms())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "['wsgi']"]


def test_a_name_that_there_is_not_is_an_attribute_error() -> None:
    import holdfast

    with pytest.raises(AttributeError, match="module 'holdfast' has no attribute 'requests'"):
        holdfast.requests  # noqa: B018
