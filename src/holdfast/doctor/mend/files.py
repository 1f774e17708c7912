"""Writing a file so that it is the old one or the new one, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from .outcome import MendedFile


class NotWrittenError(Exception):
    """A file could not be written, and is as it was. The message says why."""


def write(file: MendedFile) -> None:
    """Put the new bytes in place of the old ones; a link stays a link, and permissions stay.

    Raises:
        NotWrittenError: it can't be written, or was changed since it was read.
    """
    path = Path(os.path.realpath(file.path))
    try:
        if path.read_bytes() != file.before:
            raise NotWrittenError(f"{file.shown} was changed meanwhile, so it is left as it is")
        mode = path.stat().st_mode
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as new:
                new.write(file.after)
                new.flush()
                os.fsync(new.fileno())
            os.chmod(beside, mode & 0o7777)  # noqa: PTH101 - beside is a text
            os.replace(beside, path)  # noqa: PTH105
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(beside)  # noqa: PTH108
            raise
    except OSError as error:
        why = error.strerror or str(error)
        raise NotWrittenError(f"{file.shown} can't be written: {why}") from error
