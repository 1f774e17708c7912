"""Stores by name: opened when needed, as the settings have them."""

import importlib
import inspect
import pickle
import sys

import pytest

import holdfast
from holdfast import named_stores, shared
from holdfast.configuration import ConfigurationError
from holdfast.stores import StoreError
from holdfast.stores.options import options_of
from tests.fresh_process import output_of
from tests.values.shapes import Plain


@pytest.fixture(autouse=True)
def _no_settings_afterwards():
    yield
    holdfast.configure({})


def test_stores_of_different_names_stand_side_by_side():
    holdfast.configure(
        {"STORES": {"default": "memory://one", "sessions": {"URL": "memory://two", "TIMEOUT": 2}}}
    )
    shared.dict("a")["key"] = 1
    sessions = shared.dict("a", store="sessions")
    assert "key" not in sessions
    sessions["key"] = 2
    assert shared.dict("a")["key"] == 1
    assert named_stores.store("sessions").timeout == 2


def test_an_unknown_name_is_said_when_it_is_used():
    holdfast.configure({"STORES": {"sessions": "memory://"}})
    flags = shared.dict("flags", store="sesions")
    with pytest.raises(ConfigurationError) as raised:
        flags["a"] = 1
    assert str(raised.value) == (
        "HOLDFAST['STORES'] has no store 'sesions'. Did you mean 'sessions'?"
    )
    assert raised.value.__context__ is None


def test_handles_follow_new_settings():
    holdfast.configure({"STORES": {"default": "memory://one"}})
    flags = shared.dict("handles")
    flags["a"] = 1
    holdfast.configure({"STORES": {"default": "memory://another"}})
    assert "a" not in flags
    holdfast.configure({"STORES": {"default": "memory://another"}, "CARRY": []})
    opened = named_stores.store("default")
    holdfast.configure({"STORES": {"default": "memory://another"}, "PICKLE": False})
    assert named_stores.store("default") is opened
    with pytest.raises(shared.NotStorable, match="PICKLE"):
        flags["a"] = Plain(1)


def test_keys_are_those_of_the_settings():
    holdfast.configure({"STORES": {"default": "memory://keys"}, "KEY": "the first of the keys"})
    flags = shared.dict("keys")
    flags["a"] = Plain(1)
    holdfast.configure(
        {
            "STORES": {"default": "memory://keys"},
            "KEY": [b"the second of the keys", "the first of the keys"],
        }
    )
    assert flags["a"] == Plain(1)
    flags["b"] = Plain(2)
    holdfast.configure({"STORES": {"default": "memory://keys"}, "KEY": "the first of the keys"})
    assert "b" not in flags


def test_making_a_handle_opens_nothing():
    assert (
        output_of(
            """
            import sys
            import holdfast

            holdfast.configure({"STORES": {"default": "redis://127.0.0.1:1/0"}})
            flags = holdfast.shared.dict("flags")
            repr(flags), holdfast.shared.lock("a"), holdfast.shared.stream("flags")
            print([name for name in ("redis", "lmdb", "ssl", "asyncio") if name in sys.modules])
            """
        )
        == "[]"
    )


def test_without_settings_state_is_on_this_machine_and_of_this_project(tmp_path):
    program = """
        import sys
        from holdfast import shared

        flags = shared.dict("flags")
        print(flags.get("who"))
        flags["who"] = sys.argv[1]
    """
    project, other = tmp_path / "project", tmp_path / "other"
    project.mkdir()
    other.mkdir()
    environment = {"HOLDFAST_DIR": str(tmp_path)}
    for cwd, me, seen in [(project, "one", "None"), (project, "two", "one"), (other, "x", "None")]:
        assert output_of(program, me, cwd=cwd, environment=environment) == seen


DJANGO = """
    import sys
    import django
    from django.conf import settings

    settings.configure(
        BASE_DIR=sys.argv[1], SECRET_KEY=sys.argv[2], SECRET_KEY_FALLBACKS=sys.argv[3:],
        INSTALLED_APPS=["holdfast.django"], MIDDLEWARE=[],
    )
    django.setup()
    from django.utils.safestring import SafeString, mark_safe
    from holdfast import shared

    flags = shared.dict("flags")
    print(type(flags.get("safe")).__name__)
    flags["safe"] = mark_safe("<b>")
"""


