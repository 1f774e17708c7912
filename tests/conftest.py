"""What every test may rely on: tools that Python's packages don't bring.

A test that drives such a tool says so with ``@pytest.mark.needs("uwsgi")``. Where it is missing,
the test is skipped with the reason; in CI (``CI=true``) it fails, so that no skip goes unseen.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A machine that stalls for a second is no slow test.
settings.register_profile(
    "busy machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")


# Who runs the tests in the background (`make test &` in a script) has them ignore Ctrl-C, and all
# that they start would, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _no_uwsgi() -> str | None:
    if shutil.which("uwsgi", path=str(Path(sys.executable).parent)):
        return None
    return "uWSGI is not installed: `make test` builds it where there is a C compiler"


def _no_postgresql() -> str | None:
    if shutil.which("initdb") or any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return None
    return "PostgreSQL's server programs are missing: on Debian, apt-get install postgresql"


def _no_redis() -> str | None:
    if shutil.which("redis-server") and shutil.which("redis-sentinel"):
        return None
    return "Redis's servers are missing: on Debian, apt-get install redis-server redis-sentinel"


def _no_memcached() -> str | None:
    if shutil.which("memcached"):
        return None
    return "Memcached is missing: on Debian, apt-get install memcached"


def _no_chromium() -> str | None:
    if shutil.which("chromium") or shutil.which("google-chrome"):
        return None
    return "Chromium is missing: on Debian, apt-get install chromium"


# Each tells why the tool can't be used, or None where it can.
TOOLS: dict[str, Callable[[], str | None]] = {
    "chromium": _no_chromium,
    "memcached": _no_memcached,
    "postgresql": _no_postgresql,
    "redis": _no_redis,
    "uwsgi": _no_uwsgi,
}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        f"needs(*tools): skipped without these tools, in CI failed; known are {', '.join(TOOLS)}",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for tool in marker.args:
            if tool not in TOOLS:
                pytest.fail(f"no such tool: {tool!r}; known are {', '.join(TOOLS)}", pytrace=False)
            reason = TOOLS[tool]()
            if reason is None:
                continue
            if os.environ.get("CI") == "true":
                pytest.fail(f"in CI nothing may be missing: {reason}", pytrace=False)
            pytest.skip(reason)
