"""The stale page: as usually cached it is old after a save, by `cached_view` it never is."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Self

import pytest

from demonstration.cases import stale_page
from demonstration.servers import FOUR_WORKERS
from demonstration.serving import serve_newsroom
from demonstration.site import Site
from demonstration.stores import STORES
from demonstration.tally import Tally
from demonstration.visitor import Answer


@pytest.fixture
def after(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("after")
    with (
        STORES["redis"].running(folder) as url,
        serve_newsroom(
            FOUR_WORKERS, "after", folder, {**environment, "STORE_URL": url}, seed=1
        ) as site,
    ):
        yield site


def wrong(tally: Tally) -> dict[str, int]:
    return {kind: count.wrong for kind, count in tally.counts.items() if count.wrong}


@pytest.mark.needs("redis")
def test_pages_are_kept_and_are_never_those_of_before_a_save(after: Site) -> None:
    tally = stale_page.drive(after)
    assert wrong(tally) == {}, tally.reasons(tally.counts)
    assert all(count.tried for count in tally.counts.values())


# The counting itself

SAVED = Answer(200, '{"comments": 3}')


def page(count: int, title: str = "words", status: int = 200) -> Answer:
    lines = (f'<a href="/reading/{n}/">{title}</a>, {count + n - 1} comments' for n in (1, 2))
    return Answer(status, "\n".join(lines))


def judged(saved: Answer, listings: list[Answer], articles: list[Answer] | None = None) -> Tally:
    """What is made of these answers, one after the other, to the readers after a comment."""
    words: list[str] = []

    def post(path: str, text: str) -> Answer:
        words.append(text)
        return saved

    # Each article's page has the words, unless others are given.
    given: dict[str, list[Any]] = {"/reading/": listings, "/reading/1/": articles or []}

    class Reader:
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def get(self, path: str) -> Answer:
            return given[path].pop() if given[path] else Answer(200, words[0])

    site: Any = SimpleNamespace(
        variant="after", port=1, random=SimpleNamespace(random=lambda: 0.5), visitor=Reader
    )
    tally = Tally(stale_page.KINDS)
    stale_page.save_and_look(site, tally, SimpleNamespace(post=post), 1)  # type: ignore[arg-type]
    return tally


def test_a_listing_with_another_count_is_old_also_where_another_article_has_that_count() -> None:
    fresh, old = page(3), page(2)
    assert wrong(judged(SAVED, [fresh, fresh, old, fresh])) == {stale_page.OLD_LISTING: 1}


def test_a_page_that_was_not_answered_is_none_that_is_old() -> None:
    broken, refused = Answer(0, "ConnectionResetError: gone"), page(2, status=500)
    tally = judged(SAVED, [page(3), broken, refused, page(3)], [broken])
    assert wrong(tally) == {stale_page.FAILED: 3}


def test_after_a_save_that_was_not_answered_nothing_is_judged() -> None:
    tally = judged(Answer(0, "BrokenPipeError: gone"), [])
    assert wrong(tally) == {stale_page.FAILED: 1}
    assert not tally.counts[stale_page.OLD_LISTING].tried
