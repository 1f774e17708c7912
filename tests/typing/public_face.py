"""What type checkers make of the public names. Checked by mypy, never run."""

from collections.abc import Mapping
from typing import assert_type

import holdfast


class Tenant:
    """A type of the user's."""


@holdfast.per_request
def tenant_of(host: str, *, active: bool = True) -> Tenant:
    """A decorated function keeps its signature."""
    return Tenant()


assert_type(tenant_of("a.example", active=False), Tenant)
tenant_of(7)  # type: ignore[arg-type]


@holdfast.per_request(maxsize=10)
async def count_of(host: str) -> int:
    """So does a coroutine function."""
    return 1


@holdfast.bulk_loader
def tenants(hosts: list[str]) -> Mapping[str, Tenant]:
    """A loader knows keys and values."""
    return {}


assert_type(tenants("a.example"), Tenant)
assert_type(tenants("a.example", None), Tenant | None)
assert_type(tenants.many(["a.example"]), dict[str, Tenant])


@holdfast.bulk_loader
async def counts(hosts: list[str]) -> Mapping[str, int]:
    """Also one to be awaited."""
    return {}


async def use() -> None:
    """What has to be awaited."""
    assert_type(await count_of("a.example"), int)
    assert_type(await counts("a.example"), int)
    assert_type(await counts("a.example", None), int | None)
    assert_type(await counts.many(["a.example"]), dict[str, int])
    async with holdfast.open_scope() as scope:
        assert_type(scope, holdfast.Scope)


def current_tenant() -> Tenant:
    """A source for a proxy."""
    return Tenant()


assert_type(holdfast.proxy(current_tenant), Tenant)
assert_type(holdfast.carry(current_tenant)(), Tenant)
assert_type(holdfast.current(), holdfast.Scope)
assert_type(holdfast.current(None), holdfast.Scope | None)
assert_type(holdfast.live_scopes(), int)
