"""Django's test clients, in process: `python -m target.drive_client JOBS REPORT`.

JOBS is a JSON list of [place, marker, whether it is async]. The sync ones run on eight threads,
the async ones in one loop, twelve at a time. REPORT takes what the process held afterwards.
"""

import asyncio
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "target.settings")

import django

django.setup()

from django.test import AsyncClient, Client  # noqa: E402

Job = tuple[str, str, bool]


def _method(place: str) -> str:
    return "HEAD" if place == "stream_head" else "GET"


def visit(job: Job) -> None:
    place, marker, _ = job
    client = Client(raise_request_exception=False)
    try:
        response: Any = client.generic(_method(place), f"/at/{place}/{marker}/")
        if response.streaming:
            for _chunk in response.streaming_content:
                pass
    except BaseException as error:
        print(f"{place} {marker}: {error!r}")


async def avisit(job: Job, limit: asyncio.Semaphore) -> None:
    place, marker, _ = job
    client = AsyncClient(raise_request_exception=False)
    async with limit:
        try:
            response: Any = await client.generic(_method(place), f"/at/{place}/{marker}/")
            if response.streaming:
                async for _chunk in response.streaming_content:
                    pass
        except BaseException as error:
            print(f"{place} {marker}: {error!r}")


async def avisit_all(jobs: list[Job]) -> None:
    limit = asyncio.Semaphore(12)
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(avisit(job, limit))
    # Work that outlives its request is still at it.
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=5)


def main(jobs: list[Job]) -> bytes:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(visit, [job for job in jobs if not job[2]]))
    asyncio.run(avisit_all([job for job in jobs if job[2]]))
    return Client().get("/at/report/the-end/").content


if __name__ == "__main__":
    given, report = map(Path, sys.argv[1:])
    report.write_bytes(main(json.loads(given.read_text())))
