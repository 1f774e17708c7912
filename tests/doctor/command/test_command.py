"""`holdfast doctor`: what it reads, finds, says and returns."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from holdfast.doctor.analysis import analyse
from holdfast.doctor.classes import every_rule

WRONG = {rule.code: rule.wrong for rule in every_rule()}
FIELDS = {
    "class", "code", "path", "line", "symbol", "attribute", "severity", "confidence", "message",
    "mend",
}  # fmt: skip


def test_a_finding_is_told_with_its_place_its_story_and_its_mend(sick, command):
    ended = command()
    assert (ended.returncode, ended.stderr) == (1, "")
    first, line, story, mend, *_ = ended.stdout.splitlines()
    assert first == (
        "shop/middleware.py:9:9  S1a error, high confidence, in Timing.process_request"
    )
    assert line == "    self.started = time.monotonic()"
    assert "two requests at once both write self.started" in story
    assert mend.startswith("    Mend: ")


def test_the_summary_says_what_is_where(sick, doctor):
    _, output, _ = doctor()
    *_, by_class, total, explain = output.splitlines()
    assert " ".join(by_class.split()) == (
        "S1 1 Data of one request on an object that outlives it shop/middleware.py:9"
    )
    assert total.startswith("1 finding (1 error) in 1 of 2 files, 13 lines")
    assert explain.endswith("holdfast doctor --explain S1a")


def test_a_project_without_findings_says_so_and_succeeds(healthy, command):
    ended = command()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("No findings in 2 files, ")


def test_programs_get_each_finding_with_all_its_fields(sick, found):
    (finding,) = found()["findings"]
    assert finding.keys() >= FIELDS
    told = {name: finding[name] for name in ("class", "code", "path", "line", "symbol")}
    assert told == {
        "class": "S1",
        "code": "S1a",
        "path": "shop/middleware.py",
        "line": 9,
        "symbol": "Timing.process_request",
    }
    assert (finding["attribute"], finding["severity"]) == ("self.started", "error")


def test_json_is_short_for_the_format_json(sick, doctor):
    first = json.loads(doctor("--json")[1])
    second = json.loads(doctor("--format", "json")[1])
    assert first["findings"] == second["findings"] != []


def test_nothing_is_imported_or_run(project, codes):
    marks = project.root / "was-run"
    for name in ("manage.py", "shop/__init__.py", "shop/settings.py", "sitecustomize.py"):
        project.put(name, f"open({str(marks)!r}, 'w')")
    assert codes() == []
    assert not marks.exists()


def test_it_is_a_command_of_manage_py_too(sick):
    program = textwrap.dedent("""
        import sys
        from django.conf import settings
        settings.configure(SECRET_KEY="x", INSTALLED_APPS=["holdfast.django"])
        from django.core.management import execute_from_command_line
        execute_from_command_line(["manage.py", "holdfast", "doctor", *sys.argv[1:]])
    """)
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (1, "")
    assert [one["code"] for one in json.loads(ended.stdout)["findings"]] == ["S1a"]


def test_it_finds_what_the_analysis_finds(project, found):
    for place, (code, wrong) in enumerate(WRONG.items()):
        if code[0] != "D":  # the doctor's own comments are no matter of the analysis
            project.put(f"shop{place}/views{place}.py", wrong)
    expected = {(one.code, one.path, one.line) for one in analyse([project.root], project.root)}
    told = {(one["code"], one["path"], one["line"]) for one in found("--ignore", "D1")["findings"]}
    assert told == expected
    assert len(told) > 10


def test_several_processes_find_what_one_finds(project, command):
    for place in range(40):
        filler = f"# {'a long comment ' * 6}\n" * 60
        project.put(f"shop{place}/middleware.py", f"{filler}\n{WRONG['S4a']}")
        project.put(f"shop{place}/other.py", f"{filler}\n{WRONG['S1a']}")
    one = json.loads(command("--json", "--no-cache", "--jobs", "1").stdout)
    four = json.loads(command("--json", "--no-cache", "--jobs", "4").stdout)
    assert one["findings"] == four["findings"]
    assert len(one["findings"]) >= 40


def test_paths_are_told_from_the_working_directory_on_or_whole(sick, found, monkeypatch, tmp_path):
    assert [one["path"] for one in found(sick.root)["findings"]] == ["shop/middleware.py"]
    monkeypatch.chdir(tmp_path)
    assert [one["path"] for one in found("project")["findings"]] == ["project/shop/middleware.py"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    told = found(sick.root / "shop")["findings"]
    assert [one["path"] for one in told] == [str(sick.root / "shop/middleware.py")]


BASE = """
    from django.utils.deprecation import MiddlewareMixin

    class Base(MiddlewareMixin):
        pass
