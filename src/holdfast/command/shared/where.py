"""Tell where each store is. Asks no server, and makes no file."""

from __future__ import annotations

import argparse

from ... import configuration, named_stores
from .._output import Output
from .._status import DONE


def run(options: argparse.Namespace, output: Output) -> int:
    """Tell."""
    names = {"default": None, **configuration.setting("STORES", {})}
    rows = []
    for name in names:
        store = named_stores.store(name)
        seen_by = "all workers of this machine" if store.local else "all machines that reach it"
        rows.append({"store": name, "url": store.url, "seen by": seen_by})
    output.rows(rows, "")
    return DONE
