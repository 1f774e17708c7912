"""The command `holdfast`: what it does, says, and returns."""

import json
import logging
import os
import subprocess
import sys
import uuid
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import holdfast
from holdfast import cli, configuration, named_stores

KEY = "the-tests-keep-no-secrets"


class Opaque:
    """Nothing but pickle can store it."""

    def __init__(self, what):
        self.what = what

    def __repr__(self):
        return f"Opaque({self.what!r})"


class Hostile:
    def __reduce__(self):
        return os.mkdir, ("executed",)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """The settings of a program that shares state in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    given = {"STORES": {"default": f"lmdb://{tmp_path}/state"}, "KEY": KEY}
    holdfast.configure(given)
    yield given
    holdfast.configure({})


@pytest.fixture
def flags(settings):
    return holdfast.shared.dict("flags")


@pytest.fixture
def run(settings, capsys):
    """Runs `holdfast shared …` in this process, gives status, output and errors."""

    def run_command(*words):
        status = cli.main(["shared", *words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run_command


@pytest.fixture
def asked(run):
    """Runs it with --json, and gives what it wrote."""

    def run_command(*words):
        status, output, errors = run(*words, "--json")
        assert (status, errors) == (0, "")
        return json.loads(output)

    return run_command


# get


def test_get_shows_a_value_as_python_writes_it(flags, run):
    flags["key0"] = {"colours": ("red", 1)}
    assert run("get", "flags", "key0") == (0, "{'colours': ('red', 1)}\n", "")


def test_get_tells_programs_about_the_value(flags, asked):
    flags.set("key0", ("red", 1), ttl=100)
    found = asked("get", "flags", "key0")
    assert 90 < found.pop("expires_in") <= 100
    assert found.pop("bytes") > 3
    assert found == {"name": "flags", "key": "key0", "type": "tuple", "value": ["red", 1]}


def test_get_of_a_key_that_is_no_text_takes_what_ls_shows(flags, run):
    keys = [7, b"x", ("a", 1), uuid.uuid4(), "it's"]
    for number, key in enumerate(keys):
        flags[key] = number
    listed = run("ls", "flags")[1].splitlines()
    assert sorted(listed) == sorted(map(repr, keys))
    for number, key in enumerate(keys):
        assert run("get", "flags", "--literal", repr(key)) == (0, f"{number}\n", "")


def test_get_shows_a_pickled_value_that_was_signed_with_our_key(flags, run):
    flags["key0"] = Opaque("some data")
    assert run("get", "flags", "key0") == (0, "Opaque('some data')\n", "")


def test_get_refuses_a_pickled_value_that_was_signed_with_another_key(
    flags, settings, run, tmp_path
):
    holdfast.configure({**settings, "KEY": "somebody else's key"})
    flags["key0"] = Hostile()
    holdfast.configure(settings)
    status, output, errors = run("get", "flags", "key0")
    assert (status, output) == (1, "")
    assert "flags['key0'] was refused" in errors
    assert "its signature is not of a key that is known here" in errors
    assert not (tmp_path / "executed").exists()


def test_a_refusal_is_still_a_security_event_for_the_log(flags, settings, run, caplog):
    holdfast.configure({**settings, "KEY": "somebody else's key"})
    flags["key0"] = Opaque("some data")
    holdfast.configure(settings)
    run("get", "flags", "key0")
    assert [record.name for record in caplog.records] == ["holdfast.security"]
    assert not logging.getLogger("holdfast.security").handlers


def test_get_never_executes_what_was_written_past_us(flags, run, tmp_path):
    import pickle

    place = b"d:{flags}:skey0"
    named_stores.store("default").set(place, b"\xc1p" + bytes(32) + pickle.dumps(Hostile()))
    assert run("get", "flags", "key0")[0] == 1
    assert not (tmp_path / "executed").exists()


def test_get_shows_nothing_that_a_terminal_would_obey(flags, run):
    flags["key0"] = "\x1b]0;owned\x07 \u202e"
    output = run("get", "flags", "key0")[1]
    assert output.isascii()
    assert output.strip().isprintable()


def test_ls_shows_nothing_that_a_terminal_would_obey(run):
    holdfast.shared.dict("\x1b[2J")["x"] = 1
    output = run("ls")[1]
    assert "\x1b" not in output
    assert r"\x1b[2J" in output


def test_get_of_a_counter(settings, run):
    holdfast.shared.counter("hits").add(5)
    assert run("get", "hits") == (0, "5\n", "")


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["flags", "nope"], 1, "There is no flags['nope']."),
        (["flags"], 2, "'flags' is a dict: say which key."),
        (["nothing"], 1, "There is no counter 'nothing'."),
        (["flags", "-l", "key0"], 2, "key0 is no key as Python writes it"),
    ],
)
def test_get_says_what_is_wrong(flags, run, words, status, says):
    flags["key0"] = 1
    found, output, errors = run("get", *words)
    assert (found, output) == (status, "")
    assert says in errors


# set


def test_set_writes_what_the_program_reads(flags, run):
    assert run("set", "flags", "key0", '{"a": [1, null]}')[0] == 0
    assert flags["key0"] == {"a": [1, None]}


def test_set_writes_a_text_as_it_stands(flags, run):
    run("set", "flags", "key0", "--text", "red")
    assert flags["key0"] == "red"


def test_set_with_a_ttl_wherever_the_option_stands(flags, run):
    run("set", "flags", "--ttl", "100", "key0", "1")
    run("set", "flags", "key1", "1", "--ttl", "100")
    run("set", "flags", "key2", "--ttl", "100", "-1")
    assert all(90 < flags.expires_in(f"key{number}") <= 100 for number in range(3))
    assert flags["key2"] == -1


def test_set_is_a_change_that_streams_tell_of(flags, run):
    stream = holdfast.shared.stream("flags", timeout=0)
    assert stream.position >= 0
    run("set", "flags", "key0", "1")
    run("rm", "flags", "key0")
    assert [(change.kind, change.key) for change in stream] == [
        ("set", "key0"),
        ("delete", "key0"),
    ]


def test_set_of_a_counter(settings, run):
    assert run("set", "hits", "-5") == (0, "hits = -5\n", "")
    assert holdfast.shared.counter("hits").value == -5


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["flags", "key0", "red"], "add --text"),
        (["flags", "key0", "1", "--ttl", "0"], "--ttl must be more than 0"),
        (["flags", "3"], "'flags' is a dict: say key and value"),
        (["hits", "many"], "A counter is set to a whole number, not 'many'"),
        (["flags"], "the following arguments are required: value"),
    ],
)
def test_set_refuses_what_makes_no_sense_and_changes_nothing(flags, run, words, says):
    flags["key0"] = 1
    status, _, errors = run("set", *words)
    assert status == 2
    assert says in errors
    assert dict(flags.items()) == {"key0": 1}


# ls


def test_ls_lists_dicts_and_counters(flags, run, asked):
    assert run("ls")[1].startswith("There is nothing yet in lmdb:///")
    flags.update(a=1, b=2)
    holdfast.shared.counter("hits").add(1234)
    assert asked("ls") == [
        {"kind": "dict", "name": "flags", "keys": 2, "value": None},
        {"kind": "counter", "name": "hits", "keys": None, "value": 1234},
    ]
    assert run("ls")[1].splitlines() == [
        "kind     name   keys  value",
        "dict     flags  2     -",
        "counter  hits   -     1,234",
    ]


def test_ls_of_many_keys_stops_at_the_limit_and_says_so(flags, run, asked):
    flags.set_many(dict.fromkeys(range(1500)))
    found = asked("ls", "flags")
    assert (len(found["keys"]), found["more"]) == (1000, True)
    assert "… and more: --limit 0 lists all" in run("ls", "flags", "--limit", "2")[1]
    everything = asked("ls", "flags", "--limit", "0")
    assert sorted(everything["keys"]) == list(range(1500))
    assert everything["more"] is False


def test_ls_of_what_is_not_there(settings, run):
    holdfast.shared.counter("hits").add(1)
    assert run("ls", "flags")[0] == 1
    assert "'hits' is a counter, which has no keys" in run("ls", "hits")[2]


def test_nothing_is_said_with_the_place_where_it_is_and_makes_no_file(settings, run, tmp_path):
    place = tmp_path / "state"
    assert run("ls") == (0, f"There is nothing yet in lmdb://{place}.\n", "")
    assert run("stats")[0] == 0
    assert not place.exists()


def test_the_store_of_a_folder_without_settings_is_told_from_a_project_s(
    run, tmp_path, monkeypatch
):
    monkeypatch.setenv("HOLDFAST_DIR", str(tmp_path / "stores"))
    monkeypatch.setattr(configuration, "project", None)
    holdfast.configure({})
    status, output, _ = run("ls")
    assert status == 0
    assert "(this folder's store; --settings names a project)." in output
    assert f"lmdb://{tmp_path}/stores/" in output
    assert not (tmp_path / "stores").exists()


# rm


def test_rm_deletes_the_keys_that_are_named(flags, run):
    flags.update(a=1, b=2, c=3)
    assert run("rm", "flags", "a", "b", "nope") == (0, "2 deleted\n", "")
    assert dict(flags.items()) == {"c": 3}


def test_rm_of_what_is_not_there_has_status_1(flags, run):
    nothing = (1, "0 deleted: there are no such keys in 'flags'.\n", "")
    assert run("rm", "flags", "nope") == nothing
    assert run("rm", "flags", "--all") == (1, "0 deleted: there is no dict 'flags'.\n", "")
    status, output, _ = run("rm", "hits")
    assert status == 1
    assert "there is no counter 'hits'. Of a dict, say the keys, too, or --all." in output


def test_rm_deletes_a_whole_dict_only_when_told_so(flags, run, asked):
    flags.update(a=1, b=2)
    status, _, errors = run("rm", "flags")
    assert status == 2
    assert "say which keys, or --all" in errors
    assert run("rm", "flags", "a", "--all")[0] == 2
    assert len(flags) == 2
    assert asked("rm", "flags", "--all") == {"name": "flags", "deleted": 2}
    assert not flags


def test_rm_of_a_counter(settings, run):
    holdfast.shared.counter("hits").add(1)
    assert run("rm", "hits")[0] == 0
    assert holdfast.shared.counter("hits").value == 0


# stats, where


def test_stats_has_the_figures_of_the_store(flags, run, asked):
    flags["a"] = 1
    figures = asked("stats")
    assert figures["url"].startswith("lmdb:///")
    assert figures["records"] >= 1
    assert any(line.split() == ["records", "1"] for line in run("stats")[1].splitlines())


def test_where_lists_the_stores_of_the_settings_and_makes_nothing(settings, asked, tmp_path):
    holdfast.configure({"STORES": {**settings["STORES"], "far": "redis://:secret@127.0.0.1:1/0"}})
    assert [(row["store"], row["seen by"]) for row in asked("where")] == [
        ("default", "all workers of this machine"),
        ("far", "all machines that reach it"),
    ]
    assert asked("where")[0]["url"] == f"lmdb://{tmp_path}/state"
    assert not (tmp_path / "state").exists()


def test_where_shows_no_password(settings, run):
    holdfast.configure({"STORES": {"default": "redis://:secret@127.0.0.1:1/0"}})
    assert "secret" not in run("where")[1]


# Which store


def test_url_names_another_store_for_this_command_only(flags, run, settings, tmp_path):
    flags["a"] = 1
    other = f"lmdb://{tmp_path}/other"
    # Nothing is known to this process but the settings that it had.
    assert run("set", "flags", "a", "2", "--url", other)[0] == 0
    assert run("get", "flags", "a", "--url", other)[1] == "2\n"
    holdfast.configure(settings)
    assert flags["a"] == 1


def test_store_names_one_of_the_settings(settings, run, tmp_path):
    holdfast.configure({"STORES": {**settings["STORES"], "other": f"lmdb://{tmp_path}/other"}})
    holdfast.shared.dict("flags", store="other")["a"] = 3
    assert run("get", "flags", "a", "--store", "other")[1] == "3\n"
    status, _, errors = run("ls", "--store", "othr")
    assert status == 2
    assert "Did you mean 'other'?" in errors


def test_store_that_can_not_be_reached_has_status_3(run):
    status, output, errors = run("ls", "--url", "redis://:secret@127.0.0.1:1/0")
    assert (status, output) == (3, "")
    assert errors.startswith("holdfast: redis://")
    assert "can't be reached" in errors
    assert "secret" not in errors


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("redis", marks=pytest.mark.needs("redis")),
        pytest.param("memcached", marks=pytest.mark.needs("memcached")),
    ],
)
def test_it_works_on_a_real_server_as_far_as_that_can(run, tmp_path, name):
    from demonstration.stores import STORES

    with STORES[name].running(tmp_path) as url:
        assert run("set", "flags", "key0", "[1]", "--url", url)[0] == 0
        assert run("get", "flags", "key0", "--url", url) == (0, "[1]\n", "")
        assert run("set", "hits", "5", "--url", url)[0] == 0
        assert run("get", "hits", "--url", url) == (0, "5\n", "")
        assert run("stats", "--url", url)[0] == 0
        if name == "memcached":
            status, output, errors = run("ls", "--url", url)
            assert (status, output) == (3, "")
            assert "Memcached can't list its keys" in errors
        else:
            assert run("ls", "flags", "--url", url)[1] == "'key0'\n"
        assert run("rm", "flags", "key0", "--url", url) == (0, "1 deleted\n", "")


@pytest.mark.parametrize("url", ["redis", "rdis://127.0.0.1", "lmdb://a/b"])
def test_url_that_makes_no_sense_is_refused_without_a_traceback(run, url):
    status, _, errors = run("ls", "--url", url)
    assert status in {2, 3}
    assert errors.startswith("holdfast: ")
    assert "Traceback" not in errors


def test_module_is_imported_where_its_classes_are_needed(flags, run, tmp_path):
    Path("colours.py").write_text(
        "from dataclasses import dataclass\n@dataclass\nclass Colour:\n    name: str\n",
        encoding="utf-8",
    )
    write = "import colours, holdfast; holdfast.shared.dict('flags')['a'] = colours.Colour('red')"
    configure = f"import holdfast; holdfast.configure({configuration._applied!r});"
    subprocess.run([sys.executable, "-c", configure + write], check=True)
    status, _, errors = run("get", "flags", "a")
    assert status == 3
    assert "has not imported" in errors
    assert run("get", "flags", "a", "--import", "colours")[1] == "Colour(name='red')\n"
    status, _, errors = run("get", "flags", "a", "--import", "colors")
    assert status == 2
    assert "colors can't be imported" in errors


# The command itself


def outcome(*words, **environment):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "holdfast", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )


def test_what_one_process_sets_another_gets_with_no_setting_at_all(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environment = {"HOLDFAST_DIR": str(tmp_path / "state"), "DJANGO_SETTINGS_MODULE": ""}
    assert outcome("shared", "set", "flags", "key0", "[1]", **environment).returncode == 0
    got = outcome("shared", "get", "flags", "key0", **environment)
    assert (got.returncode, got.stdout, got.stderr) == (0, "[1]\n", "")


def test_output_that_is_read_only_in_part_is_no_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    holdfast.configure({"STORES": {"default": f"lmdb://{tmp_path}/state"}})
    holdfast.shared.dict("flags").set_many({f"{number:0100}": 1 for number in range(5000)})
    holdfast.configure({})
    command = [sys.executable, "-m", "holdfast", "shared", "ls", "flags", "--limit", "0"]
    with subprocess.Popen(
        [*command, "--url", f"lmdb://{tmp_path}/state"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def test_help_lists_what_is_there(capsys):
    assert cli.main(["--help"]) == 0
    assert "shared  Look at state that all workers share" in capsys.readouterr().out
    assert cli.main(["shared", "--help"]) == 0
    output = capsys.readouterr().out
    for name in ("ls", "get", "set", "rm", "stats", "where"):
        assert f"\n  {name} " in output
    assert "_keys" not in output


def test_nothing_at_all_is_answered_with_help_and_status_2(capsys):
    assert cli.main([]) == 2
    assert "usage: holdfast COMMAND" in capsys.readouterr().out


def test_command_that_there_is_not_is_named_with_the_one_meant(capsys):
    assert cli.main(["shared", "gt"]) == 2
    assert "holdfast shared knows no 'gt'. Did you mean 'get'?" in capsys.readouterr().err
    assert cli.main(["--json", "shared", "ls"]) == 2
    assert "Options stand after the command" in capsys.readouterr().err


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"holdfast {holdfast.__version__}\n"


def test_command_is_installed_under_its_name():
    (script,) = entry_points(group="console_scripts", name="holdfast")
    assert script.load() is cli.main


def test_new_command_is_registered_by_being_there(tmp_path, monkeypatch, capsys):
    from holdfast import command

    (tmp_path / "greet.py").write_text(
        '"""Say hello."""\n'
        "def arguments(parser): parser.add_argument('names', nargs='*')\n"
        "def run(options, output):\n"
        "    output.record({'names': options.names}, ' '.join(options.names))\n"
        "    return 7\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(command, "__path__", [*command.__path__, str(tmp_path)])
    assert cli.main(["greet", "--", "anna", "-k", "bert"]) == 7
    assert capsys.readouterr().out == "anna -k bert\n"
    assert cli.main(["--help"]) == 0
    assert "greet   Say hello." in capsys.readouterr().out


@pytest.mark.parametrize("command", ["probe", "watch"])
def test_an_option_of_the_server_without_two_dashes_before_it_is_told_how_to_say_it(
    command, capsys
):
    words = [command, "--users", "5", "gunicorn", "my site", "-b", "127.0.0.1:8613"]
    assert cli.main(words) == 2
    assert capsys.readouterr().err == (
        "holdfast: Put `--` before the server's command:"
        f" holdfast {command} --users 5 -- gunicorn 'my site' -b 127.0.0.1:8613\n"
    )


@pytest.mark.parametrize("words", [["--usrs", "5", "gunicorn"], ["--usrs", "--", "gunicorn"]])
def test_an_option_that_there_is_not_is_named(words, capsys):
    assert cli.main(["probe", *words]) == 2
    said = capsys.readouterr().err
    assert said.startswith("holdfast: unrecognized arguments: --usrs\n")


def test_command_whose_package_is_missing_says_what_to_install(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith("holdfast.command.shared")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [
        name
        for name in sys.modules
        if name.startswith(("holdfast.shared", "holdfast.values", "holdfast.named_stores"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "msgspec", None)
    assert cli.main(["shared", "ls"]) == 2
    assert "needs the package msgspec" in capsys.readouterr().err
    assert cli.main(["shared", "--help"]) == 0


def test_command_alone_loads_no_store_and_no_django():
    code = (
        "import sys, holdfast.cli; holdfast.cli.main(['--version']);"
        "print([name for name in ('django', 'lmdb', 'redis', 'msgspec', 'rich')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


# What JSON has nothing for


def test_values_that_json_has_nothing_for_are_written_as_texts(flags, asked):
    import datetime as dt
    from decimal import Decimal

    identifier = uuid.uuid4()
    flags["a"] = {
        "when": dt.datetime(2026, 11, 21, 3, 4, 5, tzinfo=dt.UTC),
        "long": dt.timedelta(seconds=1.5),
        "price": Decimal("1.10"),
        "who": identifier,
        "raw": b"\x00\xff",
        "tags": {"b", "a"},
        "infinite": float("inf"),
        7: ("tuple", None, True),
    }
    assert asked("get", "flags", "a")["value"] == {
        "when": "2026-11-21T03:04:05+00:00",
        "long": 1.5,
        "price": "1.10",
        "who": str(identifier),
        "raw": "AP8=",
        "tags": ["a", "b"],
        "infinite": "inf",
        "7": ["tuple", None, True],
    }


def test_table_and_value_on_a_terminal_need_no_rich(flags, settings, monkeypatch):
    import io

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    flags["a"] = [1]
    for rich_is_there in (True, False):
        if not rich_is_there:
            monkeypatch.setattr("holdfast.command._output.find_spec", {"rich": None}.__getitem__)
        terminal = Terminal()
        cli.run(["shared", "ls"], terminal)
        cli.run(["shared", "get", "flags", "a"], terminal)
        assert "flags" in terminal.getvalue()
        assert "1" in terminal.getvalue()
