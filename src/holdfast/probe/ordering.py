"""Gives orders to the observers, and waits until they are carried out."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from .aboard.orders import given
from .serving import Serving

#: An order is looked for each 0.1 s, and looking through all objects takes seconds where there are
#: many; a process that stands still never obeys.
_WITHIN = 10.0
#: Where no observer has seen a request, none will obey.
_WITHIN_NOBODY = 0.5
_ANSWERED = b'"is": "Count"'
_SERVES = b'"is": "Served"'


class Orders:
    """Orders to the observers of a run.

    Args:
        folder: of the run.
        server: whose processes are waited for.
    """

    def __init__(self, folder: Path, server: Serving) -> None:
        self._folder = folder
        self._server = server
        self._number = 0
        self._files: dict[int, _Tally] = {}

    async def give(self, word: str, *, everybody: bool = False) -> bool:
        """Give an order. Waits up to ten seconds for those who serve requests to obey.

        Args:
            word: as the observers know it.
            everybody: not only who has served a request; one answer is enough then.
        """
        before = {pid: tally.answers for pid, tally in self._read().items()}
        self._number += 1
        given(self._folder, self._number, word)
        serves = everybody or any(tally.serves for tally in self._files.values())
        until = time.monotonic() + (_WITHIN if serves else _WITHIN_NOBODY)
        while time.monotonic() < until and not self._server.has_ended():
            await asyncio.sleep(0.05)
            now = self._read()
            alive = {process.pid for process in self._server.processes()}
            asked = [pid for pid in now if pid in alive and (everybody or now[pid].serves)]
            heard = [pid for pid in asked if now[pid].answers > before.get(pid, 0)]
            if heard and (everybody or len(heard) == len(asked)):
                return True
        return False

    def _read(self) -> dict[int, _Tally]:
        for file in self._folder.glob("*.jsonl"):
            self._files.setdefault(int(file.stem), _Tally(file)).read()
        return self._files


class _Tally:
    """What a process's file has, as far as it matters here; read on from where it was read to."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read = 0
        self.answers = 0
        self.serves = False

    def read(self) -> None:
        with self._file.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        self.answers += whole.count(_ANSWERED)
        self.serves = self.serves or _SERVES in whole
