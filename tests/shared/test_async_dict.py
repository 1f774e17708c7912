"""All of a shared dict can be awaited."""

import asyncio

import pytest

from tests.shared.conftest import LISTING

listing = pytest.mark.parametrize("engine", LISTING, indirect=True)


def test_all_of_it_can_be_awaited(flags):
    async def use() -> None:
        await flags.aset("a", 1)
        assert await flags.aget("a") == await flags.agetitem("a") == 1
        assert await flags.aget("b", 2) == 2
        assert await flags.acontains("a")
        assert not await flags.acontains("b")
        with pytest.raises(KeyError):
            await flags.agetitem("b")
        await flags.aupdate({"b": 2}, c=3)
        await flags.aset_many({"d": 4}, ttl=60)
        assert await flags.aget_many("abcd") == {"a": 1, "b": 2, "c": 3, "d": 4}
        assert 50 < await flags.aexpires_in("d") <= 60
        with pytest.raises(KeyError):
            await flags.aexpires_in("e")
        assert await flags.atouch("a", ttl=60)
        assert await flags.adelete("a")
        assert not await flags.adelete("a")
        assert await flags.adelete_many("ab") == 1
        assert await flags.asetdefault("c", 9) == 3
        assert await flags.asetdefault("e", 5) == 5
        assert await flags.apop("e") == 5
        assert await flags.apop("e", None) is None
        assert await flags.acompare_and_set("c", 3, 4)
        assert await flags.achange("c", lambda n: n + 1) == 5

        async def later(n: int) -> int:
            await asyncio.sleep(0)
            return n + 1

        assert await flags.achange("c", later) == 6

    asyncio.run(use())


@listing
def test_listing_can_be_awaited(flags):
    async def use() -> None:
        await flags.aset_many({number: number for number in range(1500)})
        assert await flags.alen() == 1500
        assert len([key async for key in flags]) == 1500
        assert len([key async for key in flags.akeys()]) == 1500
        assert {key: value async for key, value in flags.aitems()} == dict(flags.items())
        assert sum([value async for value in flags.avalues()]) == sum(range(1500))
        key, value = await flags.apopitem()
        assert key == value
        await flags.aclear()
        assert await flags.alen() == 0
        with pytest.raises(KeyError):
            await flags.apopitem()

    asyncio.run(use())


def test_no_change_is_lost_between_tasks(flags):
    async def work() -> None:
        for _ in range(20):
            await flags.achange("visits", lambda n: n + 1, default=0)

    async def use() -> None:
        await asyncio.gather(*(work() for _ in range(10)))

    asyncio.run(use())
    assert flags["visits"] == 200
