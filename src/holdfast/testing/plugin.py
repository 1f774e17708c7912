"""The pytest plugin: `--holdfast-watch`, `--holdfast-leftovers`, and fixtures.

pytest loads it by its entry point. Until an option or a fixture is used it does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
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
_OF_WORKERS = pytest.StashKey[list[Mapping[str, Any]]]()
_PACKAGES = "holdfast_watch_packages"
_REWRITE = "holdfast_rewrite"
#: Under this name workers of pytest-xdist hand over what they have seen.
_SEEN = "holdfast_watch"


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
        _REWRITE,
        "rewrite the project's code from the beginning, so that isolated_requests sees all of it",
        "bool",
        default=False,
    )
    parser.addini(
        "holdfast_watch_roots", "folders of the project's own code", "paths", default=None
    )


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config,
) -> Generator[None, object, object]:
    """Begin before anything of the project is imported."""
    options = early_config.known_args_namespace
    if options.holdfast_watch or early_config.getini(_REWRITE):
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
    watch = _whole_run(item.config)
    leftovers = None
    if item.config.getoption("holdfast_leftovers"):
        from ..watch.loading import Wanted
        from .leftovers import Leftovers

        roots = item.config.getini("holdfast_watch_roots") or [item.config.rootpath]
        leftovers = Leftovers(Wanted([Path(root) for root in roots]))
    if watch is None:
        result = yield
    else:
        with watch.collector.apart() as seen:
            result = yield
        if seen.bugs:
            from ..watch.words import words

            pytest.fail(words(seen.bugs), pytrace=False)
    if leftovers is not None:
        left = leftovers.found()
        if left:
            pytest.fail("\n".join(left), pytrace=False)
    return result


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist says what it has seen."""
    watch = _whole_run(session.config)
    output = getattr(session.config, "workeroutput", None)
    if watch is not None and output is not None:
        from .totals import seen_here

        output[_SEEN] = seen_here(watch.collector)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of pytest-xdist has ended."""
    seen = getattr(node, "workeroutput", {}).get(_SEEN)
    if seen is not None:
        node.config.stash.setdefault(_OF_WORKERS, []).append(seen)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how many requests were watched, and list what they share, which fails no test."""
    watch = _whole_run(config)
    if watch is None:
        return
    from .totals import lines, seen_here

    terminalreporter.section("holdfast watch")
    for line in lines([seen_here(watch.collector), *config.stash.get(_OF_WORKERS, [])]):
        terminalreporter.write_line(line)


def _whole_run(config: pytest.Config) -> Watch | None:
    """The watch, if it watches all tests."""
    return config.stash.get(_WATCH, None) if config.getoption("holdfast_watch") else None


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

    It sees code that was rewritten on import: all of the project's with `holdfast_rewrite = true`
    in pytest's configuration, or `--holdfast-watch`; else what is imported from now on. A warning
    names code of the project that was imported before, which it can't see.
    """
    from .requests import IsolatedRequests

    config = request.config
    watch = _watch(config, config.getoption("holdfast_watch_package"))
    if config.getoption("holdfast_watch") or config.getini(_REWRITE):
        yield IsolatedRequests(watch)
        return
    unseen = watch.unseen()
    if unseen:
        # Often what no request runs: with pytest-django, all models are imported by then.
        request.node.warn(
            pytest.PytestWarning(
                f"isolated_requests can't see what was imported before it: {', '.join(unseen)}."
                f" Set {_REWRITE} = true in pytest's configuration, or run it with"
                " --holdfast-watch."
            )
        )
    watch.start()
    yield IsolatedRequests(watch)
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
