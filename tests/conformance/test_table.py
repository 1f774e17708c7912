"""docs/conformance.md shows the matrix as it is defined here, and shows that it was passed."""

from collections.abc import Callable

import pytest

from tests.conformance import table
from tests.conformance.known_failures import KNOWN
from tests.conformance.places import BY_NAME, PLACES
from tests.conformance.servers import BY_ID, SERVERS


@pytest.fixture(scope="module")
def page() -> list[str]:
    return table.PAGE.read_text().splitlines()


@pytest.mark.parametrize("each", table.tables(), ids=lambda each: each.heading)
def test_the_docs_carry_the_table(page: list[str], each: table.Table):
    start = page.index(f"## {each.heading}")
    lines = table.body_lines(each)
    assert page[start + 2 : start + 2 + len(lines)] == lines, (
        f"the table in the docs is out of date: run `{table.REGENERATE}`"
    )


def test_the_docs_carry_what_fails_without_holdfast(page: list[str]):
    each = table.known_table()
    start = page.index(f"## {each.heading}")
    assert page[start + 2] == table.body_lines(each)[0]
    shown = {line.split(" | ")[0].removeprefix("| "): line for line in page[start + 4 :]}
    for number, known in enumerate(KNOWN, 1):
        for row in known.rows:
            cell = shown[BY_NAME[row].title].strip("| ").split(" | ")[number]
            assert cell in {"lost", "another's"}, (known, row)


def test_the_docs_count_no_failure(page: list[str]):
    text = "\n".join(page)
    assert "**0 failures**" in text
    assert "**0 scopes**" in text
    assert "✗" not in text


def test_the_docs_name_no_path_of_a_machine(page: list[str]):
    text = "\n".join(page)
    assert not [name for name in ("tmp", "home", "root", "usr") if f"/{name}/" in text]


@pytest.mark.parametrize("of", [lambda: SERVERS, lambda: PLACES], ids=["servers", "places"])
def test_names_are_unique(of: Callable[[], tuple[object, ...]]):
    names = [getattr(each, "name", None) for each in of()]
    assert len(names) == len(set(names))


def test_what_a_server_lacks_is_a_place():
    for server in SERVERS:
        assert set(server.absent) <= set(BY_NAME), server.name
        assert set(server.only) <= set(BY_NAME), server.name
    for known in KNOWN:
        assert set(known.rows) <= set(BY_ID[known.server].rows()), known.name


def test_every_place_is_had_by_some_server_with_our_wrapper():
    had = {row for server in SERVERS if server.wrapped for row in server.rows()}
    assert had == set(BY_NAME)
