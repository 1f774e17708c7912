"""Interleaving: every place pauses before it reads.

A request whose marker ends in "-held" waits until the client says so, when other requests have
come and gone: what goes wrong then goes wrong each time. All others pause for a random moment.
"""

import asyncio
import os
import random
import time

LONGEST_WAIT_SECONDS = 8.0
_random = random.Random(os.environ.get("CONFORMANCE_SEED", "0"))
reached: set[str] = set()
opened: set[str] = set()


def _must_wait(marker: str) -> bool:
    if not marker.endswith("-held") or marker in opened:
        return False
    reached.add(marker)
    return True


def pause(marker: str) -> None:
    if not _must_wait(marker):
        time.sleep(_random.random() * 0.004)
        return
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while marker not in opened and time.monotonic() < deadline:
        time.sleep(0.002)


async def apause(marker: str) -> None:
    if not _must_wait(marker):
        await asyncio.sleep(_random.random() * 0.004)
        return
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    # An Event would belong to one loop, and sync views have a loop of their own.
    while marker not in opened and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
