"""Labels are made right, also when two workers make the same ones at once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from demonstration.running import EXAMPLE
from demonstration.serving import prepare_database

MAKER = Path(__file__).with_name("label_maker.py")


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))]
)
def environment_of_database(
    request: pytest.FixtureRequest, environment: dict[str, str]
) -> dict[str, str]:
    if request.param == "sqlite":
        return environment
    found = {**environment, "DATABASE_URL": request.getfixturevalue("postgres_url")}
    prepare_database(found)
    return found


def make_in_processes(
    environment: dict[str, str], meeting_place: Path, urls: list[str], processes: int
) -> list[dict[str, int]]:
    meeting_place.mkdir()
    running = [
        subprocess.Popen(
            [
                *(sys.executable, MAKER, meeting_place, str(number), str(processes)),
                *("forward" if number % 2 else "backward", *urls),
            ],
            env={
                **os.environ,
                **environment,
                "PYTHONPATH": str(EXAMPLE),
                "DJANGO_SETTINGS_MODULE": "newsroom.settings",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    results = []
    for process in running:
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        results.append(json.loads(output))
    return results


def test_two_workers_that_make_the_same_labels_at_once_agree_on_them(
    environment_of_database: dict[str, str], tmp_path: Path
) -> None:
    urls = [f"https://race.example/{number}" for number in range(400)]
    one, other = make_in_processes(environment_of_database, tmp_path / "meeting", urls, processes=2)
    assert one == other
    assert set(one) == set(urls)
    assert len(set(one.values())) == len(urls)


def test_labels_that_are_there_are_found_and_not_made_again(
    environment_of_database: dict[str, str], tmp_path: Path
) -> None:
    urls = ["https://again.example/1", "https://again.example/2"]
    (first,) = make_in_processes(environment_of_database, tmp_path / "first", urls, processes=1)
    (second,) = make_in_processes(environment_of_database, tmp_path / "second", urls, processes=1)
    assert first == second
    assert list((tmp_path / "first").iterdir())
    assert not list((tmp_path / "second").iterdir())  # nobody came to insert anything