def test_django_signs_with_its_secret_key_and_finds_the_store_by_its_project(tmp_path):
    environment = {"HOLDFAST_DIR": str(tmp_path)}

    def run(*keys, cwd):
        folder = tmp_path / cwd
        folder.mkdir(exist_ok=True)
        return output_of(DJANGO, str(tmp_path), *keys, cwd=folder, environment=environment)

    assert run("first", cwd="a") == "NoneType"
    assert run("first", cwd="b") == "SafeString"
    assert run("second", "first", cwd="a") == "SafeString"


IN_TESTS = """
    import os
    import sys
    import tempfile
    import django
    from django.conf import settings
    from django.test.utils import setup_test_environment, teardown_test_environment

    settings.configure(
        BASE_DIR=sys.argv[1], SECRET_KEY="none", MIDDLEWARE=[], ALLOWED_HOSTS=[],
        INSTALLED_APPS=["holdfast.django"], HOLDFAST={"STORES": eval(sys.argv[2])},
    )
    django.setup()
    from holdfast import shared
    if len(sys.argv) > 3:
        setup_test_environment()
    flags = shared.dict("flags")
    print(dict(flags))
    flags.clear()
    flags["by"] = sys.argv[3:]
    if len(sys.argv) > 3:
        if os.fork() == 0:
            flags["forked"] = True
            sys.exit()
        os.wait()
        assert flags["forked"]
        assert len(os.listdir(tempfile.gettempdir())) == ("lmdb" not in sys.argv[2])
        del flags["forked"]
"""


def test_while_djangos_tests_run_a_store_that_nobody_named_is_theirs_alone(tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()

    def run(*arguments):
        environment = {"HOLDFAST_DIR": str(tmp_path), "TMPDIR": str(temporary)}
        said = output_of(IN_TESTS, str(tmp_path), *arguments, environment=environment)
        assert not list(temporary.iterdir())
        return said

    assert run("{}") == "{}"
    assert run("{}", "tests") == "{}"
    assert run("{}", "tests") == "{}"
    assert run("{}") == "{'by': []}"
    named = str({"default": f"lmdb://{tmp_path}/named"})
    assert run(named, "tests") == "{}"
    assert run(named, "tests") == "{'by': ['tests']}"


def test_without_msgspec_it_is_said_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("holdfast.values")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "msgspec", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'holdfast\[lmdb\]'"):
        import holdfast.values.notation  # noqa: F401


def test_a_store_is_no_part_of_a_pickle():
    assert b"memory" not in pickle.dumps(shared.dict("flags"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("foo://x", "HOLDFAST['STORES']['sessions']: No store is called \"foo://\"."),
        ("lmdb://relative/path", 'write "lmdb:///relative/path", with three slashes'),
        ({"URL": "lmdb://", "SIZE": "5 apples"}, "HOLDFAST['STORES']['sessions']: The embedded"),
        ({"URL": "lmdb://", "DURABEL": True}, "has no option 'DURABEL'. Did you mean 'DURABLE'?"),
        (
            {"URL": "redis://127.0.0.1", "SIZE": 1},
            (
                "HOLDFAST['STORES']['sessions'] has no option 'SIZE'."
                " Known: LOG_LENGTH, MAX_CONNECTIONS, TAG_LIMIT, TIMEOUT, URL."
            ),
        ),
        ({"URL": "memcached://127.0.0.1", "MAX_CONNECTIONS": "7"}, "not supported"),
    ],
)
def test_what_is_wrong_with_a_stores_settings_is_known_without_opening_it(settings, said):
    assert said in named_stores.fault("sessions", settings)


def test_an_option_that_a_store_lacks_is_said_as_the_settings_spell_it():
    holdfast.configure({"STORES": {"default": {"URL": "memory://", "LOGLIMIT": 7}}})
    for name in ("default", "cache"):
        with pytest.raises(StoreError, match=r"\['default'\] has no option 'LOGLIMIT'\. Did you"):
            named_stores.store(name)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("lmdb://", "lmdb.parts"),
        ("memcached://a", "memcached.engine:MemcachedStore"),
        ("memory://", "memory.engine:MemoryStore"),
        ("redis://a", "redis.engine:RedisStore"),
    ],
)
def test_the_options_that_settings_may_have_are_those_of_the_engine(url, place):
    module, _, name = place.partition(":")
    engine = importlib.import_module(f"holdfast.stores.{module}")
    if name:
        taken = set(inspect.signature(getattr(engine, name).__init__).parameters)
    else:
        taken = {"url", "timeout", "purpose", "project", *engine._OPTIONS}
    assert set(options_of(url)[0]) == {option.upper() for option in taken - {"self", "options"}}
