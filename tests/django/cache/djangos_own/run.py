"""Run Django's own tests, as they are, on one of our backends; prints the result as JSON.

    python -m tests.django.cache.djangos_own.run TESTS BACKEND LOCATION {all,calls}

TESTS is the folder of Django's tests, BACKEND what `CACHES` shall name. With "calls", only the
tests of a cache's calls are run; with "all", also those of what Django builds on caches: sessions,
middleware, template fragments, templates' responses, their helpers.
"""

import argparse
import importlib
import json
import sys
import unittest
import warnings
from pathlib import Path
from typing import Any

arguments = argparse.Namespace()

#: Classes of Django's tests that use whatever cache there is. Where their settings name Django's
#: local-memory cache, ours takes its place.
ON_CACHES = {
    "cache.tests": [
        "CacheClosingTests",
        "CacheHEADTest",
        "CacheHandlerTest",
        "CacheI18nTest",
        "CacheMiddlewareTest",
        "CacheUtils",
        "CustomCacheKeyValidationTests",
        "DefaultNonExpiringCacheKeyTests",
        "PrefixedCacheI18nTest",
        "PrefixedCacheUtils",
        "TestWithTemplateResponse",
    ],
    "sessions_tests.tests": [
        "CacheDBSessionTests",
        "CacheDBSessionWithTimeZoneTests",
        "CacheSessionTests",
    ],
    "template_tests.syntax_tests.test_cache": ["CacheTagTests", "CacheTests"],
    "async.tests": ["CacheTest"],
}

#: Tests that can't apply, and why. (Of Django's other classes, those of the dummy, the database,
#: the file, the Memcached and the Redis backend test what only these have; what all backends share,
#: they inherit from the class that is run here.)
CANNOT_APPLY = {
    "test_caches_with_unset_timeout_set_expiring_key": "reads a private attribute of LocMemCache",
    "test_caches_set_with_timeout_as_none_set_non_expiring_key": (
        "reads a private attribute of LocMemCache"
    ),
}
_LAZY_QUERYSETS = (
    "test_cache_read_for_model_instance_with_deferred",
    "test_cache_write_for_model_instance_with_deferred",
)
#: The same for those of our classes that pass calls on to others.
CANNOT_BE_PASSED_ON = {
    "Threads": dict.fromkeys(
        _LAZY_QUERYSETS, "pickling makes a query, and the test's transaction is another thread's"
    ),
    "EventLoops": {
        **dict.fromkeys(
            _LAZY_QUERYSETS, "Django makes the query in a thread, which is not the transaction's"
        ),
        **dict.fromkeys(
            (
                "test_get_or_set_async_uses_specialized_implementation",
                "test_has_key_async_uses_specialized_implementation",
                "test_incr_version_async_uses_specialized_implementation",
            ),
            "asks which methods the class has of its own, and passing on adds some",
        ),
    },
}

#: Tests of single backends that apply to ours as well.
BORROWED = {
    "BaseMemcachedTests": [
        "test_default_far_future_timeout",
        "test_default_never_expiring_timeout",
        "test_memcached_deletes_key_on_failed_set",
    ],
    "LocMemCacheTests": ["test_multiple_caches"],
}


def set_up(tests: str, backend: str, location: str, scope: str) -> None:
    """Django's settings, as its own tests have them, but for the cache."""
    arguments.__dict__.update(tests=tests, backend=backend, location=location, scope=scope)
    sys.path.insert(0, tests)

    import django
    from django.conf import settings

    settings.configure(
        CACHES={"default": {"BACKEND": backend, "LOCATION": location}},
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3"}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sites",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.admin.apps.SimpleAdminConfig",
            "django.contrib.staticfiles",
            "async",
            "cache",
            "sessions_tests",
        ],
        LANGUAGE_CODE="en",
        MIGRATION_MODULES={"auth": None, "contenttypes": None, "sessions": None},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ROOT_URLCONF="urls",
        SECRET_KEY="django_tests_secret_key",
        SITE_ID=1,
        STATIC_URL="static/",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [str(Path(tests) / "templates")],
                "APP_DIRS": True,
            }
        ],
        USE_TZ=False,
    )
    django.setup()


