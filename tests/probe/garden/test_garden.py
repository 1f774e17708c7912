"""The probe in the garden: the planted culprit is named and proved; nobody is where there is none.

By default a few of the plots; all of them with `HOLDFAST_GARDEN=all`, or with a table by
`python -m tests.probe.garden`.
"""

import os
from collections.abc import Iterator, Mapping

import pytest

from tests.probe.garden.driving import services
from tests.probe.garden.faults import FAULTS
from tests.probe.garden.healthy import HEALTHY
from tests.probe.garden.plots import Plot
from tests.probe.garden.run import WITHIN_SECONDS, probe

ALL = os.environ.get("HOLDFAST_GARDEN") == "all"
QUICK = {"one-process", "lock-in-a-view", "outside-of-django", "sync-middleware-today"}
PLOTS = [plot for plot in (*FAULTS, *HEALTHY) if ALL or plot.name in QUICK]


@pytest.fixture(scope="module")
def given() -> Iterator[Mapping[str, str]]:
    with services(PLOTS) as found:
        yield found


@pytest.mark.parametrize(
    "plot",
    [pytest.param(plot, marks=pytest.mark.needs(*plot.needs), id=plot.name) for plot in PLOTS],
)
def test_the_probe_is_right(plot: Plot, given: Mapping[str, str]) -> None:
    if plot.missing():
        pytest.skip(plot.missing())
    verdict = probe(plot, given)
    assert verdict.right, verdict
    if ALL:
        assert verdict.seconds <= WITHIN_SECONDS


def test_there_are_enough_plots_of_each_kind() -> None:
    assert len(FAULTS) >= 28
    assert len({plot.server.partition(" ")[0] for plot in FAULTS}) >= 8
    assert len(HEALTHY) >= 12
    names = [plot.name for plot in (*FAULTS, *HEALTHY)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("plot", FAULTS, ids=lambda plot: plot.name)
def test_whoever_is_to_blame_is_in_the_shop(plot: Plot) -> None:
    assert plot.blame is not None
    assert len(plot.blame.places()) >= len(plot.blame.lines)
