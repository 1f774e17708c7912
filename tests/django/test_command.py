"""`manage.py holdfast …`: the same command, with the project's settings."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

import holdfast

MANAGE = """
import sys
from django.conf import settings
settings.configure(**{settings!r})
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""


@pytest.fixture
def settings(tmp_path):
    return {
        "SECRET_KEY": "the-tests-keep-no-secrets",
        "INSTALLED_APPS": ["holdfast.django"],
        "HOLDFAST": {"STORES": {"default": f"lmdb://{tmp_path}/state"}},
    }


@pytest.fixture
def manage(settings, tmp_path):
    """Runs a process with a project's settings, as manage.py does."""

    def run(*words, **changed):
        program = MANAGE.format(settings={**settings, **changed})
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", program, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=tmp_path,
        )

    return run


def test_it_works_on_the_store_of_the_settings(manage, tmp_path):
    assert manage("holdfast", "shared", "set", "flags", "key0", "[1]").returncode == 0
    got = manage("holdfast", "shared", "get", "flags", "key0", "--json")
    assert (got.returncode, got.stderr) == (0, "")
    assert json.loads(got.stdout)["value"] == [1]
    where = manage("holdfast", "shared", "where", "--json")
    assert json.loads(where.stdout)[0]["url"] == f"lmdb://{tmp_path}/state"


def test_what_the_project_pickled_is_read_with_its_secret_key(manage, tmp_path):
    (tmp_path / "write.py").write_text(
        "import fractions, holdfast\n"
        "holdfast.shared.dict('flags')['key0'] = fractions.Fraction(1, 3)\n",
        encoding="utf-8",
    )
    write = ("holdfast", "shared", "where", "--import", "write")
    assert manage(*write).returncode == 0
    read = ("holdfast", "shared", "get", "flags", "key0")
    assert manage(*read).stdout == "Fraction(1, 3)\n"
    other = manage(*read, SECRET_KEY="another key of sixteen and more")
    assert (other.returncode, other.stdout) == (1, "")
    assert "was refused" in other.stderr
    known = {"SECRET_KEY_FALLBACKS": ["the-tests-keep-no-secrets"]}
    rotated = manage(*read, SECRET_KEY="another key of sixteen and more", **known)
    assert rotated.stdout == "Fraction(1, 3)\n"


def test_exit_statuses_are_those_of_the_command(manage):
    missing = manage("holdfast", "shared", "get", "flags", "nope")
    assert missing.returncode == 1
    assert "There is no flags['nope']." in missing.stderr
    assert manage("holdfast", "shared", "rm", "flags", "nope").returncode == 1
    assert manage("holdfast", "shared", "gt").returncode == 2
    far = manage("holdfast", "shared", "ls", "--url", "redis://127.0.0.1:1/0")
    assert far.returncode == 3
    assert "Traceback" not in far.stderr


def test_help_of_a_command_is_that_command_s(manage):
    helped = manage("holdfast", "shared", "get", "--help")
    assert helped.returncode == 0
    assert "usage: manage.py holdfast shared get" in helped.stdout


def test_setting_that_nobody_applies_is_pointed_out(manage, tmp_path):
    (tmp_path / "settings_of_the_test.py").write_text(
        "SECRET_KEY = 'the-tests-keep-no-secrets'\n"
        "HOLDFAST = {'STORES': {'default': 'redis://127.0.0.1:1/0'}}\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [
            *(sys.executable, "-m", "holdfast", "shared", "ls"),
            *("--settings", "settings_of_the_test"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert 'add "holdfast.django" to INSTALLED_APPS' in done.stderr


def test_setting_that_can_not_be_used_is_named(manage):
    done = manage("holdfast", "shared", "ls", HOLDFAST={"STORE": {}})
    assert done.returncode == 2
    assert "HOLDFAST has no key 'STORE'. Did you mean 'STORES'?" in done.stderr


def test_settings_module_is_named_on_the_command_line(tmp_path):
    (tmp_path / "settings_of_the_test.py").write_text(
        "SECRET_KEY = 'the-tests-keep-no-secrets'\n"
        "INSTALLED_APPS = ['holdfast.django']\n"
        f"HOLDFAST = {{'STORES': {{'default': 'lmdb://{tmp_path}/of-settings'}}}}\n",
        encoding="utf-8",
    )
    holdfast_command = Path(sys.executable).with_name("holdfast")
    done = subprocess.run(
        [holdfast_command, "shared", "where", "--settings", "settings_of_the_test"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"lmdb://{tmp_path}/of-settings" in done.stdout


def test_called_from_code_it_writes_where_it_is_told_and_raises_django_s_error(tmp_path):
    url = f"lmdb://{tmp_path}/state"
    output = io.StringIO()
    call_command("holdfast", "shared", "set", "flags", "key0", "1", "--url", url, stdout=output)
    call_command("holdfast", "shared", "ls", "flags", "--url", url, stdout=output)
    assert output.getvalue() == "flags['key0'] = 1\n'key0'\n"
    with pytest.raises(CommandError, match="There is no flags") as raised:
        call_command("holdfast", "shared", "get", "flags", "nope", "--url", url)
    assert raised.value.returncode == 1
    assert holdfast.shared.dict("flags")._store.url != url
