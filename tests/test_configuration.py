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
        (
            {"ELSEWHERE": []},
            (
                "HOLDFAST has no key 'ELSEWHERE'."
                " Known: CACHE, CARRY, COMPRESS_ABOVE, KEY, LOG, PICKLE, STORES."
            ),
        ),
        (
            {7: []},
            "HOLDFAST has no key 7. Known: CACHE, CARRY, COMPRESS_ABOVE, KEY, LOG, PICKLE, STORES.",
        ),
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
        ({"STORE": {}}, "HOLDFAST has no key 'STORE'. Did you mean 'STORES'?"),
        (
            {"STORES": "redis://127.0.0.1"},
            (
                "HOLDFAST['STORES'] must be a dict such as {'default': 'redis://127.0.0.1/0'}, not"
                " 'redis://127.0.0.1'."
            ),
        ),
        (
            {"STORES": {"default": 7}},
            (
                "HOLDFAST['STORES']['default'] must be a URL such as 'redis://127.0.0.1/0', or a"
                " dict with the key 'URL', not 7."
            ),
        ),
        (
            {"STORES": {"default": {"URI": "memory://"}}},
            (
                "HOLDFAST['STORES']['default'] must have a URL such as 'redis://127.0.0.1/0', not"
                " None."
            ),
        ),
        (
            {"STORES": {"default": {"URL": "memory://", "TIMEOT": 2}}},
            "HOLDFAST['STORES']['default'] has no key 'TIMEOT'. Did you mean 'TIMEOUT'?",
        ),
        (
            {"STORES": {"default": {"url": "memory://"}}},
            "HOLDFAST['STORES']['default'] has no key 'url'. Did you mean 'URL'?",
        ),
        (
            {"STORES": {"default": {"URL": "memory://", "TIMEOUT": 0}}},
            "HOLDFAST['STORES']['default']['TIMEOUT'] must be a number of seconds above 0, not 0.",
        ),
        (
            {"KEY": "short"},
            (
                "HOLDFAST['KEY'] must have 16 characters or more: who guesses it can have any code"
                " executed that reads a pickle."
            ),
        ),
        ({"KEY": 7}, "HOLDFAST['KEY'] must be a text, bytes, or a list of these."),
        ({"PICKLE": "no"}, "HOLDFAST['PICKLE'] must be True or False, not 'no'."),
        (
            {"COMPRESS_ABOVE": "4k"},
            "HOLDFAST['COMPRESS_ABOVE'] must be a number of bytes, or None, not '4k'.",
        ),
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
