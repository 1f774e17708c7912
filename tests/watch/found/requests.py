"""Two requests that meet on purpose: a test run of the site, with the pytest plugin."""

import json
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.watch.found.bugs import Bug
from tests.watch.found.environment import HERE, variables


@dataclass
class Found:
    """What came of it.

    Attributes:
        places: where state crossed.
        story: in words, with both requests and both stacks.
        raised: what a request failed of on the way.
        said: the output, if there is no story.
    """

    places: list[str] = field(default_factory=list)
    story: str = ""
    raised: str = ""
    said: str = ""


def by_requests(program: Path, bug: Bug) -> Found:
    """Run the site's requests in pairs."""
    with tempfile.TemporaryDirectory(prefix="holdfast-found-") as folder:
        report = Path(folder) / "report.json"
        run = subprocess.run(
            [
                *(program, "-m", "pytest", "-c", "/dev/null", "--rootdir", HERE, "--noconftest"),
                *("-p", "no:cacheprovider", "-p", "holdfast.testing.plugin", "-p", "found_plugin"),
                *("--holdfast-watch", "--holdfast-watch-package", bug.name, "-q", "meet.py"),
            ],
            cwd=HERE,
            env=variables(bug.site, FOUND_REPORT=str(report)),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if not report.exists():
            return Found(said=run.stdout + run.stderr)
        return Found(**json.loads(report.read_text()))
