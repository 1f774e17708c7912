"""What depends on the state of a process (patched, forked, configured) runs in a new one."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path


def output_of(
    code: str,
    *arguments: str,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """What *code* prints in a new interpreter, stripped. It must end well and print no error;
    warnings are errors.

    Args:
        code: the program; it may be indented as a whole.
        arguments: its `sys.argv[1:]`.
        cwd: the directory to run in.
        environment: variables beside those of this process.
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return done.stdout.strip()
