"""`holdfast doctor --fix` and `--diff`."""

import json
import subprocess
import sys

import pytest

from holdfast.cli import main
from tests.doctor.mend.test_files import BEFORE

LEFT = """

class Asks:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.name = request.user.username
        return self.get_response(request)
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "middleware.py"
    path.write_text(BEFORE)
    return path


def doctor(*words):
    return main(["doctor", "--no-cache", "--jobs", "1", *words])


def test_fix_writes_and_there_is_nothing_left_to_find(file, capsys):
    assert doctor("--fix", ".") == 0
    assert "async_capable = True" in file.read_text()
    assert "middleware.py: mended S4a (1)" in capsys.readouterr().out
    assert doctor(".") == 0
    before = file.read_bytes()
    assert doctor("--fix", ".") == 0
    assert file.read_bytes() == before
    assert "Nothing was mended." in capsys.readouterr().out


def test_diff_shows_and_writes_nothing(file, capsys):
    assert doctor("--diff", ".") == 1
    shown = capsys.readouterr()
    assert "+    async_capable = True\n" in shown.out
    assert shown.err.endswith("Would mend 1 finding in 1 file.\n")
    assert file.read_text() == BEFORE
    assert doctor("--fix", "--diff", ".") == 1
    assert file.read_text() == BEFORE


def test_the_diff_can_be_piped_into_patch(file):
    command = [sys.executable, "-m", "holdfast", "doctor", "--no-cache", "--diff"]
    diff = subprocess.run(command, check=False, capture_output=True).stdout
    subprocess.run(["patch", "-p0"], input=diff, check=True, capture_output=True)
    assert doctor(".") == 0


def test_what_is_left_is_said_in_a_line_each_and_counts(file, capsys):
    file.write_text(BEFORE + LEFT)
    assert doctor("--fix", ".") == 1
    out = capsys.readouterr().out
    assert "middleware.py: mended S4a (1)" in out
    assert "S4a left as it is: request.user asks the database" in out
    assert doctor("--fix", "--fail-on", "error", ".") == 0
    (file.parent / "pyproject.toml").write_text('[tool.holdfast.doctor]\nfail-on = "error"\n')
    assert doctor("--fix", ".") == 0
    assert doctor("--fix", "--fail-on", "warning", ".") == 1


def test_only_what_is_selected_is_mended(file):
    assert doctor("--fix", "--select", "S1", ".") == 0
    assert file.read_text() == BEFORE


def test_what_a_comment_ignores_is_not_mended(file):
    ignored = BEFORE.replace("Middleware:", "Middleware:  # holdfast: ignore[S4] it is meant", 1)
    file.write_text(ignored)
    assert doctor("--fix", ".") == 0
    assert file.read_text() == ignored


def test_programs_are_told_all_of_it(file, capsys):
    file.write_text(BEFORE + LEFT)
    doctor("--diff", "--json", ".")
    told = json.loads(capsys.readouterr().out)
    assert told["files"][0]["mended"][0]["symbol"] == "Middleware"
    assert told["files"][0]["diff"].startswith("--- middleware.py")
    assert told["left"][0]["symbol"] == "Asks"
    assert "request.user" in told["left"][0]["why"]


def test_a_file_that_can_not_be_written_is_told(file, capsys, monkeypatch):
    from holdfast.doctor.mend import files

    def refuse(_):
        raise files.NotWrittenError("middleware.py can't be written: Permission denied")

    monkeypatch.setattr(files, "write", refuse)
    assert doctor("--fix", ".") == 2
    assert "can't be written: Permission denied" in capsys.readouterr().out
    assert file.read_text() == BEFORE


def test_without_libcst_the_extra_is_named(file, capsys, monkeypatch):
    for name in [one for one in sys.modules if one.startswith("holdfast.doctor.mend")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "libcst", None)
    monkeypatch.setattr(
        "builtins.__import__", _without_libcst(__builtins__["__import__"]), raising=True
    )
    assert doctor("--fix", ".") == 2
    assert "pip install 'holdfast[doctor]'" in capsys.readouterr().err


def _without_libcst(importing):
    def importer(name, *more):
        if name.partition(".")[0] == "libcst":
            raise ModuleNotFoundError("No module named 'libcst'", name="libcst")
        return importing(name, *more)

    return importer
