"""The module that is run itself is watched, and finds the world as if it were not."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

PROGRAM = '''
"""What it is."""
from __future__ import annotations
import multiprocessing, sys, threading
from wsgiref.util import setup_testing_defaults
import sibling
from holdfast.scope.open_scope import open_scope


class Application:
    def __call__(self, environ, start_response):
        self.who = environ["QUERY_STRING"]
        together.wait(30)
        return [self.who.encode()]


def elsewhere(queue):
    queue.put((__name__, Application.__name__))


if __name__ == "__main__":
    spec = None if __spec__ is None else (__spec__.name, __spec__.origin)
    print(__name__, __doc__, __file__, __package__, spec, sys.argv, sys.path[0], sep="|")
    print(sys.modules["__main__"].Application is Application)
    print(sorted(name for name in vars() if name.startswith("__") and "holdfast" not in name))
    if __package__ != "programs" or spec[0] != "programs.__main__":
        # The child of that one doesn't find its functions, with or without the watch.
        context = multiprocessing.get_context("spawn")
        queue = context.Queue()
        child = context.Process(target=elsewhere, args=(queue,))
        child.start()
        print(queue.get(timeout=60))
        child.join()

    together = threading.Barrier(2)
    application = Application()

    def ask(who):
        with open_scope(name=f"GET /{who}"):
            application({"QUERY_STRING": who}, None)

    threads = [threading.Thread(target=ask, args=(who,)) for who in "ab"]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
'''

WAYS = {
    "a script": ("app.py", "--port", "8000"),
    "a script by its path": ("{folder}/app.py",),
    "a script elsewhere": ("programs/app.py",),
    "a module": ("-m", "app", "one", "two"),
    "a module of a package": ("-m", "programs.app"),
    "a package": ("-m", "programs"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "__init__.py").write_text("")
    for name in ("app.py", "programs/app.py", "programs/__main__.py"):
        (tmp_path / name).write_text(dedent(PROGRAM).lstrip())
    for name in ("sibling.py", "programs/sibling.py"):
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.mark.parametrize("way", WAYS)
def test_it_is_watched_and_finds_all_as_ever(folder, way):
    words = [sys.executable, *(word.format(folder=folder) for word in WAYS[way])]
    plain = run(folder, *words)
    watched = run(folder, sys.executable, "-m", "holdfast", "watch", "--", *words)
    assert plain.stdout
    assert watched.stdout.startswith(plain.stdout), watched.stderr
    assert "0 bugs found" not in watched.stdout
    assert "lost write:" in watched.stderr
    assert "Application.who" in watched.stderr


def test_an_error_in_it_is_shown(folder):
    (folder / "app.py").write_text("def broken(:\n")
    ended = run(folder, sys.executable, "-m", "holdfast", "watch", "--", sys.executable, "app.py")
    assert "SyntaxError" in ended.stderr
    assert "def broken(:" in ended.stderr


def test_a_program_of_others_is_left_alone(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "app.py"
    other.write_text((folder / "app.py").read_text())
    (other.parent / "sibling.py").write_text("")
    words = (sys.executable, "-m", "holdfast", "watch", "--", sys.executable, str(other))
    assert "0 bugs found" in run(folder, *words).stdout


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
