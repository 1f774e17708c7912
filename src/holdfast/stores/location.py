"""Where a store is: its URL, and the directory that an embedded one has by default."""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from .errors import StoreError

#: By the URL's scheme: the engine.
ENGINES = {
    "lmdb": "lmdb",
    "memcached": "memcached",
    "memory": "memory",
    "redis": "redis",
    "redis+cluster": "redis",
    "redis+sentinel": "redis",
    "rediss": "redis",
    "rediss+cluster": "redis",
    "rediss+sentinel": "redis",
    "unix": "redis",
    "valkey": "redis",
    "valkey+cluster": "redis",
    "valkey+sentinel": "redis",
    "valkeys": "redis",
}


@dataclass(frozen=True, slots=True)
class Location:
    """A URL, taken apart as far as all engines have in common.

    Attributes:
        url: as it was given.
        engine: "lmdb", "memcached", "memory" or "redis".
        hosts: what stands before the path.
        path: with its slash; empty if there is none.
        options: what stands after the question mark.
    """

    url: str
    engine: str
    hosts: str
    path: str
    options: dict[str, str]


def parse(url: str) -> Location:
    """Take a URL apart.

    Args:
        url: such as "lmdb:///var/lib/shop", "redis://localhost:6379/1" or "memcached://a,b".

    Raises:
        StoreError: it is none, or of no engine that there is.
    """
    scheme, colon, rest = url.partition("://")
    if not colon:
        raise StoreError(_hint(url))
    engine = ENGINES.get(scheme.lower())
    if engine is None:
        near = difflib.get_close_matches(scheme.lower(), ENGINES, n=1)
        meant = f'Did you mean "{near[0]}://"?' if near else f"There are: {_schemes()}."
        raise StoreError(f'No store is called "{scheme}://". {meant}')
    # urlsplit has its own ideas of some schemes.
    parts = urlsplit(f"x://{rest}")
    if engine == "lmdb" and parts.netloc:
        raise StoreError(
            f'"{_without_password(url)}" names a host, and an embedded store is a directory: write'
            f' "lmdb:///{rest}", with three slashes.'
        )
    return Location(url, engine, parts.netloc, unquote(parts.path), dict(parse_qsl(parts.query)))


def _hint(url: str) -> str:
    if url.startswith("/"):
        return f'"{url}" is a path, and a store is named by a URL: "lmdb://{url}".'
    scheme = url.partition(":")[0].lower()
    if scheme in ENGINES:
        return f'"{_without_password(url)}" lacks the slashes: "{scheme}://…".'
    return f'"{_without_password(url)}" is no URL of a store. There are: {_schemes()}.'


def _schemes() -> str:
    return ", ".join(f"{scheme}://" for scheme in ENGINES)


def _without_password(url: str) -> str:
    return re.sub(r":[^:@/]*@", ":***@", url)


def default_directory(project: str | Path | None = None) -> Path:
    """The private directory of a project's embedded store. It isn't made here.

    It is the same for all processes of one user that name the same project: below `HOLDFAST_DIR`,
    else below the user's state directory (`XDG_STATE_HOME`, else ~/.local/state), else, where the
    user has no home, below the system's directory for temporary files.

    Args:
        project: the project's base directory. None: the working directory.
    """
    base = Path(project or Path.cwd()).resolve()
    digest = hashlib.blake2b(os.fsencode(base), digest_size=5).hexdigest()
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", base.name).strip("-.")[:40] or "project"
    return _user_directory() / f"{readable}-{digest}"


def _user_directory() -> Path:
    given = os.environ.get("HOLDFAST_DIR")
    if given:
        return Path(given).absolute()
    state = os.environ.get("XDG_STATE_HOME")
    if state and Path(state).is_absolute():
        return Path(state) / "holdfast"
    try:
        home = Path.home()
    except RuntimeError:
        home = None
    # A service's user often has a home in name only, or one that isn't its own.
    if home is not None and home.is_dir() and home != Path("/") and os.access(home, os.W_OK):
        return home / ".local" / "state" / "holdfast"
    return Path(tempfile.gettempdir()) / f"holdfast-{os.geteuid()}"