def substitute() -> None:
    """Have our backend wherever a test's settings name Django's local-memory cache."""
    from cache.closeable_cache import CloseHookMixin
    from cache.liberal_backend import LiberalKeyValidationMixin
    from django.core.cache import CacheHandler
    from django.utils.module_loading import import_string

    ours: Any = import_string(arguments.backend)
    instead = {
        "django.core.cache.backends.locmem.LocMemCache": ours,
        "cache.closeable_cache.CacheClass": type("Closeable", (CloseHookMixin, ours), {}),
        "cache.liberal_backend.CacheClass": type("Liberal", (LiberalKeyValidationMixin, ours), {}),
    }
    original = CacheHandler.create_connection

    def create_connection(self: Any, alias: str) -> Any:
        entry = dict(self.settings[alias])
        made = instead.get(entry.pop("BACKEND"))
        if made is None:
            return original(self, alias)
        return made(_location(entry.pop("LOCATION", "")), entry)

    CacheHandler.create_connection = create_connection


def _location(name: str) -> str:
    """A place of its own for each name that the tests give to a memory."""
    ours = arguments.location
    if not name:
        return ours
    if ours.startswith("/"):
        return f"{ours}/{name}"
    address, _, query = ours.partition("?")
    if address.startswith("lmdb:"):
        return f"{address}/{name}"
    return f"{address}?{query}{name}:"  # the query ends with the prefix of keys


def suite() -> unittest.TestSuite:
    import cache.tests as theirs
    from django.test import TestCase, override_settings

    base = {"BACKEND": arguments.backend, "LOCATION": arguments.location}
    # As for Django's own backend: Memcached counts no entries, so there are no limits to them.
    on_memcached = arguments.location.startswith("memcached:")
    exclude = theirs.memcached_excluded_caches if on_memcached else set()
    borrowed = {
        name: vars(getattr(theirs, cls))[name] for cls, names in BORROWED.items() for name in names
    }
    own = type(
        "CallsOfTheCache",
        (theirs.BaseCacheTests, TestCase),
        # A module of theirs, because they ask for the names of test classes in settings.
        {"__module__": __name__, "base_params": base, **borrowed},
    )
    classes = [
        override_settings(CACHES=theirs.caches_setting_for_tests(base=base, exclude=exclude))(own)
    ]
    if arguments.scope == "all":
        for module, names in ON_CACHES.items():
            classes += [getattr(importlib.import_module(module), name) for name in names]
    cannot_apply = dict(CANNOT_APPLY)
    for way, reasons in CANNOT_BE_PASSED_ON.items():
        if arguments.backend.endswith(way):
            cannot_apply |= reasons
    loader = unittest.TestLoader()
    chosen = unittest.TestSuite()
    for cls in classes:
        for test in loader.loadTestsFromTestCase(cls):
            if test._testMethodName not in cannot_apply:
                chosen.addTest(test)
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("tests", "backend", "location", "scope"):
        parser.add_argument(name)
    given = vars(parser.parse_args())
    # As Django's own runner has it.
    warnings.simplefilter("error", ResourceWarning)
    warnings.simplefilter("error", RuntimeWarning)
    # The module that others import, not the one that was started.
    from tests.django.cache.djangos_own import run

    run.set_up(**given)
    run.run()


def run() -> None:
    from django.test.runner import DiscoverRunner

    substitute()
    runner = DiscoverRunner(verbosity=1, interactive=False)
    runner.setup_test_environment()
    databases = runner.setup_databases()
    result = runner.run_suite(suite())
    runner.teardown_databases(databases)
    runner.teardown_test_environment()
    report = {
        "run": result.testsRun,
        "failed": [f"{test}\n{why}" for test, why in [*result.failures, *result.errors]],
        "skipped": [f"{test}: {why}" for test, why in result.skipped],
    }
    sys.stderr.flush()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
