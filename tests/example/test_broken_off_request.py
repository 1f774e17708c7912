"""A request that is broken off by what isn't an Exception: does it stay behind in its worker?"""

from pathlib import Path

import pytest

from demonstration.running import running
from demonstration.servers import SERVERS
from demonstration.serving import DJANGO
from demonstration.visitor import Visitor
from holdfast.testing.ports import free_port


@pytest.mark.parametrize(
    ("variant", "gauge", "left"),
    [("before", "requests_on_the_stack", 3), ("after", "live_scopes", 1)],
)
def test_broken_off_requests_stay_on_the_stack_but_not_in_a_scope(
    environment: dict[str, str], tmp_path: Path, variant: str, gauge: str, left: int
) -> None:
    port = free_port()
    # The last --workers counts: with one worker, whoever asks next meets what was left.
    command = [*SERVERS["gunicorn-sync"].command(DJANGO[variant], port), "--workers", "1"]
    with running(command, port, tmp_path / "log", environment):
        for _ in range(2):
            with Visitor(port) as visitor:
                assert visitor.get("/time-out/").status != 200
        with Visitor(port) as visitor:
            assert visitor.get("/health/").data[gauge] == left
