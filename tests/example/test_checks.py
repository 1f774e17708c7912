"""The example is what it asks of others: no check of Django's or Holdfast's has a complaint."""

import pytest

from demonstration.serving import manage


def test_system_checks_find_nothing_to_complain_about(environment: dict[str, str]) -> None:
    manage(environment, "check", "--fail-level", "WARNING")


def test_migrations_are_complete(environment: dict[str, str]) -> None:
    manage(environment, "makemigrations", "--check", "--dry-run")


def test_filling_twice_adds_nothing(environment: dict[str, str]) -> None:
    manage(environment, "fill")


@pytest.mark.needs("postgresql")
def test_system_checks_pass_on_postgresql(environment: dict[str, str], postgres_url: str) -> None:
    manage({**environment, "DATABASE_URL": postgres_url}, "check", "--database", "default")
