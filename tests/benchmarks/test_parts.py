"""Each part of the benchmarks runs and says something. How fast anything is, is not tested."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("crum", reason="make bench installs what Holdfast is compared with")

ROOT = Path(__file__).parents[2]

ROWS = {
    "reading": ["holdfast.request.user", "werkzeug: LocalProxy(var).user"],
    "current": ["holdfast.current()"],
    "opening": ["async with holdfast.open_scope():", "Flask: with app.app_context():"],
    "remembering": ["three arguments", "coroutine, one argument", "label(key)"],
    "carrying": ["holdfast.carry(function)"],
    "in-process": ["holdfast, wrapper and middleware", "django-guid", "Starlette + holdfast"],
    "servers": ["gunicorn sync", "uvicorn"],
    "async-stack": ["raw ASGI application", "bare Django", "holdfast's handler and log"],
    "log": ["holdfast RequestLog", "django-structlog", "drf-api-logger"],
    "stores": ["holdfast EmbeddedCache", "diskcache.DjangoCache", "Django DatabaseCache, SQLite"],
    "stampede": ["holdfast.cached, LMDB", "cashews, lock"],
    "cached": ["holdfast.cached, LMDB, in-process tier", "Django LocMemCache.get"],
    "doctor": ["cold: nothing is known", "warm: nothing has changed"],
    "watch": ["all labels", "all of them, each once"],
    "probe": ["gunicorn sync"],
}


GOALS = [
    *("reading", "current", "opening", "remembering", "servers", "async-stack", "log", "stores"),
    *("stampede", "cached", "doctor", "watch", "probe"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One quick run of everything: its JSON, what it printed, and the page that it wrote."""
    folder = tmp_path_factory.mktemp("benchmarks")
    # In a process of its own: it configures Django, and must not see the tests' settings.
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", "--quick", "--seed", "1"),
            *("--json", folder / "run.json", "--write", folder / "page.md"),
        ],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
        capture_output=True,
        text=True,
        timeout=115,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "run.json").read_text()), done.stdout, folder / "page.md"


@pytest.mark.parametrize("name", ROWS)
def test_each_part_produces_its_rows(run, name):
    result, printed, _ = run
    part = {part["name"]: part for part in result["parts"]}[name]
    rows = [row["name"] for table in part["tables"] for row in table["rows"]]
    assert set(ROWS[name]) <= set(rows)
    assert part["title"] in printed


def test_every_row_has_a_cell_for_every_column(run):
    result, _, _ = run
    for part in result["parts"]:
        for table in part["tables"]:
            assert all(len(row["cells"]) == len(table["columns"]) for row in table["rows"])


@pytest.mark.parametrize("name", GOALS)
def test_goals_stand_beside_what_was_measured(run, name):
    result, _, _ = run
    goals = {part["name"]: part for part in result["parts"]}[name]["goals"]
    assert goals
    assert all(goal["text"] and goal["measured"] for goal in goals)


def test_no_thread_is_added_under_asgi(run):
    result, _, _ = run
    goals = [goal for part in result["parts"] for goal in part["goals"]]
    hops = [goal for goal in goals if goal["text"].endswith("no thread switch added")]
    assert hops
    assert all(goal["met"] for goal in hops), hops


def test_no_increment_of_ours_gets_lost(run):
    result, _, _ = run
    part = {part["name"]: part for part in result["parts"]}["stores"]
    table = next(table for table in part["tables"] if table["title"].startswith("incr"))
    lost = {row["name"]: row["cells"][-1] for row in table["rows"] if row["ours"]}
    assert lost
    assert all(cell.startswith("0 of ") for cell in lost.values()), lost


def test_no_store_is_left_out_for_a_mistake_in_how_it_is_called(run):
    result, _, _ = run
    part = {part["name"]: part for part in result["parts"]}["stores"]
    assert "Error" not in part["tables"][-1]["note"]
    assert "failed" not in part["tables"][-1]["note"]


def test_a_run_takes_the_place_of_the_last_one_of_the_same_python(run):
    from benchmarks import document

    _, _, page = run
    before = page.read_text()
    page.write_text(before + "\nWritten by hand.\n")
    document.write(page, "CPython 9.9", ["another machine"], "| a |")
    document.write(page, "CPython 9.9", ["the same machine"], "| b |")
    after = page.read_text()
    assert after.startswith(before)
    assert "Written by hand." in after
    assert "the same machine" in after
    assert "another machine" not in after
