"""The cases of mending: files of Python, and what they become, or why they stay as they are.

A case begins with `=== ` and its name; what it becomes follows after a line of `--- becomes`. In
the files of refusals the name is the reason, or a part of it.
"""

from dataclasses import dataclass
from pathlib import Path

from holdfast.doctor.examination import examine
from holdfast.doctor.findings import Finding
from holdfast.doctor.mend.mending import mended
from holdfast.doctor.mend.outcome import Outcome

CASES = Path(__file__).with_name("cases")
CLASSES = ("s1", "s3", "s4", "s6", "s7", "s10")
_BECOMES = "--- becomes\n"


@dataclass(frozen=True)
class Case:
    """One case."""

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        return self.name.replace(" ", "_")


def cases(name: str) -> list[Case]:
    """Those of one file."""
    text = CASES.joinpath(f"{name}.txt").read_text("utf-8")
    found = []
    for part in text.removeprefix("=== ").split("\n=== "):
        title, _, source = part.partition("\n")
        before, _, after = source.partition(_BECOMES)
        found.append(Case(title, f"{before.rstrip()}\n", f"{after.rstrip()}\n"))
    return found


def look(folder: Path, name: str = "shop/things.py") -> tuple[list[Finding], dict[str, Path]]:
    """What the doctor finds in one file of a project, and all its files."""
    examination = examine([folder], folder, jobs=1)
    files = {one: folder / one for one in examination.files}
    return [one for one in examination.findings if one.path == name], files


def fix(folder: Path, name: str = "shop/things.py") -> Outcome:
    """Mend one file of a project, as the command does."""
    return mended(*look(folder, name))


def project(folder: Path, source: str | bytes) -> Path:
    """A project with one package, and the source in it; gives the file."""
    package = folder / "shop"
    package.mkdir(parents=True)
    package.joinpath("__init__.py").touch()
    file = package / "things.py"
    file.write_bytes(source if isinstance(source, bytes) else source.encode())
    return file
