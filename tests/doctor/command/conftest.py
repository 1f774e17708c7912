"""Projects for the doctor to examine, and the command, in this process and as one of its own."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

from holdfast import cli


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    """No test sees what another, or the developer, has examined."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Writes files into a folder, which is the working directory."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)

    class Project:
        root = folder

        def write(self, texts):
            """Python files by their names, without indentation."""
            for name, text in texts.items():
                self.put(name, textwrap.dedent(text))

        def put(self, path, content):
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            data = content if isinstance(content, bytes) else content.encode()
            file.write_bytes(data)
            return file

    return Project()


@pytest.fixture
def doctor(project, capsys):
    """Runs `holdfast doctor …` in this process, gives status, output and errors."""

    def run(*words):
        status = cli.main(["doctor", *map(str, words)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def found(doctor):
    """Runs it with --json, and gives what it wrote."""

    def run(*words):
        status, output, errors = doctor("--json", *words)
        assert status in {0, 1}, errors
        return json.loads(output)

    return run


@pytest.fixture
def codes(found):
    """Runs it, and gives code and line of each finding."""

    def run(*words):
        return [(one["code"], one["line"]) for one in found(*words)["findings"]]

    return run


@pytest.fixture
def command(project):
    """Runs `python -m holdfast doctor …` as a process of its own."""

    def run(*words, **options):
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "holdfast", "doctor", *map(str, words)],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            env=os.environ | {"PYTHONUTF8": "1"},
            **options,
        )

    return run


MIDDLEWARE = """
    import time


    class Timing:
        async_capable = True

        def process_request(self, request):
            self.started = time.monotonic()

        def process_response(self, request, response):
            response["X-Seconds"] = str(time.monotonic() - self.started)
            return response
"""
CLEAN = """
    import time


    class Timing:
        async_capable = True

        def process_request(self, request):
            request.started = time.monotonic()
"""


@pytest.fixture
def sick(project):
    """A project with one finding: S1a, in line 9 of shop/middleware.py."""
    project.write({"shop/__init__.py": "", "shop/middleware.py": MIDDLEWARE})
    return project


@pytest.fixture
def healthy(project):
    """A project with none."""
    project.write({"shop/__init__.py": "", "shop/middleware.py": CLEAN})
    return project
