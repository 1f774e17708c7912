"""What grows in the garden: a set-up of the shop under a server, and who is to blame in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

GROUND = Path(__file__).parent / "ground"


@dataclass(frozen=True)
class Blame:
    """Whom the probe has to name, first of all that it has proved.

    Attributes:
        kinds: the finding's kinds that say it rightly.
        names: parts of the culprit's name, one of which it has; none: any name will do.
        lines: of the shop, as `locks.py: _printer = `; a finding that names one of these places is
            right, too.
    """

    kinds: tuple[str, ...]
    names: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()

    def places(self) -> set[str]:
        """The lines as `shop/locks.py:17`."""
        return {place for line in self.lines for place in _places(line)}


@dataclass(frozen=True)
class Plot:
    """One set-up. `{port}` and `{bin}` in `command` are filled in when it is started."""

    name: str
    title: str
    server: str
    command: tuple[str, ...]
    path: str
    blame: Blame | None = None  # None: it is healthy
    users: int = 10
    needs: tuple[str, ...] = ()  # tools that Python's packages don't bring
    packages: tuple[str, ...] = ()  # that this environment may not have
    middleware: str = ""
    options: tuple[str, ...] = ()  # further ones for the probe
    environment: Mapping[str, str] = field(default_factory=dict)

    def missing(self) -> str:
        """The packages that are not here, as a reason to leave it out; empty: none."""
        missing = [name for name in self.packages if find_spec(name) is None]
        return f"{', '.join(missing)} not installed" if missing else ""


def _places(line: str) -> list[str]:
    name, _, text = line.partition(": ")
    lines = (GROUND / "shop" / name).read_text(encoding="utf-8").splitlines()
    found = [f"shop/{name}:{number}" for number, each in enumerate(lines, 1) if text in each]
    if not found:
        raise LookupError(f"{name} has no line {text!r}")
    return found


# The servers, as users type them.


def gunicorn(*arguments: str, app: str = "shop.wsgi") -> tuple[str, ...]:
    return ("{bin}/gunicorn", app, "--bind", "127.0.0.1:{port}", "--no-control-socket", *arguments)


def uvicorn(*arguments: str, app: str = "shop.asgi:application") -> tuple[str, ...]:
    return ("{bin}/uvicorn", app, "--port", "{port}", *arguments)


def hypercorn(*arguments: str, app: str = "shop.asgi:application") -> tuple[str, ...]:
    return ("{bin}/hypercorn", app, "--bind", "127.0.0.1:{port}", *arguments)


def daphne(*arguments: str, app: str = "shop.asgi:application") -> tuple[str, ...]:
    return ("{bin}/daphne", "-p", "{port}", *arguments, app)


def granian(interface: str, *arguments: str, app: str = "") -> tuple[str, ...]:
    target = app or ("shop.wsgi" if interface == "wsgi" else "shop.asgi") + ":application"
    return ("{bin}/granian", "--interface", interface, "--port", "{port}", *arguments, target)


def waitress(*arguments: str, app: str = "shop.wsgi:application") -> tuple[str, ...]:
    return ("{bin}/waitress-serve", "--listen=127.0.0.1:{port}", *arguments, app)


def uwsgi(*arguments: str, app: str = "shop.wsgi") -> tuple[str, ...]:
    return (
        *("{bin}/uwsgi", "--http-socket", "127.0.0.1:{port}", "--module", app),
        *("--die-on-term", "--need-app", *arguments),
    )


def runserver(*arguments: str) -> tuple[str, ...]:
    return ("{bin}/python", "manage.py", "runserver", "127.0.0.1:{port}", *arguments)


def eventlet() -> tuple[str, ...]:
    return ("{bin}/python", "serve_eventlet.py", "{port}")
