"""The environment of the packages with bugs: one of its own, made once, pinned by hashes."""

import os
import subprocess
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PINS = ROOT / "constraints" / "found-bugs.txt"
FOLDER = ROOT / ".venv-found-bugs"


def python() -> Path:
    """Its interpreter; the environment is made, or brought up to the pins, if need be."""
    program = FOLDER / "bin" / "python"
    stamp = FOLDER / ".pins"
    if not stamp.exists() or stamp.read_bytes() != PINS.read_bytes():
        print(f"making {FOLDER} from {PINS.relative_to(ROOT)}", flush=True)
        venv.create(FOLDER, with_pip=True, clear=True)
        # What packages are built with comes first: nothing is fetched while they are built.
        _install(program, ROOT / "constraints" / "build.txt")
        _install(program, PINS)
        stamp.write_bytes(PINS.read_bytes())
    return program


def _install(program: Path, pins: Path) -> None:
    subprocess.run(
        [
            *(program, "-m", "pip", "--disable-pip-version-check", "-qq", "install"),
            *("--no-build-isolation", "--require-hashes", "--no-deps", "-r", pins),
        ],
        check=True,
    )


def variables(site: str, **more: str) -> dict[str, str]:
    """What a process of the environment is given."""
    python_path = os.pathsep.join([str(HERE), str(ROOT / "src")])
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": f"{site}.settings",
        "PYTHONPATH": python_path,
        "PYTHONDONTWRITEBYTECODE": "1",
        # The packages' own warnings, of what Django will do away with, are not ours.
        "PYTHONWARNINGS": "ignore",
        **more,
    }
