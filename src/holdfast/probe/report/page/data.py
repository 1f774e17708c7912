"""What the page's script draws, as JSON that can stand in an HTML document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ....doctor.page.markup import visible
from ...run import Run
from ..bars import Bar, Row, rows_of
from ..lanes import Worker, workers_of
from ..looks import LOOKS, short
from ..report import Report

#: More runs, and more blocks in lanes of each, would make the page slow to open.
MOST_RUNS = 6
MOST_BLOCKS = 30_000
#: Lanes in which next to nothing was seen are left out.
_WORTH_A_LANE = 0.002
_CAUSES = {cause: number for number, cause in enumerate(LOOKS)}


def written(report: Report) -> str:
    """One JSON document, in which nothing ends its element or is taken for markup."""
    text = json.dumps(data_of(report), separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def data_of(report: Report) -> dict[str, Any]:
    """What the script gets. Times are microseconds since the first user's request of their run."""
    texts = _Texts()
    runs = list(dict.fromkeys(id(run) for run in (*report.shown, *report.runs)))[:MOST_RUNS]
    by_id = {id(run): run for run in report.runs}
    drawn = [_run(by_id[one], texts) for one in runs]
    return {
        "ideal": _micro(report.ideal.seconds),
        "looks": [
            {"key": cause, "title": look.title, "colour": look.colour, "waits": look.waits}
            for cause, look in LOOKS.items()
        ],
        "runs": drawn,
        "texts": texts.all,
    }


class _Texts:
    """Texts by number: most stand in many places."""

    def __init__(self) -> None:
        self.all: list[str] = [""]
        self._numbers = {"": 0}

    def number(self, text: str) -> int:
        found = self._numbers.get(text)
        if found is None:
            found = self._numbers[text] = len(self.all)
            self.all.append(visible(short(text)))
        return found


def _run(run: Run, texts: _Texts) -> dict[str, Any]:
    rows = rows_of(run)
    bars = [(row, bar) for row in rows for bar in row.bars]
    numbers = {bar.asked.request: number for number, (_, bar) in enumerate(bars)}
    return {
        "name": visible(run.name),
        "wall": _micro(run.wall),
        "bars": [_bar(row, bar, run, numbers, texts) for row, bar in bars],
        "workers": [
            _worker(worker, run, numbers, texts) for worker in workers_of(run, MOST_BLOCKS)
        ],
    }


def _bar(
    row: Row, bar: Bar, run: Run, numbers: Mapping[str, int], texts: _Texts
) -> Sequence[object]:
    asked = bar.asked
    pieces: list[int] = []
    for one in bar.pieces:
        pieces += (
            _micro(one.begun - run.begun),
            _micro(one.ended - one.begun),
            _CAUSES[one.cause],
            texts.number(one.name),
            texts.number(one.place),
            numbers.get(one.holder, -1),
            texts.number("\n".join(one.stack)),
        )
    return [
        row.user,
        texts.number(f"{asked.method} {asked.path}"),
        asked.status,
        texts.number(asked.error),
        _micro(asked.sent - run.begun),
        _micro(asked.done - run.begun),
        numbers.get(bar.behind, -1),
        pieces,
    ]


def _worker(
    worker: Worker, run: Run, numbers: Mapping[str, int], texts: _Texts
) -> Mapping[str, object]:
    lanes = []
    for lane in worker.lanes:
        if lane.seconds < run.wall * _WORTH_A_LANE:
            continue
        blocks: list[int] = []
        # Stacks stand below all that nests.
        depth = lane.depth
        for one in (*lane.blocks, *(replace(stack, depth=depth) for stack in lane.stacks)):
            blocks += (
                _micro(one.begun - run.begun),
                _micro(one.ended - one.begun),
                one.depth,
                _CAUSES.get(one.cause, -1),
                texts.number(one.name),
                numbers.get(one.request, -1),
                texts.number(one.place),
                texts.number("\n".join(one.stack)),
                texts.number(one.kind),
            )
        lanes.append(
            {
                "name": texts.number(lane.name),
                "kind": lane.kind,
                "depth": depth + bool(lane.stacks),
                "blocks": blocks,
            }
        )
    loads: list[float] = []
    for load in worker.loads:
        seconds = load.ended - load.begun
        if seconds > 0:
            loads += (_micro(load.begun - run.begun), round(load.cpu / seconds, 2), load.working)
    return {"name": texts.number(worker.name), "lanes": lanes, "loads": loads}


def _micro(seconds: float) -> int:
    return round(seconds * 1e6)
