"""S8a: a cache of one process for what all must share."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..file import File
from ..findings import Finding
from ..project import Project
from ..settings_files import Settings, Value
from . import _settings as settings_of

CODE = "S8a"
TITLE = "A cache of one process for what all processes must share"
REASON = """`LocMemCache` is a dict in each worker, and `DummyCache` keeps nothing. Sessions kept
there are gone with the next request that another worker serves, a rate limit of 5 allows 5 for
each worker, a lock is held by one worker while the others don't know of it, and what one worker
deletes the others go on serving."""
WRONG = """
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
"""
RIGHT = """
CACHES = {"default": {"BACKEND": "holdfast.django.cache.EmbeddedCache"}}
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
"""
_SHARED_BY_NAME = re.compile(r"throttl|rate_?limit|limiter|lock|session|axes|brute", re.IGNORECASE)
_LAYER_OF_ONE_PROCESS = "channels.layers.InMemoryChannelLayer"
_MEND = (
    "Use a cache that all workers see: holdfast.django.cache.EmbeddedCache on one machine, or"
    " Redis or Memcached."
)


def check(file: File) -> Iterator[Finding]:
    """Who needs a cache that is shared, and which one it is given."""
    if not file.index.settings or _one_process(file.project):
        return
    seen: set[int] = set()
    for settings in settings_of.of_file(file):
        for alias, user, what in _users(file.project, settings):
            found = _judge(file, settings, alias, user, what)
            if found is not None and found.line not in seen:
                seen.add(found.line)
                yield found
        yield from _layers(file, settings, seen)


def _one_process(project: Project) -> bool:
    """Whether the project is a server itself, all of it in one process."""
    return any(
        full.startswith(("twisted.internet.reactor", "twisted.web.wsgi", "twisted.application"))
        for module in project.all
        for full in module.names.values()
    )


def _judge(
    file: File, settings: Settings, alias: str, user: Value | None, what: str
) -> Finding | None:
    caches = settings.get("CACHES")
    entry = settings.get("CACHES", alias)
    name = settings_of.backend(settings, alias)
    unset, sure = "", user is not None
    if user is not None and (default := settings_of.backend_by_default(settings, alias)):
        name, unset, sure = default, " where the environment names no other", False
    if caches is None and settings.complete and alias == "default" and user is not None:
        place, kept = user, "CACHES isn't set, which means a LocMemCache in each process"
    elif entry is not None and name in settings_of.PER_PROCESS:
        place, kept = entry, f"the cache {alias!r} is a LocMemCache, one in each process{unset}"
    elif entry is not None and name in settings_of.KEEPS_NOTHING:
        place, kept = entry, f"the cache {alias!r} is a DummyCache, which keeps nothing{unset}"
    else:
        return None
    if not settings_of.in_file(file, place):
        return None
    return file.finding(
        CODE,
        settings_of.at(place),
        f"{kept}, and {what}: workers don't see what the others have written.",
        _MEND,
        symbol="CACHES",
        attribute=f"CACHES[{alias!r}]",
        severity="error" if sure else "warning",
        confidence="high" if sure else "medium",
    )


def _users(project: Project, settings: Settings) -> Iterator[tuple[str, Value | None, str]]:
    """Caches that all workers must share: the alias, the setting that says so, and what for."""
    engine = settings.get("SESSION_ENGINE")
    if engine is not None and engine.text.endswith((".backends.cache", ".backends.cached_db")):
        yield _alias(settings, "SESSION_CACHE_ALIAS"), engine, "sessions are kept in it"
    rest = settings.get("REST_FRAMEWORK", "DEFAULT_THROTTLE_CLASSES")
    if rest is not None and rest.elements:
        yield "default", rest, "Django REST framework's throttles count in it"
    handler = settings.get("AXES_HANDLER")
    if handler is not None and handler.text.endswith("AxesCacheHandler"):
        yield _alias(settings, "AXES_CACHE"), handler, "failed logins are counted in it"
    limits = settings.get("RATELIMIT_USE_CACHE") or settings.get("RATELIMIT_ENABLE")
    if limits is not None and limits.kind != "false":
        yield _alias(settings, "RATELIMIT_USE_CACHE"), limits, "rate limits count in it"
    for alias in settings_of.aliases(settings):
        if _SHARED_BY_NAME.search(alias):
            yield alias, settings.get("CACHES", alias), f"{alias!r} says that it is to be shared"
    used = _used_by_code(project)
    if used:
        yield "default", None, used
    if settings_of.serves(settings):
        # A second cache of this kind, beside one that is shared, may well be meant so.
        yield "default", None, "these settings serve users"


def _alias(settings: Settings, name: str) -> str:
    value = settings.get(name)
    return value.text if value is not None and value.kind == "text" else "default"


_COUNTS = {
    "django.core.cache.cache.add": "the code takes cache.add for a lock",
    "django.core.cache.cache.incr": "the code counts with cache.incr",
    "django_ratelimit.decorators.ratelimit": "rate limits count in it",
    "ratelimit.decorators.ratelimit": "rate limits count in it",
}


def _used_by_code(project: Project) -> str:
    """What the project's own code keeps in the cache that all workers must see."""
    for function in project.functions():
        if function.module.is_test:
            continue
        for called in (*function.index.calls, *function.index.decorators):
            if called in _COUNTS:
                return f"{_COUNTS[called]} ({function.full_name})"
    for module in project.all:
        for name, class_ in module.classes.items():
            if any(base.startswith("rest_framework.throttling.") for base in class_.bases):
                if "cache" not in class_.attributes:
                    return f"the throttle {name} counts in it"
    return ""


def _layers(file: File, settings: Settings, seen: set[int]) -> Iterator[Finding]:
    layers = settings.get("CHANNEL_LAYERS")
    for alias, entry in (layers.items if layers is not None else {}).items():
        named = entry.items.get("BACKEND")
        if named is None or named.text != _LAYER_OF_ONE_PROCESS or entry.line in seen:
            continue
        if settings_of.in_file(file, entry):
            seen.add(entry.line)
            yield file.finding(
                CODE,
                settings_of.at(entry),
                f"the channel layer {alias!r} is in the memory of one process: a message sent in"
                " one worker reaches nobody who is connected to another.",
                "Use a layer that all workers see, such as channels_redis.",
                symbol="CHANNEL_LAYERS",
                attribute=f"CHANNEL_LAYERS[{alias!r}]",
                severity="error",
                confidence="high" if settings_of.serves(settings) else "medium",
            )
