"""What the probe asks of the processes while they run: lines `1 routes`, `2 kept` in a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import native, writing

#: The file's name, in the run's folder.
FILE = "orders"

_acts: dict[str, list[Callable[[], object]]] = {}
_after: list[Callable[[], object]] = []
_lock = native.allocate_lock()
_path: Path | None = None
_done = 0
_size = -1


def begin(folder: Path) -> None:
    """Look for orders in *folder*."""
    global _path
    _path = folder / FILE


def on(word: str, act: Callable[[], object]) -> None:
    """Call *act* when *word* is ordered."""
    _acts.setdefault(word, []).append(act)


def after(act: Callable[[], object]) -> None:
    """Call *act* after each order, whatever it was: the probe waits for what it writes."""
    _after.append(act)


def look() -> None:
    """Do what was ordered since the last look. Who looks at the same time goes on at once."""
    if _path is None or not _lock.acquire(False):
        return
    try:
        _look(_path)
    except FileNotFoundError:
        pass  # nothing was ordered yet
    except Exception as error:  # noqa: BLE001 - an observer may fail, the server may not
        writing.trouble("an order was not carried out", error)
    finally:
        _lock.release()


def forget() -> None:
    """In a process that was forked while somebody looked: the lock is free here."""
    global _lock
    _lock = native.allocate_lock()


def _look(path: Path) -> None:
    global _done, _size
    size = path.stat().st_size
    if size == _size:
        return
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    _size = len(whole.encode())
    for line in whole.splitlines():
        number, _, word = line.partition(" ")
        if int(number) <= _done:
            continue
        _done = int(number)
        for act in (*_acts.get(word, ()), *_after):
            try:
                act()
            except Exception as error:  # noqa: BLE001 - the others are still to be called
                writing.trouble(f"the order {word!r} failed", error)
    writing.flush()


def given(folder: Path, number: int, word: str) -> None:
    """Give the order *word*; for the probe, not for the server's processes."""
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(f"{number} {word}\n")
