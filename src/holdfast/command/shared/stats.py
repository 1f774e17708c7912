"""Show figures of a store: records, bytes, evictions, whatever it counts."""

from __future__ import annotations

import argparse

from ... import named_stores
from .._output import Output, shown
from .._places import is_made
from .._status import DONE


def run(options: argparse.Namespace, output: Output) -> int:
    """Show."""
    store = named_stores.store(options.store)
    counted = store.stats() if is_made(options.store) else {}
    figures = {"store": options.store, "url": store.url, **counted}
    width = max(map(len, figures))
    lines = [f"{name.ljust(width)}  {shown(figure)}" for name, figure in figures.items()]
    output.record(figures, "\n".join(lines))
    return DONE
