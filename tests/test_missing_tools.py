"""A missing tool skips a test, and in CI fails it: seen by running pytest on such a test."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).with_name("conftest.py").read_text(encoding="utf-8")

TEST = """
    import pytest

    @pytest.mark.needs({tool!r})
    def test_something():
        pass
"""


@pytest.fixture
def run(pytester, monkeypatch):
    def run(tool, *, ci, uwsgi=False):
        monkeypatch.setenv("CI", "true" if ci else "")
        programs = pytester.mkdir("bin")
        if uwsgi:
            (programs / "uwsgi").touch(mode=0o755)
        # uWSGI is looked for beside the interpreter, and this one has it at will.
        monkeypatch.setattr("sys.executable", str(programs / "python"))
        pytester.makeconftest(CONFTEST)
        pytester.makepyfile(TEST.format(tool=tool))
        return pytester.runpytest_inprocess("-rs", "-p", "no:cacheprovider")

    return run


def test_without_the_tool_the_test_is_skipped_and_the_reason_said(run):
    result = run("uwsgi", ci=False)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*uWSGI is not installed*"])


def test_in_ci_the_missing_tool_is_a_failure(run):
    result = run("uwsgi", ci=True)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*in CI nothing may be missing: uWSGI is not installed*"])


def test_with_the_tool_the_test_runs(run):
    run("uwsgi", ci=True, uwsgi=True).assert_outcomes(passed=1)


def test_an_unknown_tool_is_an_error_everywhere(run):
    result = run("uwgsi", ci=False)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no such tool: 'uwgsi'*"])
