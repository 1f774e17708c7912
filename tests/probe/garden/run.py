"""Runs plots of the garden, by the probe as its users run it, and prints what came of each."""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from holdfast.testing.ports import free_port
from tests.conftest import TOOLS
from tests.probe.garden.driving import Bare, bare, command_of, environment_of, services
from tests.probe.garden.faults import FAULTS
from tests.probe.garden.healthy import HEALTHY
from tests.probe.garden.judging import Verdict, judged
from tests.probe.garden.plots import GROUND, Plot
from tests.probe.garden.table import page

PLOTS: Mapping[str, Plot] = {plot.name: plot for plot in (*FAULTS, *HEALTHY)}
PAGE = Path(__file__).parents[3] / "docs" / "probe" / "garden.md"
#: The probe has a minute for each.
WITHIN_SECONDS = 60.0


class ProbeFailedError(Exception):
    """The probe ended without a report; the message is what it said."""


def probe(plot: Plot, given: Mapping[str, str]) -> Verdict:
    """Run `holdfast probe` on the plot, and judge what it reports."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="garden-") as name:
        report = report_of(plot, given, Path(name))
    return judged(plot, report, time.monotonic() - begun)


def report_of(plot: Plot, given: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """The report of `holdfast probe --json`.

    Raises ProbeFailedError.
    """
    words = [
        *(sys.executable, "-m", "holdfast", "probe", "--json"),
        *("--path", plot.path, "--users", str(plot.users), *plot.options),
        *("--", *command_of(plot, free_port())),
    ]
    run = subprocess.run(
        words,
        cwd=GROUND,
        env=environment_of(plot, given, folder),
        capture_output=True,
        text=True,
        timeout=10 * WITHIN_SECONDS,
        check=False,
    )
    try:
        report: dict[str, Any] = json.loads(run.stdout)
    except ValueError:
        raise ProbeFailedError(
            f"{plot.name}: status {run.returncode}\n{run.stdout[-1000:]}\n{run.stderr[-400:]}"
        ) from None
    return report


def main(arguments: Sequence[str] | None = None) -> int:
    """0: all plots came out as they should."""
    parser = argparse.ArgumentParser(prog="python -m tests.probe.garden", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of: {', '.join(PLOTS)}; default: all")
    parser.add_argument("--jobs", type=int, default=1, help="plots at a time")
    parser.add_argument("--bare", action="store_true", help="without the probe: is each serial?")
    parser.add_argument("--busy", type=int, default=0, help="so many processes compute meanwhile")
    parser.add_argument("--times", type=int, default=1, help="run each so often")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - {*PLOTS, "faults", "healthy"}
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    plots = [plot for plot in _chosen(options.names) if _can_run(plot)] * options.times
    with services(plots) as given, busy(options.busy):
        if options.bare:
            return _all_bare(plots, given)
        verdicts = list(_all_probed(plots, given, options.jobs))
    order = list(PLOTS)
    verdicts.sort(key=lambda verdict: order.index(verdict.plot.name))
    if options.write:
        PAGE.write_text(page(verdicts, os.getloadavg()[2]), encoding="utf-8")
    wrong = [verdict.plot.name for verdict in verdicts if not verdict.right]
    print(f"\n{len(verdicts) - len(wrong)} of {len(verdicts)} right", *wrong, sep="\n  ")
    return 1 if wrong else 0


def _chosen(names: Sequence[str]) -> list[Plot]:
    groups = {"faults": FAULTS, "healthy": HEALTHY}
    if not names:
        return list(PLOTS.values())
    return [plot for name in names for plot in groups.get(name, [PLOTS.get(name)]) if plot]


def _can_run(plot: Plot) -> bool:
    reasons = [plot.missing(), *(TOOLS[need]() for need in plot.needs)]
    for reason in filter(None, reasons):
        print(f"{plot.name}: left out: {reason}")
        return False
    return True


def _all_probed(plots: list[Plot], given: Mapping[str, str], jobs: int) -> Iterator[Verdict]:
    with ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(probe, plot, given): plot for plot in plots}
        for future in as_completed(running):
            try:
                verdict = future.result()
            except (ProbeFailedError, subprocess.TimeoutExpired) as error:
                print(error)
                verdict = Verdict(running[future], right=False, found="the probe failed")
            _say(verdict)
            yield verdict


def _say(verdict: Verdict) -> None:
    plot = verdict.plot
    proof = (
        f" {verdict.before:.2f} -> {verdict.after:.2f} s"
        if verdict.before is not None and verdict.after is not None
        else ""
    )
    also = f"; also {', '.join(verdict.also)}" if verdict.also else ""
    mark = "right" if verdict.right else "WRONG"
    print(
        f"{mark} {plot.name:28} {plot.server:24} {verdict.found}{proof}{also}"
        f" ({verdict.seconds:.0f} s)",
        flush=True,
    )


def _all_bare(plots: list[Plot], given: Mapping[str, str]) -> int:
    wrong = 0
    for plot in plots:
        with tempfile.TemporaryDirectory(prefix="garden-") as name:
            try:
                seen = bare(plot, given, Path(name))
            except RuntimeError as error:
                print(error)
                wrong += 1
                continue
        as_planted = is_serial(plot, seen) == (plot.blame is not None)
        wrong += not as_planted
        print(
            f"{'right' if as_planted else 'WRONG'} {plot.name:28} {plot.server:24}"
            f" alone {seen.alone:.2f} s, {plot.users} users {seen.wall:.2f} s,"
            f" {seen.times:.1f} times, {seen.failed} failed",
            flush=True,
        )
    return 1 if wrong else 0


def is_serial(plot: Plot, seen: Bare) -> bool:
    """Users waited for each other, or were sent away."""
    return seen.wall > 1.5 * seen.alone + 0.1 or seen.failed > 0


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes compute until the block ends, as on a machine that others use, too."""
    started = [multiprocessing.Process(target=_compute, daemon=True) for _ in range(processes)]
    for each in started:
        each.start()
    try:
        yield
    finally:
        for each in started:
            each.terminate()
            each.join()


def _compute() -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        sum(range(100_000))
