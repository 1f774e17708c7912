"""Reads an upload: one label URL a line, in batches, never the whole file at once."""

import itertools
from collections.abc import Iterable, Iterator

BATCH_SIZE = 10


def batches(upload: Iterable[bytes], size: int = BATCH_SIZE) -> Iterator[list[str]]:
    """Split *upload* into lists of up to *size* URLs. Empty lines are skipped."""
    urls = (line.decode().strip() for line in upload)
    wanted = (url for url in urls if url)
    while batch := list(itertools.islice(wanted, size)):
        yield batch
