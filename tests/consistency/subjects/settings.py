"""What each subject adds to Django's settings; needed before anything of Django is imported."""

from typing import Any

#: Seconds that a commit takes at the most where no process is stopped.
COMMIT = 2.0
TTL = 20.0

APPS = {
    "ours": ["holdfast.django"],
    "ours_untiered": ["holdfast.django"],
    "ours_in_database": ["holdfast.django"],
    "views": ["holdfast.django"],
    "cachalot": ["cachalot"],
    "cacheops": ["cacheops"],
    "cacheops_insideout": ["cacheops"],
}


def settings(name: str, url: str, *, longest: float) -> dict[str, Any]:
    """Of the subject, with its store at *url*. No process is stopped for more than *longest* s."""
    # The marks outlive the commit: a writer may be stopped, and wait for another that is, too.
    commit_timeout = COMMIT + 2 * longest
    if "holdfast.django" in APPS.get(name, ()):
        cache: dict[str, Any] = {"COMMIT_TIMEOUT": commit_timeout}
        if name == "ours_in_database":
            cache["VERSIONS"] = "database"
        return {"HOLDFAST": {"STORES": {"cache": url}, "CACHE": cache}}
    if name.startswith("cacheops"):
        return {
            "CACHEOPS_REDIS": url,
            "CACHEOPS": {"library.*": {"ops": "all", "timeout": 3600}},
            "CACHEOPS_INSIDEOUT": name == "cacheops_insideout",
        }
    if name.startswith("cach"):
        cache = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url}
        return {"CACHES": {"default": cache}}
    return {"CONSISTENCY_STORE": url, "COMMIT_TIMEOUT": commit_timeout}
