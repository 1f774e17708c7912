"""A thousand users need a thousand connections."""

import resource

import pytest

from holdfast.probe.users.open_files import enough_open_files
from holdfast.probe.users.plan import PlanError


@pytest.fixture
def limits():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_enough_may_be_opened_while_users_ask(limits):
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    with enough_open_files(1000):
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 2000
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (256, hard)


def test_more_than_is_allowed_is_said(limits):
    users = limits[1]
    with pytest.raises(PlanError, match="ask for fewer users"), enough_open_files(users):
        pytest.fail("as if there were enough")
