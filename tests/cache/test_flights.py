"""What one who waits for another's load may take."""

import threading

import pytest

import holdfast
from holdfast.cache import counts
from holdfast.cache.leases import Lease
from tests.cache.conftest import wait_for

pytestmark = [
    pytest.mark.usefixtures("store"),
    pytest.mark.parametrize("engine", ["lmdb"], indirect=True),
]


def test_who_comes_after_the_result_was_stored_does_not_take_what_is_untrue_by_then(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = ["old"]

    @holdfast.cached(ttl=300, tags=["truth"], name=name)
    def f() -> str:
        return truth[0]

    stored, let = threading.Event(), threading.Event()
    release = Lease.release

    async def held(self: Lease) -> None:
        # The first one has stored its result by now, and its flight is still to be seen.
        if not stored.is_set():
            stored.set()
            assert let.wait(30)
        await release(self)

    monkeypatch.setattr(Lease, "release", held)
    leader = threading.Thread(target=f)
    leader.start()
    assert stored.wait(30)
    truth[0] = "new"
    holdfast.invalidate("truth")
    found: list[str] = []
    late = threading.Thread(target=lambda: found.append(f()))
    late.start()
    wait_for(lambda: counts(name).waits == 1)
    let.set()
    leader.join(30)
    late.join(30)
    assert found == ["new"]
