"""Settings: what is misspelt is named, and nothing is applied then."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import holdfast
from holdfast.configuration import ConfigurationError
from holdfast.scope import autocarry


@pytest.fixture(autouse=True)
def _carry_nothing_afterwards() -> Iterator[None]:
    start = threading.Thread.start
    yield
    holdfast.configure({})
    threading.Thread.start = start  # type: ignore[method-assign]
    autocarry._caught.discard("threads")


def threads_are_carried() -> bool:
    found: list[Any] = []
    with holdfast.open_scope():
        thread = threading.Thread(target=lambda: found.append(holdfast.current(None)))
        thread.start()
        thread.join()
    return found != [None]


def test_no_settings_are_fine() -> None:
    holdfast.configure({})
    assert not threads_are_carried()


@pytest.mark.parametrize("kinds", [["threads"], ("threads",), {"threads"}])
def test_what_is_asked_for_is_applied(kinds: Any) -> None:
    holdfast.configure({"CARRY": kinds})
    assert threads_are_carried()


def test_the_last_settings_count() -> None:
    holdfast.configure({"CARRY": ["threads"]})
    holdfast.configure({"CARRY": []})
    assert not threads_are_carried()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"CARY": []}, "HOLDFAST has no key 'CARY'. Did you mean 'CARRY'?"),
        ({"carry": []}, "HOLDFAST has no key 'carry'. Did you mean 'CARRY'?"),
        ({"ELSEWHERE": []}, "HOLDFAST has no key 'ELSEWHERE'. Known: CARRY."),
        ({7: []}, "HOLDFAST has no key 7. Known: CARRY."),
        (
            {"CARRY": ["thread"]},
            "HOLDFAST['CARRY'] knows no 'thread'. Did you mean 'threads'?",
        ),
        (
            {"CARRY": ["Greenlets"]},
            "HOLDFAST['CARRY'] knows no 'Greenlets'. Did you mean 'greenlets'?",
        ),
        (
            {"CARRY": ["xyz"]},
            "HOLDFAST['CARRY'] knows no 'xyz'. Known: executors, greenlets, threads.",
        ),
        (
            {"CARRY": "threads"},
            "HOLDFAST['CARRY'] must be a list such as ['threads'], not 'threads'.",
        ),
        ({"CARRY": [7]}, "HOLDFAST['CARRY'] must be a list such as ['threads'], not [7]."),
        ({"CARRY": 7}, "HOLDFAST['CARRY'] must be a list such as ['threads'], not 7."),
        ({"CARRY": None}, "HOLDFAST['CARRY'] must be a list such as ['threads'], not None."),
        (["CARRY"], "HOLDFAST must be a dict, not ['CARRY']."),
        (None, "HOLDFAST must be a dict, not None."),
    ],
)
def test_what_makes_no_sense_is_named_with_what_was_meant(settings: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        holdfast.configure(settings)
    assert str(error.value) == said


def test_an_iterator_which_can_be_read_once_only_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="must be a list such as"):
        holdfast.configure({"CARRY": iter(["threads"])})


def test_a_configuration_error_is_a_value_error() -> None:
    assert issubclass(ConfigurationError, ValueError)


@pytest.mark.parametrize(
    "settings", [{"CARRY": ["threads", "thread"]}, {"CARRY": ["threads"], "CARY": []}]
)
def test_nothing_is_applied_of_settings_that_hold_a_mistake(settings: Any) -> None:
    with pytest.raises(ConfigurationError):
        holdfast.configure(settings)
    assert not threads_are_carried()
