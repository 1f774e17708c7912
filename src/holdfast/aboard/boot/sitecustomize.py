"""Run by Python at its start, as the folder of this file stands first on `PYTHONPATH`."""

import importlib
import importlib.machinery
import importlib.util
import json
import os
import sys


def _come_aboard() -> None:
    try:
        observers = json.loads(os.environ.get("HOLDFAST_ABOARD", "{}"))
        for name, settings in observers.items():
            importlib.import_module(name).start(settings)
    except Exception as error:  # noqa: BLE001 - whatever it is, the user's server has to come up
        sys.stderr.write(f"holdfast: can't come aboard this process: {error!r}\n")


def _run_the_users_own() -> None:
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - at each start
    elsewhere = [entry for entry in sys.path if os.path.abspath(entry) != here]  # noqa: PTH100
    sys.path[:] = elsewhere
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


_come_aboard()
_run_the_users_own()
