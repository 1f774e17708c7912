"""Places in the user's own code are told from those of packages and of Python itself."""

import functools
import json
import sys
from contextvars import copy_context
from pathlib import Path

import pytest

from holdfast.probe.aboard import places

HERE = str(Path(__file__).resolve())


@pytest.fixture(autouse=True)
def roots():
    places.begin((str(Path(__file__).parent),))
    yield
    places.begin(())


def asked_by_a_library(ask):
    """*ask*, called from within Python's own library."""
    return json.loads("[1]", object_hook=None, parse_int=lambda _text: ask())[0]


def test_the_innermost_line_of_the_users_own_code_is_found():
    path, _, line = asked_by_a_library(places.users_place).rpartition(":")
    assert path == HERE
    assert "parse_int" in Path(HERE).read_text().splitlines()[int(line) - 1]


def test_packages_in_the_users_folder_are_not_the_users_own(tmp_path):
    places.begin((str(tmp_path),))
    own, package = tmp_path / "own.py", tmp_path / ".venv" / "site-packages" / "package.py"
    package.parent.mkdir(parents=True)
    found = {}
    for file in (own, package):
        code = compile("def f():\n    return here()", str(file), "exec")
        space = {"here": places.users_place}
        exec(code, space)  # noqa: S102 - of our own
        found[file] = space["f"]()
    assert found == {own: f"{own}:2", package: ""}


def test_a_stack_leaves_out_the_observers():
    stack = asked_by_a_library(places.stack)
    assert stack[0].endswith("<lambda>") or "decoder" in stack[0]
    assert not any("probe/aboard/places" in entry for entry in stack)


def test_packages_come_before_pythons_own_library():
    frame = asked_by_a_library(sys._getframe)
    found = places.packages_frame(places.outwards(frame))
    assert found.f_code.co_filename == __file__


def test_wrappers_stand_for_what_they_wrap():
    def inner():
        """What is meant."""

    @functools.wraps(inner)
    def wrapped():
        """Around it."""

    name = f"{__name__}.test_wrappers_stand_for_what_they_wrap.<locals>.inner"
    for one in (
        inner,
        wrapped,
        functools.partial(wrapped, 1),
        functools.partial(copy_context().run, wrapped),
    ):
        assert places.name_of(one) == name
    assert places.name_of(Path()) in {"pathlib.PosixPath", "pathlib._local.PosixPath"}


def test_a_name_of_its_own_is_taken_as_it_is():
    def handler():
        """A layer of Django."""

    setattr(handler, places.NAME, "shop.middleware.Log")
    assert places.name_of(functools.partial(handler)) == "shop.middleware.Log"
