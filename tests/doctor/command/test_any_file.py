"""Whatever lies in a project, the doctor goes on, and says what it could not read."""

import os
import sys
from pathlib import Path

import pytest

from holdfast.doctor import sources
from holdfast.doctor.rules import all_rules

PYTHON_2 = """
class TimingMiddleware:
    def process_request(self, request):
        print "started", request
        try:
            exec "x = 1" in {}
        except ValueError, error:
            raise TypeError, "no"
        if 1 <> 2:
            self.started = 0777L
            self.user = request.user
"""


@pytest.fixture
def problems(sick, found):
    """Runs it on a project with one finding, which has to be told, and gives the problems."""

    def run(*words):
        told = found(*words)
        assert "shop/middleware.py" in [one["path"] for one in told["findings"]]
        return {one["path"]: one["message"] for one in told["problems"]}

    return run


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"x = (", "it can't be parsed: '(' was never closed (line 1)"),
        (b"def f(:\n", "it can't be parsed: "),
        (b"\x00\x01\x02", "it can't be parsed: "),
        (b"\x7fELF\xff\xfe\x00", "its encoding can't be made out: "),
        ("x = 'ä'".encode("latin-1"), "its encoding can't be made out: "),
        ("x = 1".encode("utf-16"), "its encoding can't be made out: "),
        (b"# coding: nonsense\nx = 1\n", "its encoding can't be made out: "),
        (b"# coding: hex\n78203d\n", "its encoding can't be made out: "),
        (b"x = " + b"(" * 5_000, "it can't be parsed: "),
        (b"x = " + b"-" * 200_000 + b"1", "it can't be parsed: "),
        (b"\n" * 300_000 + b"print 1\n(", "it can't be parsed: "),
        (b"print " + b" " * 900_000 + b"\n(", "it can't be parsed: "),
        (b"x" * 2_000_001, "it is larger than 2,000,000 bytes"),
    ],
    ids=lambda value: repr(value[:20]) if isinstance(value, bytes) else None,
)
def test_what_can_not_be_parsed_is_said_in_a_line(sick, problems, content, why):
    sick.put("odd.py", content)
    told = problems()
    assert list(told) == ["odd.py"]
    assert told["odd.py"].startswith(why)
    assert "\n" not in told["odd.py"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xef\xbb\xbfx = 1\n",
        b"# coding: latin-1\nx = '\xe4'\n",
        b"x = 1\r\ny = 2\ry = 3\n\x0c\n",
        b"x = " + b"+".join([b"1"] * 900) + b"\n",
        b"x = [" + b"1, " * 200_000 + b"]\n",
        b"if a:\n    pass\n" + b"elif b:\n    pass\n" * 300,
        b"async def f(): return [x async for x in y]\nmatch a:\n    case [b]: pass\n",
        b"def f[T](x): pass\n" if sys.version_info >= (3, 12) else b"x: int = 1\n",
    ],
    ids=lambda value: repr(value[:20]),
)
def test_what_is_unusual_is_read_as_all_else_is(sick, problems, content):
    sick.put("odd.py", content)
    assert problems() == {}


def test_hundreds_of_branches_are_read(sick, problems):
    branches = "".join(f"    elif n == {n}:\n        print({n})\n" for n in range(700))
    sick.put("long.py", f"def view(request, n):\n    if not n:\n        pass\n{branches}")
    assert problems() == {}


def test_deep_code_is_read_or_said_to_be_unreadable(sick, problems):
    deep = "".join(f"{' ' * level}if a{level}:\n" for level in range(95)) + " " * 95 + "pass\n"
    sick.put("deep.py", deep)
    sick.put("chain.py", "x = a" + ".b()" * 1500 + "\n")
    assert problems().keys() <= {"deep.py", "chain.py"}


def test_what_only_python_2_takes_is_read(sick, found):
    sick.put("old.py", PYTHON_2)
    told = found("--select", "S1")
    assert told["problems"] == []
    assert ("old.py", 11) in [(one["path"], one["line"]) for one in told["findings"]]


def test_links_that_lead_nowhere_or_in_circles(sick, problems):
    (sick.root / "nowhere.py").symlink_to("gone.py")
    (sick.root / "circle.py").symlink_to("circle.py")
    (sick.root / "around").symlink_to(sick.root, target_is_directory=True)
    told = problems()
    assert told.keys() == {"nowhere.py", "circle.py"}
    assert all(message.startswith("it can't be read: ") for message in told.values())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_keeps_nobody_waiting(sick, problems):
    os.mkfifo(sick.root / "pipe.py")
    assert problems() == {"pipe.py": "it is not a regular file"}


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="this user may read everything"
)
def test_what_may_not_be_read(sick, problems):
    sick.put("secret.py", "x = 1").chmod(0)
    folder = sick.put("hidden/inner.py", "x = 1").parent
    folder.chmod(0)
    try:
        told = problems()
    finally:
        folder.chmod(0o700)
    assert told == {
        "secret.py": "it can't be read: Permission denied",
        "hidden": "it can't be listed: Permission denied",
    }


def test_a_folder_that_can_not_be_listed_is_said(sick, problems, monkeypatch):
    walk = os.walk

    def fails(folder, onerror):
        onerror(PermissionError(13, "Permission denied", f"{folder}/hidden"))
        return walk(folder)

    monkeypatch.setattr(sources.os, "walk", fails)
    assert problems() == {"hidden": "it can't be listed: Permission denied"}


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text here")
def test_names_that_are_no_text(sick, doctor):
    path = os.fsencode(sick.root) + b"/\xff\n\x1b[31m.py"
    Path(os.fsdecode(path)).write_bytes((sick.root / "shop/middleware.py").read_bytes())
    for words in ((), ("--format", "github"), ("--format", "sarif"), ("--json",)):
        status, output, errors = doctor(*words)
        assert (status, errors) == (1, "")
        assert "\x1b" not in output
        output.encode()
    assert doctor("--write-baseline")[0] == 0
    assert doctor("--baseline", "holdfast-baseline.json")[0] == 0


def test_the_first_problems_are_named_and_the_others_counted(sick, doctor):
    for place in range(8):
        sick.put(f"broken{place}.py", "(")
    output = doctor()[1]
    assert output.count("not examined  broken") == 5
    assert "not examined  3 more files: --format json names them" in output


def test_a_rule_that_fails_is_said_and_the_others_go_on(sick, problems, monkeypatch):
    def broken(file):
        raise RecursionError("deep")

    first, *others = all_rules()
    failing = type(first)(first.code, "", "", "", "", broken)
    monkeypatch.setattr("holdfast.doctor.reader.all_rules", lambda: (failing, *others))
    told = problems("--no-cache")
    assert told["shop/middleware.py"] == (
        f"the rule {first.code} failed here, please report it: RecursionError: deep"
    )


def test_folders_of_others_are_left_out(sick, found):
    content = (sick.root / "shop/middleware.py").read_bytes()
    sick.put("own-env/pyvenv.cfg", "")
    for folder in ("own-env/lib", "node_modules/x", ".hidden", "venv", "build", "__pycache__"):
        sick.put(f"{folder}/middleware.py", content)
    assert [one["path"] for one in found()["findings"]] == ["shop/middleware.py"]
