"""What type checkers make of shared state. Checked by mypy, never run."""

from typing import Any, assert_type

import holdfast
from holdfast import shared
from holdfast.shared import MISSING

flags = holdfast.shared.dict[str, int]("flags", ttl=60)
assert_type(flags, shared.Dict[str, int])
assert_type(flags["a"], int)
assert_type(flags.get("a"), int | None)
assert_type(flags.get("a", 0), int)
assert_type(flags.get("a", MISSING), int | shared.Missing)
assert_type(flags.pop("a"), int)
assert_type(flags.get_many(["a"]), dict[str, int])
assert_type(flags.change("a", lambda n: n + 1, default=0), int)
assert_type(flags.compare_and_set("a", MISSING, 1), bool)
assert_type(flags.expires_in("a"), float | None)
assert_type(list(flags), list[str])
assert_type(dict(flags.items()), dict[str, int])
flags[1] = 2  # type: ignore[index]
flags["a"] = "b"  # type: ignore[assignment]
flags.set("a", "b")  # type: ignore[arg-type]

anything: shared.Dict[Any, Any] = holdfast.shared.dict("anything")

hits = holdfast.shared.counter("hits")
assert_type(hits.add(), int)
assert_type(hits.value, int)

with holdfast.shared.lock("report", ttl=30) as lock:
    assert_type(lock, shared.Holding)
    assert_type(lock.fence, int)

for change in holdfast.shared.stream("flags", since=0, timeout=0):
    assert_type(change, shared.Change)


async def use() -> None:
    """What has to be awaited."""
    assert_type(await flags.aget("a"), int | None)
    assert_type(await flags.aget("a", 0), int)
    assert_type(await flags.agetitem("a"), int)
    assert_type(await flags.apop("a"), int)
    assert_type(await flags.achange("a", lambda n: n + 1, default=0), int)
    assert_type([key async for key in flags], list[str])
    assert_type([value async for value in flags.avalues()], list[int])
    assert_type(await hits.aadd(), int)
    assert_type(await hits.avalue(), int)
    async with holdfast.shared.lock("report") as held:
        assert_type(held, shared.Holding)
    async for change in holdfast.shared.stream("flags"):
        assert_type(change, shared.Change)
