"""What type checkers make of cached functions. Checked by mypy, never run."""

from typing import assert_type

import holdfast
from holdfast.cache import Loader, Policy, loader
from holdfast.values import Missing


@holdfast.cached(ttl=300, stale=60, tags=lambda user_id: [f"user:{user_id}"])
def profile(user_id: int, *, full: bool = False) -> dict[str, str]:
    """A cached function keeps its signature, and what it carries has it, too."""
    return {}


assert_type(profile(7, full=True), dict[str, str])
assert_type(profile.refresh(7), dict[str, str])
assert_type(profile.peek(7), dict[str, str] | Missing)
assert_type(profile.key(7), bytes)
profile.invalidate(7)
profile("7")  # type: ignore[arg-type]
profile.invalidate("7")  # type: ignore[arg-type]


@holdfast.cached(300)
async def rate(currency: str) -> float:
    """Of a coroutine function they are awaited."""
    return 1.0


class Report:
    """A method takes its instance from where it is asked for."""

    @holdfast.cached(300)
    def total(self, year: int) -> int:
        """A method."""
        return year

    @holdfast.cached(300)
    async def average(self, year: int) -> float:
        """And one that is awaited."""
        return 1.0


async def use() -> None:
    """Calls them."""
    assert_type(await rate("USD"), float)
    assert_type(await rate.peek("USD"), float | Missing)
    await rate.invalidate("USD")
    await profile.ainvalidate(7)
    assert_type(await Report().average(2026), float)
    await holdfast.ainvalidate("user:7", store="cache")


assert_type(Report().total(2026), int)
Report().total.invalidate(2026)
Report.total.invalidate(Report(), 2026)
Report().total("2026")  # type: ignore[arg-type]

holdfast.invalidate("user:7")
assert_type(loader("cache"), Loader)
Policy("name", 300, stale="60")  # type: ignore[arg-type]
