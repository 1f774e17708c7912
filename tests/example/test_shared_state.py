"""The two views on four workers: a module dict is seen by one of them, shared state by all."""

from collections.abc import Iterator

import pytest

from demonstration.cases import two_views
from demonstration.servers import FOUR_WORKERS
from demonstration.serving import serve_newsroom
from demonstration.site import Site
from demonstration.stores import STORES


@pytest.fixture
def before(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("before")
    with serve_newsroom(FOUR_WORKERS, "before", folder, environment, seed=1) as site:
        yield site


@pytest.fixture(
    params=[
        "embedded",
        pytest.param("redis", marks=pytest.mark.needs("redis")),
        pytest.param("memcached", marks=pytest.mark.needs("memcached")),
    ]
)
def after(
    request: pytest.FixtureRequest,
    environment: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("after")
    with (
        STORES[request.param].running(folder) as url,
        serve_newsroom(
            FOUR_WORKERS, "after", folder, {**environment, "STORE_URL": url}, seed=1
        ) as site,
    ):
        yield site


def test_four_workers_answer(before: Site) -> None:
    two_views.drive(before)
    assert len({two_views.reading(before).data["worker"] for _ in range(200)}) > 1


def test_module_dict_is_seen_by_one_worker_only(before: Site) -> None:
    tally = two_views.drive(before)
    assert tally.counts[two_views.NOTHING].wrong > 0
    assert tally.counts[two_views.UNCOUNTED].wrong > 0
    # Where it is seen, it is the right one.
    assert tally.counts[two_views.FOREIGN].wrong == tally.counts[two_views.FAILED].wrong == 0


def test_shared_dict_and_counter_are_seen_by_all_workers(after: Site) -> None:
    tally = two_views.drive(after)
    assert {kind: count.wrong for kind, count in tally.counts.items() if count.wrong} == {}
    assert tally.counts[two_views.NOTHING].tried == two_views.READERS * two_views.TURNS
