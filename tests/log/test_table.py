"""docs/log/matrix.md shows the matrix as it is defined here, and shows that it was passed."""

import pytest

from tests.conformance.table import Table, body_lines
from tests.log import table


@pytest.mark.parametrize("each", table.tables(), ids=lambda each: each.heading)
def test_the_docs_carry_the_table(each: Table):
    page = table.PAGE.read_text().splitlines()
    start = page.index(f"## {each.heading}")
    lines = body_lines(each)
    assert page[start + 2 : start + 2 + len(lines)] == lines, (
        f"the table in the docs is out of date: run `{table.REGENERATE}`"
    )


def test_the_docs_count_no_failure():
    text = table.PAGE.read_text()
    assert "**0\nfailures**" in text
    assert "✗" not in text
    assert not [name for name in ("tmp", "home", "root", "usr") if f"/{name}/" in text]
