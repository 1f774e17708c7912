"""A real browser without a window, driven over a pipe."""

import json
import os
import selectors
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PATIENCE_SECONDS = 60


@contextmanager
def browser(folder: Path) -> Iterator["Browser"]:
    """One that keeps all that it writes in *folder*."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program
    read_commands, write_commands = os.pipe()
    read_answers, write_answers = os.pipe()
    command = (
        f'exec "$0" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run'
        f' --remote-debugging-pipe --user-data-dir="$1" about:blank'
        f" 3<&{read_commands} 4>&{write_answers}"
    )
    process = subprocess.Popen(
        ["/bin/bash", "-c", command, program, str(folder / "profile")],
        pass_fds=(read_commands, write_answers),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
    )
    os.close(read_commands)
    os.close(write_answers)
    found = Browser(write_commands, read_answers)
    try:
        yield found
    finally:
        process.kill()
        process.wait()
        os.close(write_commands)
        os.close(read_answers)


class Browser:
    """Speaks Chromium's DevTools protocol."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._number = 0
        self._rest = b""
        self._session = None
        self.events: list[dict] = []
        self._selector = selectors.DefaultSelector()
        self._selector.register(answers, selectors.EVENT_READ)

    def open(self, url: str) -> None:
        """Open a page, and wait until it is there."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for part in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{part}.enable")
        self.events.clear()
        self.ask("Page.navigate", url=url)
        self._wait_for("Page.loadEventFired")

    def run(self, script: str):
        """What an expression gives."""
        answer = self.ask(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """One key, down and up."""
        text = key if len(key) == 1 else ""
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, text=text)

    def media(self, **features: str) -> None:
        """Such as `prefers_color_scheme="dark"`."""
        listed = [
            {"name": name.replace("_", "-"), "value": value} for name, value in features.items()
        ]
        self.ask("Emulation.setEmulatedMedia", features=listed)

    def size(self, width: int, height: int) -> None:
        """Of the window, in pixels."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def ask(self, method: str, **params: object) -> dict:
        """One command, and its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session is not None and not method.startswith("Target."):
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _wait_for(self, method: str) -> None:
        while not any(one.get("method") == method for one in self.events):
            self.events.append(self._next())

    def _next(self) -> dict:
        until = time.monotonic() + _PATIENCE_SECONDS
        while b"\0" not in self._rest:
            left = until - time.monotonic()
            assert left > 0, "the browser doesn't answer"
            assert self._selector.select(left), "the browser doesn't answer"
            data = os.read(self._answers, 1 << 16)
            assert data, "the browser has ended"
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)
