"""The three cases: as usually written they fail, with Holdfast they hold.

The users, the servers and the counting are the demo's own.
"""

from collections.abc import Iterator

import pytest

from demonstration.cases import global_request, lost_cache, who_am_i_serving
from demonstration.servers import SERVERS
from demonstration.serving import serve
from demonstration.site import Site
from demonstration.tally import Tally

GREEN_AND_ASYNC = ["gunicorn-gevent", "uvicorn"]


@pytest.fixture(scope="module", params=GREEN_AND_ASYNC)
def server_name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def before(
    server_name: str, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("before")
    with serve(SERVERS[server_name], "before", folder, environment, seed=1) as site:
        yield site


@pytest.fixture(scope="module")
def after(
    server_name: str, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("after")
    with serve(SERVERS[server_name], "after", folder, environment, seed=1) as site:
        yield site


def wrong(tally: Tally) -> dict[str, int]:
    return {kind: count.wrong for kind, count in tally.counts.items() if count.wrong}


def assert_held(tally: Tally) -> None:
    assert wrong(tally) == {}, tally.reasons(tally.counts)
    assert all(count.tried for count in tally.counts.values())


def test_uploads_lose_labels_kept_in_a_threading_local(before: Site, server_name: str) -> None:
    failures = wrong(lost_cache.drive(before))
    # Greenlets clear each other's local; on an event loop nobody's is ever cleared.
    expected = lost_cache.GONE if server_name == "gunicorn-gevent" else lost_cache.FOREIGN
    assert failures[expected] > 0
    assert lost_cache.OTHERWISE not in failures


def test_uploads_keep_labels_of_a_bulk_loader(after: Site) -> None:
    assert_held(lost_cache.drive(after))


def test_log_lines_name_others_from_a_threading_local(before: Site) -> None:
    failures = wrong(who_am_i_serving.drive(before))
    assert failures[who_am_i_serving.ANOTHER] > 0
    assert failures[who_am_i_serving.LEFT_OVER] > 0
    assert who_am_i_serving.UNLOGGED not in failures


def test_log_lines_name_the_user_from_request_state(after: Site) -> None:
    assert_held(who_am_i_serving.drive(after))


def test_popped_request_is_gone_for_all_but_the_first_reader(before: Site) -> None:
    tally = global_request.drive(before)
    places = (
        global_request.METHOD,
        global_request.TAG,
        global_request.THREAD,
        global_request.STREAM,
    )
    expected = {place: tally.counts[place].tried for place in places}
    assert wrong(tally) == expected, tally.reasons(tally.counts.keys() - expected.keys())


def test_request_is_known_wherever_it_is_asked_for(after: Site) -> None:
    assert_held(global_request.drive(after))