"""
CHILD = """
    from shop.base import Base

    class Child(Base):
        def process_request(self, request):
            self.user = request.user
"""


def test_of_a_project_with_a_manage_py_one_file_is_examined_as_all_of_them_are(project, found):
    project.write({"manage.py": "", "shop/__init__.py": "", "shop/base.py": BASE})
    project.write({"shop/middleware.py": CHILD, "shop/other.py": CHILD.replace("Child", "Other")})
    everything = found()["findings"]
    alone = found("shop/middleware.py")["findings"]
    assert alone == [one for one in everything if one["path"] == "shop/middleware.py"]
    assert found("shop/base.py")["findings"] == [
        one for one in everything if one["path"] == "shop/base.py"
    ]
    assert "S1a" in [one["code"] for one in alone]


def test_two_files_of_one_name_do_not_hide_each_other(project, found):
    for folder in ("shop", "legacy", "other"):
        project.write(
            {f"{folder}/middleware.py": WRONG["S1a"].replace("class ", f"class {folder.title()}")}
        )
    assert [one["path"] for one in found()["findings"]] == [
        "legacy/middleware.py",
        "other/middleware.py",
        "shop/middleware.py",
    ]


def test_tests_are_not_judged(project, codes):
    project.put("shop/tests/test_middleware.py", WRONG["S1a"])
    assert codes() == []


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ((), 1),
        (("--fail-on", "error"), 1),
        (("--fail-on", "never"), 0),
        (("--select", "S4"), 0),
        (("--select", "S4,S1a"), 1),
        (("--select", "S4", "--select", "S1"), 1),
        (("--ignore", "S1"), 0),
        (("--ignore", "S1a"), 0),
        (("--ignore", "S1b"), 1),
        (("--severity", "error"), 1),
        (("--confidence", "high"), 1),
        (("--exclude", "shop"), 0),
        (("--exclude", "**/middleware.py"), 0),
        (("--exclude", "other"), 1),
    ],
)
def test_the_exit_status_tells_whether_there_is_something_to_tell_of(sick, doctor, words, status):
    assert doctor(*words)[0] == status


def test_a_warning_does_not_fail_where_errors_are_asked_for(project, doctor):
    project.put("middleware.py", WRONG["S4a"])
    assert doctor()[0] == 1
    status, output, _ = doctor("--fail-on", "error")
    assert (status, "1 finding (1 warning)" in output) == (0, True)
    status, output, _ = doctor("--severity", "error")
    assert (status, "Left out: 1 not asked for." in output) == (0, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--select", "S44"), "--select: the doctor knows no 'S44'. Did you mean 'S4'?"),
        (("--ignore", "nonsense"), "--ignore: the doctor knows no 'nonsense'. Known: S1, "),
        (("--explain", "S1q"), "The doctor knows no 'S1q'. Did you mean 'S1"),
        (("--format", "xml"), "argument --format: invalid choice: 'xml'"),
        (("--jobs", "0"), "argument --jobs: '0' is no number of processes"),
        (("--nonsense",), "unrecognized arguments: --nonsense"),
        (("nowhere",), "nowhere doesn't exist."),
        (("--output", "no/where"), "no/where can't be written: No such file or directory."),
    ],
)
def test_wrong_use_is_said_in_one_line_and_has_a_status_of_its_own(healthy, doctor, words, says):
    status, output, errors = doctor(*words)
    assert (status, output) == (2, "")
    assert says in errors.splitlines()[0]


@pytest.mark.parametrize("rule", every_rule(), ids=lambda rule: rule.code)
def test_each_code_is_explained_with_an_example_of_wrong_and_right(doctor, rule):
    status, output, _ = doctor("--explain", rule.code)
    assert status == 0
    assert output.startswith(f"{rule.code}: {rule.title}\n")
    assert textwrap.indent(rule.wrong.strip(), "    ") in output
    assert textwrap.indent(rule.right.strip(), "    ") in output


def test_a_class_is_explained_by_all_of_its_codes(doctor):
    _, output, _ = doctor("--explain", "S4")
    assert output.startswith("S4: Middleware that forces a thread under ASGI\n")
    assert all(f"\n{code}: " in output for code in ("S4a", "S4b", "S4c"))


def test_the_report_goes_to_a_file_and_the_summary_to_the_terminal(sick, doctor):
    status, output, _ = doctor("--format", "json", "--output", "found.json")
    assert status == 1
    assert output.splitlines()[-2].startswith("1 finding (1 error)")
    assert json.loads(Path("found.json").read_text())["findings"][0]["code"] == "S1a"


def test_a_reader_who_has_seen_enough_is_no_error(sick):
    for place in range(200):
        sick.put(f"shop{place}/middleware.py", (sick.root / "shop/middleware.py").read_bytes())
    program = f"{sys.executable} -m holdfast doctor --no-cache | head -1"
    ended = subprocess.run(program, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="it needs to see which processes there are")
def test_ctrl_c_ends_all_processes(project):
    proc = Path("/proc")
    for place in range(300):
        project.put(f"shop{place}/views.py", "def f(x):\n    return [x, {1: 2}]\n\n" * 3000)
    program = [sys.executable, "-m", "holdfast", "doctor", "--no-cache", "--jobs", "3"]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def working():
        """Those that have been given something to do: then all have been started."""
        started = (proc / f"{process.pid}/task/{process.pid}/children").read_text().split()
        return [pid for pid in started if int((proc / pid / "stat").read_text().split()[13]) > 5]

    while len(started := working()) < 3:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, b"")
    assert not [pid for pid in started if (proc / pid).exists()]


def test_a_process_that_dies_takes_only_its_own_files_along(project):
    """Memory may run out, or Python itself may crash on a file."""
    for place in range(60):
        project.put(f"shop{place}/views.py", f"# {'a long comment ' * 6}\n" * 120)
    project.put("shop0/middleware.py", WRONG["S1a"])
    project.put("deadly.py", "x = 1\n")
    program = textwrap.dedent("""
        import os, signal, sys
        from pathlib import Path
        from holdfast.doctor import examination, reader

        index = reader.Reader.index

        def deadly(self, listed):
            if listed.name == "deadly.py":
                os.kill(os.getpid(), signal.SIGKILL)
            return index(self, listed)

        reader.Reader.index = deadly
        found = examination.examine([Path()], Path(), jobs=3)
        assert "deadly.py" in [one.path for one in found.problems]
        assert all("ended with the status -9" in one.message for one in found.problems)
        assert len(found.files) == 62 > 40 > len(found.problems)
    """)
    if sys.platform != "linux":
        pytest.skip("what a test replaces reaches only processes that are forked")
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=100
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_progress_is_shown_at_a_terminal_and_gone_at_the_end(sick, monkeypatch):
    import io

    from holdfast.command._doctor import progress

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "_PATIENCE_SECONDS", 0)
    monkeypatch.setattr(progress, "_EVERY_SECONDS", 0)
    with progress.Progress() as told:
        told("reading", 5, 1234)
        told("understanding", 0, 0)
    first, second, last, end = terminal.getvalue().removeprefix("\r").split("\r")
    assert first == "reading: 5 of 1,234 files"
    assert second == "understanding ...".ljust(len(first))
    assert (last.strip(), end) == ("", "")


def test_a_terminal_gets_colours_and_broken_lines(sick):
    pytest.importorskip("rich")
    import pty

    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "holdfast", "doctor"],
        stdout=follower,
        stderr=follower,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "80"},
    ) as process:
        os.close(follower)
        output = b""
        while True:
            try:
                part = os.read(leader, 10_000)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            output += part
    os.close(leader)
    assert process.returncode == 1
    assert b"\x1b[" in output
    assert b"S1a" in output
