"""What was made of the current Site is untrue when that row is changed, in whatever process."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import RequestFactory, override_settings

from holdfast import configuration
from holdfast.cache import cached
from holdfast.cache.recording import recording
from holdfast.django.tracking import catalogue


@pytest.fixture
def site(shop: None) -> Iterator[Any]:
    """One that this process remembers, as each that runs for a while does."""
    with override_settings(
        INSTALLED_APPS=[*settings.INSTALLED_APPS, "django.contrib.sites"], SITE_ID=1
    ):
        from django.contrib.sites.models import Site

        # All apps were made ready again, and ours has applied the settings.
        configuration.apply({"CACHE": {"TRACKING": True}, "STORES": {"cache": "memory://"}})
        catalogue.forget()
        with connection.schema_editor() as editor:
            editor.create_model(Site)
        made = Site.objects.create(pk=1, domain="shop.example", name="Shop")
        Site.objects.get_current()
        yield made
        Site.objects.clear_cache()
        with connection.schema_editor() as editor:
            editor.delete_model(Site)
    catalogue.forget()


def name() -> str:
    from django.contrib.sites.models import Site

    return str(Site.objects.get_current().name)


def by_host(host: str) -> str:
    from django.contrib.sites.models import Site

    request = RequestFactory().get("/", headers={"host": host})
    with override_settings(SITE_ID=None, ALLOWED_HOSTS=["*"]):
        return str(Site.objects.get_current(request).name)


def elsewhere(statement: str) -> None:
    """As another process does it: Django's memory of sites learns nothing of it."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_saved_site(site: Any, counted: Any) -> None:
    load = counted(name)
    site.name = "Market"
    site.save()
    assert not load.is_kept()
    assert load() == "Market"


def test_a_site_that_another_process_has_saved(site: Any) -> None:
    load = cached(ttl=None, name="of a remembered site")(name)
    assert load() == "Shop"
    elsewhere("UPDATE django_site SET name = 'Market' WHERE id = 1")
    assert load() == "Market"


def test_a_domain_that_is_another_sites_now(site: Any) -> None:
    load = cached(ttl=None, name="of the site of a host")(lambda: by_host("shop.example"))
    assert load() == "Shop"
    elsewhere("UPDATE django_site SET domain = 'old.example' WHERE id = 1")
    elsewhere("INSERT INTO django_site (id, domain, name) VALUES (2, 'shop.example', 'Market')")
    assert load() == "Market"


def test_the_row_is_read_once_for_each_result(site: Any, django_queries: list[str]) -> None:
    name()
    assert not django_queries
    with recording():
        assert name() == name() == "Shop"
        assert len(django_queries) == 1
    with recording():
        name()
    assert len(django_queries) == 2


def test_whoever_saves_it_sees_what_was_saved(site: Any) -> None:
    with recording():
        assert name() == "Shop"
        site.name = "Market"
        site.save()
        assert name() == "Market"


@pytest.fixture
def django_queries(site: Any) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(execute: Any, sql: str, *arguments: Any) -> Any:
        seen.append(sql)
        return execute(sql, *arguments)

    with connection.execute_wrapper(note):
        yield seen


def in_a_thread() -> str:
    try:
        return name()
    finally:
        connections.close_all()


def test_in_async_code_it_is_served_and_not_kept(site: Any) -> None:
    async def main() -> None:
        with recording() as made:
            assert name() == "Shop"
        assert "sync_to_async" in (made.refusal or "")
        with recording() as made:
            assert await asyncio.to_thread(in_a_thread) == "Shop"
        assert made.refusal is None

    asyncio.run(main())
