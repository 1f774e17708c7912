"""What the demo does, in order, and what it says meanwhile."""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.markup import escape

from demonstration.cases import CASES
from demonstration.running import ServerDiedError, stop_what_is_left
from demonstration.servers import DEFAULT, SERVERS, Server
from demonstration.serving import VARIANTS, environment_in, prepare_database, serve
from demonstration.table import Result, print_table


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
    except ServerDiedError as error:
        console.print(f"[red]The demo could not run.[/] {escape(str(error))}", soft_wrap=True)
        return 1
    except subprocess.CalledProcessError as error:
        console.print(f"[red]The demo has no database.[/] {escape(error.stderr.decode())}")
        return 1
    finally:
        stop_what_is_left()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="demo.py", description="Loses request state on a real server, then holds it."
    )
    parser.add_argument("--server", default=DEFAULT, help=f"one of {', '.join(SERVERS)}")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="repeats the users of a run"
    )
    options = parser.parse_args(arguments)
    if options.server not in SERVERS:
        choices = ", ".join(SERVERS)
        parser.error(f"there is no server {options.server!r} here. Choose from {choices}.")
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
    environment = environment_in(folder)
    prepare_database(environment)

    result: Result = {case: {} for case in CASES}
    for variant, description in VARIANTS.items():
        console.print(f"Starting {server.name} with the example {description} ...")
        with serve(server, variant, folder, environment, seed) as site:
            for case in CASES:
                console.print(f"  {case.TITLE} ({case.MEANING}): ", end="")
                result[case][variant] = tally = case.drive(site)
                console.print(f"[{'red' if tally.wrong else 'green'}]{tally.wrong} failures[/]")
    console.print()
    print_table(console, result, server.name)
    return _conclude(console, server, result, time.monotonic() - started)


def _conclude(console: Console, server: Server, result: Result, seconds: float) -> int:
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
        console.print("[red]Holdfast did not hold: a bug. Please report it, with the seed.[/]")
        return 1
    if server.name == DEFAULT and not before:
        console.print("[red]Nothing failed as usually written, so this run has shown nothing.[/]")
        return 1
    return 0
