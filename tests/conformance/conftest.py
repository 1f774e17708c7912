"""One run of a server serves all of its tests: `pytest tests/conformance -k gthread`."""

import pytest

from tests.conformance.matrix import Outcome, run
from tests.conformance.servers import SERVERS, Server


def _parameter(server: Server) -> object:
    marks = [pytest.mark.xdist_group(server.name)]
    if "uwsgi" in server.packages:
        marks.append(pytest.mark.needs("uwsgi"))
    return pytest.param(server, id=server.name, marks=marks)


@pytest.fixture(scope="session", params=[_parameter(server) for server in SERVERS])
def outcome(request: pytest.FixtureRequest) -> Outcome:
    found = run(request.param)
    print(f"{found.server.name}: {found.summary}")
    return found
