"""The matrix can fail: it finds what is known to go wrong without Holdfast."""

import pytest

from tests.conformance.known_failures import KNOWN, Known
from tests.conformance.matrix import run
from tests.conformance.servers import BY_ID


@pytest.mark.parametrize("known", KNOWN, ids=[known.name for known in KNOWN])
def test_the_matrix_finds_what_goes_wrong_with(known: Known):
    server = BY_ID[known.server]
    # What is left over shows in the next request of a connection, so there must be some.
    visited = dict.fromkeys([*known.rows, "sync_view", "pipelined"])
    outcome = run(server, known.subject, list(visited))
    unseen = [
        f"{row}: {outcome.tallies[row]}, expected some to be {kind}"
        for row, kind in known.rows.items()
        if not getattr(outcome.tallies[row], kind)
    ]
    assert not unseen, "\n".join([*unseen, f"seed {outcome.seed}"])
