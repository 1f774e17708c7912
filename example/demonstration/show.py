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

from demonstration.cases import ASYNC_CASES, CASES, SHARED_CASES
from demonstration.running import ServerDiedError, stop_what_is_left
from demonstration.servers import DEFAULT, FOUR_WORKERS, ONE_LOOP, SERVERS, Server
from demonstration.serving import (
    VARIANTS,
    environment_in,
    prepare_database,
    serve,
    serve_newsroom,
    serve_quotes,
)
from demonstration.site import Site
from demonstration.stores import STORES, Store
from demonstration.table import Result, print_table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo. Returns 0 if holdfast's columns are all zeros, and the usual ones aren't."""
    options = _options(arguments)
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, _leave)
    try:
        with tempfile.TemporaryDirectory(prefix="holdfast-demo-") as folder:
            return _show(console, options, Path(folder))
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
        prog="demo.py", description="Loses state on real servers, then holds it."
    )
    parser.add_argument("--server", default=DEFAULT, help=f"one of {', '.join(SERVERS)}")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="repeats the users of a run"
    )
    parser.add_argument(
        "--stores",
        help=f"where shared state is kept: any of {','.join(STORES)}; default: what is installed",
    )
    options = parser.parse_args(arguments)
    if options.server not in SERVERS:
        choices = ", ".join(SERVERS)
        parser.error(f"there is no server {options.server!r} here. Choose from {choices}.")
    missing = SERVERS[options.server].missing()
    if missing:
        parser.error(f"{options.server} needs {', '.join(missing)}, not installed in {sys.prefix}.")
    if FOUR_WORKERS.missing():
        parser.error(f"sharing state is shown under Gunicorn, not installed in {sys.prefix}.")
    named = options.stores.split(",") if options.stores else None
    for name in named or ():
        if name not in STORES:
            parser.error(f"there is no store {name!r} here. Choose from {', '.join(STORES)}.")
        if STORES[name].missing():
            parser.error(f"{name} needs {', '.join(STORES[name].missing())}, not installed here.")
    options.stores = [
        store for name, store in STORES.items() if (name in named if named else not store.missing())
    ]
    options.left_out = [name for name, store in STORES.items() if store.missing()]
    return options


def _leave(signal_number: int, frame: object) -> NoReturn:
    # Raised, so that everything we started is stopped on the way out.
    sys.exit(128 + signal_number)


def _show(console: Console, options: argparse.Namespace, folder: Path) -> int:
    started = time.monotonic()
    server = SERVERS[options.server]
    console.print(f"[bold]Request state under a real {server.name}[/], seed {options.seed}")
    console.print("Making a database ...")
    environment = environment_in(folder)
    prepare_database(environment)
    of_requests = _show_request_state(console, server, options.seed, folder, environment)
    console.print(f"[bold]State that all workers share, under a real {FOUR_WORKERS.name}[/]")
    of_all = _show_shared_state(console, options.stores, options.seed, folder, environment)
    of_loops = _show_async_stack(console, options.seed, folder)
    if options.left_out:
        console.print(f"Not installed, so not shown: {', '.join(options.left_out)}.")
    return _conclude(
        console, server, {**of_requests, **of_all, **of_loops}, time.monotonic() - started
    )


def _show_request_state(
    console: Console, server: Server, seed: int, folder: Path, environment: dict[str, str]
) -> Result:
    result: Result = {case: {} for case in CASES}
    for variant, description in VARIANTS.items():
        console.print(f"Starting {server.name} with the example {description} ...")
        with serve(server, variant, folder, environment, seed) as site:
            _drive(console, result, variant, site)
    console.print()
    print_table(console, result, server.name, {"before": "usual", "after": "holdfast"})
    return result


def _show_shared_state(
    console: Console, stores: list[Store], seed: int, folder: Path, environment: dict[str, str]
) -> Result:
    result: Result = {case: {} for case in SHARED_CASES}
    console.print(f"Starting {FOUR_WORKERS.name} with the example {VARIANTS['before']} ...")
    with serve_newsroom(FOUR_WORKERS, "before", folder, environment, seed) as site:
        _drive(console, result, "before", site)
    for store in stores:
        console.print(f"Starting {FOUR_WORKERS.name} with holdfast on {store.title} ...")
        with (
            store.running(folder) as url,
            serve_newsroom(
                FOUR_WORKERS, "after", folder, {**environment, "STORE_URL": url}, seed
            ) as site,
        ):
            _drive(console, result, store.name, site)
    console.print()
    titles = {"before": "usual"} | {store.name: store.name for store in stores}
    print_table(console, result, FOUR_WORKERS.name, titles)
    return result


def _show_async_stack(console: Console, seed: int, folder: Path) -> Result:
    if ONE_LOOP.missing():
        console.print(f"Async views are left out: {', '.join(ONE_LOOP.missing())} not installed.")
        return {}
    console.print(f"[bold]Async views under a real {ONE_LOOP.name}, one worker[/]")
    result: Result = {case: {} for case in ASYNC_CASES}
    for variant, description in VARIANTS.items():
        console.print(f"Starting {ONE_LOOP.name} with the API {description} ...")
        with serve_quotes(ONE_LOOP, variant, folder, seed) as site:
            _drive(console, result, variant, site)
    console.print()
    print_table(console, result, ONE_LOOP.name, {"before": "usual", "after": "holdfast"})
    return result


def _drive(console: Console, result: Result, variant: str, site: Site) -> None:
    for case, tallies in result.items():
        console.print(f"  {case.TITLE} ({case.MEANING}): ", end="")
        tallies[variant] = tally = case.drive(site)
        console.print(f"[{'red' if tally.wrong else 'green'}]{tally.wrong} failures[/]")
        # The others are what the case is about; of these, one wants to know more.
        for reason in tally.reasons(case.UNEXPECTED if variant == "before" else case.KINDS):
            console.print(f"    {reason}", markup=False)


def _conclude(console: Console, server: Server, result: Result, seconds: float) -> int:
    before = sum(tallies["before"].wrong for tallies in result.values())
    after = sum(
        tally.wrong
        for tallies in result.values()
        for variant, tally in tallies.items()
        if variant != "before"
    )
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
