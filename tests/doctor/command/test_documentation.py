"""The pages about the doctor leave nothing out, and promise nothing that isn't there."""

import argparse
import re
import tomllib
from pathlib import Path

import pytest

from holdfast.command import doctor
from holdfast.command._doctor import options
from holdfast.doctor import configuration
from holdfast.doctor.classes import TITLES, every_rule
from holdfast.doctor.codes import class_of

ROOT = Path(__file__).resolve().parents[3]
PAGES = {path.name: path.read_text() for path in (ROOT / "docs/doctor").glob("*.md")}
COMMAND = PAGES["command.md"]
HOOKS = (ROOT / ".pre-commit-hooks.yaml").read_text()


def all_options():
    parser = argparse.ArgumentParser(add_help=False)
    doctor.arguments(parser)
    return [name for action in parser._actions for name in action.option_strings]


@pytest.mark.parametrize("option", all_options())
def test_every_option_is_documented(option):
    assert any(f"`{option}" in text for text in PAGES.values())


def test_every_option_that_is_documented_exists():
    shown = re.sub(r"<!--.*?-->", "", COMMAND, flags=re.DOTALL)
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", shown + PAGES["ci.md"] + HOOKS))
    assert named <= {*all_options(), "--json", "--help"}


@pytest.mark.parametrize("key", configuration._KEYS)
def test_every_setting_is_documented(key):
    (table,) = re.findall(r"```toml\n(.*?)```", COMMAND, re.DOTALL)
    assert key in tomllib.loads(table)["tool"]["holdfast"]["doctor"]


def test_the_settings_in_the_page_are_right(tmp_path):
    (table,) = re.findall(r"```toml\n(.*?)```", COMMAND, re.DOTALL)
    file = tmp_path / "pyproject.toml"
    file.write_text(table)
    configuration.read(file)


@pytest.mark.parametrize("name", options.FORMATS)
def test_every_format_is_documented(name):
    assert f"`--format {name}`" in COMMAND


@pytest.mark.parametrize("rule", every_rule(), ids=lambda rule: rule.code)
def test_every_code_is_of_a_class_that_has_a_title(rule):
    assert class_of(rule.code) in TITLES


@pytest.mark.parametrize("code", ["D1a", "D1b", "D1c"])
def test_the_codes_of_comments_are_documented(code):
    assert f"`{code}`" in COMMAND
    assert f"`{code}`" in (ROOT / "CHANGELOG.md").read_text()


def test_the_hooks_for_pre_commit_run_the_command():
    entries = re.findall(r"^  entry: (.*)$", HOOKS, re.MULTILINE)
    assert entries == ["holdfast doctor", "holdfast doctor --fix"]
    assert "id: holdfast-doctor\n" in PAGES["ci.md"]
