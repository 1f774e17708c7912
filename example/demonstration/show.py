"""What the demo does, in order, and what it says meanwhile."""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from rich.console import Console

from demonstration.cases import CASES
from demonstration.running import EXAMPLE, ServerDiedError, free_port, running
from demonstration.servers import DEFAULT, SERVERS, Application, Server
from demonstration.site import Site
from demonstration.table import print_table
from demonstration.tally import Tally

VARIANTS = {"before": "as usually written", "after": "with holdfast"}
DJANGO = {
    "before": Application("before.wsgi", "before.asgi", "before/gunicorn_conf.py"),
    "after": Application("newsroom.wsgi", "newsroom.asgi", "gunicorn.conf.py"),
}
PLAIN = {
    "before": Application("before.basket_wsgi", "before.basket_asgi", "before/gunicorn_conf.py"),
    "after": Application("plain.wsgi", "plain.asgi", "gunicorn.conf.py"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo. Returns 0 if holdfast's column is all zeros, and the usual one isn't."""
    options = _options(arguments)
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, _leave)
    try:
        with tempfile.TemporaryDirectory(prefix="holdfast-demo-") as folder:
            return _show(console, SERVERS[options.server], options.seed, Path(folder))
    except KeyboardInterrupt:
        console.print("\nStopped, and the servers with it.")
        return 130
    except (ServerDiedError, subprocess.CalledProcessError) as error:
        console.print(f"[red]The demo could not run.[/] {error}", markup=True)
        return 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default=DEFAULT, help=f"one of {', '.join(SERVERS)}")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args(arguments)
    if options.server not in SERVERS:
        parser.error(
            f"there is no server {options.server!r} here. Choose from {', '.join(SERVERS)}."
        )
    missing = SERVERS[options.server].missing()
    if missing:
        parser.error(f"{options.server} needs {', '.join(missing)}, not installed in {sys.prefix}.")
    return options


def _leave(signal_number: int, frame: object) -> NoReturn:
    # Raised, so that everything we started is stopped on the way out.
    sys.exit(128 + signal_number)


def _show(console: Console, server: Server, seed: int, folder: Path) -> int:
    started = time.monotonic()
    console.print(f"[bold]Request state under a real {server.name}[/], seed {seed}")
    console.print("Making a database ...")
    environment = _environment(folder)
    _prepare_database(environment)

    result: dict[ModuleType, dict[str, Tally]] = {case: {} for case in CASES}
    for variant, description in VARIANTS.items():
        console.print(f"Starting {server.name} with the example {description} ...")
        with _serve(server, variant, folder, environment, seed) as site:
            for case in CASES:
                console.print(f"  {case.TITLE} ({case.MEANING}): ", end="")
                result[case][variant] = tally = case.drive(site)
                console.print(f"[{'red' if tally.wrong else 'green'}]{tally.wrong} failures[/]")
    console.print()
    print_table(console, result, server.name)
    return _conclude(console, server, result, time.monotonic() - started)


def _environment(folder: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": f"sqlite:///{folder}/demo.sqlite3",
        "BASKET_LOG": str(folder / "basket.log"),
        "SHOW_ERRORS": "1",
        "DEBUG": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _prepare_database(environment: dict[str, str]) -> None:
    for command in (["migrate", "--verbosity=0"], ["fill"]):
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=EXAMPLE,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            check=True,
        )


@contextlib.contextmanager
def _serve(
    server: Server, variant: str, folder: Path, environment: dict[str, str], seed: int
) -> Iterator[Site]:
    port, basket_port = free_port(), free_port()
    log = folder / f"{variant}.log"
    with (
        running(server.command(DJANGO[variant], port), port, log, environment),
        running(server.command(PLAIN[variant], basket_port), basket_port, log, environment),
    ):
        yield Site(
            variant=variant,
            port=port,
            basket_port=basket_port,
            basket_log=Path(environment["BASKET_LOG"]),
            is_async=server.is_async,
            random=random.Random(seed),
        )


def _conclude(
    console: Console,
    server: Server,
    result: dict[ModuleType, dict[str, Tally]],
    seconds: float,
) -> int:
    before = sum(tallies["before"].wrong for tallies in result.values())
    after = sum(tallies["after"].wrong for tallies in result.values())
    fine = [case.TITLE for case, tallies in result.items() if not tallies["before"].wrong]

    console.print(
        f"As usually written: [red]{before}[/] failures. With holdfast: "
        f"[{'red' if after else 'green'}]{after}[/]. It took {seconds:.0f} s."
    )
    if fine:
        console.print(f"The usual way happened to do well under {server.name}: {', '.join(fine)}.")
    console.print("Read next: example/README.md, then example/before/ beside what replaces it.")
    if after:
        console.print(
            "[red]holdfast did not hold: that is a bug. Please report it with the seed.[/]"
        )
        return 1
    if server.name == DEFAULT and not before:
        console.print("[red]Nothing failed as usually written, so this run has shown nothing.[/]")
        return 1
    return 0
