"""Serves the example by a real server, in one variant, with a database of its own."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

from demonstration.running import EXAMPLE, running
from demonstration.servers import Application, Server
from demonstration.site import Site
from holdfast.testing.ports import free_port

#: What each variant is, in words.
VARIANTS = {"before": "as usually written", "after": "with holdfast"}
DJANGO = {
    "before": Application("before.wsgi", "before.asgi", "before/gunicorn_conf.py"),
    "after": Application("newsroom.wsgi", "newsroom.asgi", "gunicorn.conf.py"),
}
PLAIN = {
    "before": Application("before.basket_wsgi", "before.basket_asgi", "before/gunicorn_conf.py"),
    "after": Application("plain.wsgi", "plain.asgi", "gunicorn.conf.py"),
}
QUOTES = {
    "before": Application("", "before.quotes_asgi", "python:quotes"),
    "after": Application("", "quotes.asgi", "python:quotes"),
}


def environment_in(folder: Path, database_url: str = "") -> dict[str, str]:
    """The variables that point the example at *folder*, or its database at *database_url*."""
    return {
        "DATABASE_URL": database_url or f"sqlite:///{folder}/demo.sqlite3",
        "BASKET_LOG": str(folder / "basket.log"),
        # Otherwise the embedded store would be the one of whoever runs this, and outlive it.
        "HOLDFAST_DIR": str(folder / "state"),
        "PAGES_DIR": str(folder / "pages"),
        # The servers of Redis and Memcached are new, and so are the pages in them.
        "COMMIT_TIMEOUT": "2",
        "SHOW_ERRORS": "1",
        "DEBUG": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def manage(environment: dict[str, str], *command: str) -> None:
    """Run `manage.py` with *command*. Raises CalledProcessError with its output if it fails."""
    subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=EXAMPLE,
        env={**os.environ, **environment},
        capture_output=True,
        check=True,
    )


def prepare_database(environment: dict[str, str]) -> None:
    """Make the tables, and a few articles."""
    manage(environment, "migrate", "--verbosity=0")
    manage(environment, "fill")


@contextlib.contextmanager
def serve(
    server: Server, variant: str, folder: Path, environment: dict[str, str], seed: int
) -> Iterator[Site]:
    """Run both applications of *variant* under *server* until the block ends; logs are in *folder*.

    Raises ServerDiedError if one of them doesn't come up.
    """
    basket_port = free_port()
    basket_log = folder / f"{variant}-basket.log"
    basket = server.command(PLAIN[variant], basket_port)
    with (
        serve_newsroom(server, variant, folder, environment, seed) as site,
        running(basket, basket_port, basket_log, environment),
    ):
        site.basket_port = basket_port
        yield site


@contextlib.contextmanager
def serve_newsroom(
    server: Server, variant: str, folder: Path, environment: dict[str, str], seed: int
) -> Iterator[Site]:
    """The same, without the plain application beside it."""
    port = free_port()
    log = folder / f"{variant}.log"
    with running(server.command(DJANGO[variant], port), port, log, environment):
        yield Site(
            variant=variant,
            port=port,
            basket_port=0,
            basket_log=Path(environment["BASKET_LOG"]),
            is_async=server.is_async,
            random=Random(seed),
        )


@contextlib.contextmanager
def serve_quotes(server: Server, variant: str, folder: Path, seed: int) -> Iterator[Site]:
    """The API of async views, by a server with one worker. Its request log is `basket_log`."""
    port = free_port()
    requests = folder / f"{variant}-api.log"
    environment = {"API_LOG": str(requests), "PYTHONDONTWRITEBYTECODE": "1"}
    command = server.command(QUOTES[variant], port)
    with running(command, port, folder / f"{variant}-quotes.log", environment):
        yield Site(
            variant=variant,
            port=port,
            basket_port=0,
            basket_log=requests,
            is_async=True,
            random=Random(seed),
        )
