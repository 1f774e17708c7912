"""What the request log's settings name that isn't there. For checks, before the first request."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from ..log_settings import LogSettings
from ..spelling import ConfigurationError
from .dotted import found_at
from .sinks import sink_for

_PLACE = "HOLDFAST['LOG']"
_LIBRARIES = {"opentelemetry": "opentelemetry", "prometheus": "prometheus_client"}


def faults(settings: LogSettings) -> Iterator[str]:
    """One line for each. Imports what dotted paths name; opens and writes nothing."""
    if isinstance(settings.identify, str):
        try:
            found_at(settings.identify, f"{_PLACE}['IDENTIFY']")
        except ConfigurationError as error:
            yield str(error)
    try:
        sink_for(settings.output, settings.format)
    except ConfigurationError as error:
        yield str(error)
    except ImportError as error:
        yield f"{_PLACE}['OUTPUT'] can't be {settings.output!r}: {error}."
    for kind in settings.metrics:
        # Not by making the meter, which would register it.
        if find_spec(_LIBRARIES[kind]) is None:
            yield (
                f"{_PLACE}['METRICS'] names {kind!r}, which isn't installed:"
                f" pip install 'holdfast[{kind}]'"
            )


def missing_folder(settings: LogSettings) -> Path | None:
    """The folder of the file that events go to, if this machine hasn't got it."""
    output = settings.output
    if isinstance(output, str) and output.startswith("file:"):
        folder = Path(output.removeprefix("file:")).parent
        return None if folder.is_dir() else folder
    return None
