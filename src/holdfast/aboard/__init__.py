"""How observers come aboard a server that the user starts as ever.

The folder `boot` is put first on `PYTHONPATH`, which all processes of the server inherit: forked,
reloaded, or started anew. Python runs the `sitecustomize` in there before anything of the user's;
it calls the observers, and then runs the user's own `sitecustomize`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

#: The observers, as a JSON object: a module with a `start(settings)`, and what it is given.
VARIABLE = "HOLDFAST_ABOARD"
BOOT = Path(__file__).parent / "boot"


def environment(
    observers: Mapping[str, Mapping[str, object]], inherited: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment for the server's command.

    Args:
        observers: modules with a function `start`, and what it is given; plain data.
        inherited: default: that of this process.
    """
    found = dict(os.environ if inherited is None else inherited)
    # Where this very Holdfast is, should the server's interpreter not have it installed.
    home = str(Path(__file__).parents[2])
    before = [entry for entry in found.get("PYTHONPATH", "").split(os.pathsep) if entry]
    after = [] if home in before else [home]
    found["PYTHONPATH"] = os.pathsep.join([str(BOOT), *before, *after])
    found[VARIABLE] = json.dumps(observers)
    return found
