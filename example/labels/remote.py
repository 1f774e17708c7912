"""Asks whether what a label points to is there. The example only does the waiting."""

import asyncio
import random
import time

SECONDS = 0.02


def check(url: str) -> None:
    """Wait as long as a neighbouring service takes to answer. Other requests run meanwhile."""
    time.sleep(_seconds())


async def acheck(url: str) -> None:
    """The same without blocking the event loop."""
    await asyncio.sleep(_seconds())


def _seconds() -> float:
    return random.uniform(0.2, 1.8) * SECONDS
