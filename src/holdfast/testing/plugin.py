"""The pytest plugin: `--holdfast-watch`, `--holdfast-leftovers`, and fixtures.

pytest loads it by its entry point. Until an option or a fixture is used it does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..scope.scope import Scope
    from ..watch import Watch
    from .requests import IsolatedRequests
    from .served import Served

_WATCH = pytest.StashKey["Watch"]()
_PACKAGES = "holdfast_watch_packages"


def pytest_addoption(parser: pytest.Parser) -> None:
    """What the plugin takes."""
    group = parser.getgroup("holdfast", "state in the wrong place")
    group.addoption(
        "--holdfast-watch",
        action="store_true",
        help="rewrite the project's code to see state that goes from one request to another; a"
        " test in which a request loses a write, or reads another's data, fails",
    )
    group.addoption(
        "--holdfast-watch-package",
        action="append",
        default=[],
        metavar="NAME",
        help="watch this installed package as well (may be given several times)",
    )
    group.addoption(
        "--holdfast-leftovers",
        action="store_true",
        help="fail tests that leave a request scope open, or request data in a global",
    )
    parser.addini(_PACKAGES, "installed packages for --holdfast-watch", "args", default=[])
    parser.addini(
        "holdfast_watch_roots", "folders of the project's own code", "paths", default=None
    )


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config,
) -> Generator[None, object, object]:
    """Begin before anything of the project is imported."""
    options = early_config.known_args_namespace
    if options.holdfast_watch:
        _watch(early_config, options.holdfast_watch_package).start()
    return (yield)


def _watch(config: pytest.Config, packages: list[str]) -> Watch:
    watch = config.stash.get(_WATCH, None)
    if watch is None:
        from ..watch import Watch
        from ..watch.entering import enter_requests
        from .interleaving import point

        roots = config.getini("holdfast_watch_roots") or [config.rootpath]
        named = [*packages, *config.getini(_PACKAGES)]
        watch = config.stash[_WATCH] = Watch([Path(root) for root in roots], named, wrote=point)
        watch.wanted.tests.update(_tests(config))
        enter_requests()
    return watch


def _tests(config: pytest.Config) -> list[str]:
    """What pytest rewrites, to explain assertions; a pattern of all modules is no such wish."""
    return [one for one in config.getini("python_files") if not PurePath("shop.py").match(one)]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Rewrite no more."""
    watch = config.stash.get(_WATCH, None)
    if watch is not None:
        watch.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test in which state crossed, or that left something, fails."""
    watch = item.config.stash.get(_WATCH, None)
    leftovers = None
    if item.config.getoption("holdfast_leftovers"):
        from ..watch.loading import Wanted
        from .leftovers import Leftovers

        roots = item.config.getini("holdfast_watch_roots") or [item.config.rootpath]
        leftovers = Leftovers(Wanted([Path(root) for root in roots]))
    before = {id(crossing) for crossing in watch.collector.bugs} if watch is not None else set()
    result = yield
    if watch is not None and item.config.getoption("holdfast_watch"):
        new = [one for one in watch.collector.bugs if id(one) not in before]
        if new:
            from ..watch.words import words

            pytest.fail(words(new), pytrace=False)
    if leftovers is not None:
        left = leftovers.found()
        if left:
            pytest.fail("\n".join(left), pytrace=False)
    return result


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how many requests were watched, and list what they share, which fails no test."""
    watch = config.stash.get(_WATCH, None)
    if watch is None or not config.getoption("holdfast_watch"):
        return
    from ..watch.visits import visits
    from ..watch.words import words

    bugs = len({(one.kind, one.place) for one in watch.collector.bugs})
    terminalreporter.section("holdfast watch")
    terminalreporter.write_line(
        f"{visits()} {'request' if visits() == 1 else 'requests'} watched,"
        f" {bugs} {'bug' if bugs == 1 else 'bugs'} found"
    )
    shared = [one for one in watch.collector.found if not one.kind.is_bug]
    if shared:
        terminalreporter.write_line(words(shared))


@pytest.fixture
def request_scope() -> Iterator[Scope]:
    """A request scope for the test: `holdfast.state` and `holdfast.request` can be used in it."""
    from ..scope.open_scope import open_scope

    with open_scope() as scope:
        scope.name = "a test"
        yield scope


@pytest.fixture
def isolated_requests(request: pytest.FixtureRequest) -> Iterator[IsolatedRequests]:
    """Runs requests pairwise, interleaved on purpose, and fails if anything crosses.

        def test_labels(isolated_requests, client):
            isolated_requests(client, "/labels/", "/articles/")

    Watched is code that is imported from now on, or all of it with `--holdfast-watch`.
    """
    from .requests import IsolatedRequests

    watch = _watch(request.config, request.config.getoption("holdfast_watch_package"))
    if not request.config.getoption("holdfast_watch"):
        watch.start()
    yield IsolatedRequests(watch)
    if not request.config.getoption("holdfast_watch"):
        watch.stop()


@pytest.fixture
def served_by() -> Callable[..., AbstractContextManager[Served]]:
    """Runs the project, or one view, under a real server: see `holdfast.testing.served.served`.

    def test_article(served_by):
        with served_by("gunicorn-gevent", view="shop.views.article") as server:
            assert urlopen(server.url).status == 200
    """
    from .served import served

    return served
