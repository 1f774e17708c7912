"""Run Django's own tests, by its own runner, with our ASGI handler in the place of Django's.

    python -m tests.django.run_djangos_own TESTS LABEL...

TESTS is the folder of Django's tests, and the LABELs are those of its `runtests.py`. Prints, as
JSON, how many tests were run, and how many requests our handler served.
"""

import json
import runpy
import sys
from pathlib import Path
from typing import Any

counts = {"run": 0, "requests by our handler": 0}


def main() -> None:
    tests, *labels = sys.argv[1:]
    substitute()
    sys.path.insert(0, tests)
    sys.argv = ["runtests.py", "--parallel=1", "--verbosity=1", *labels]
    try:
        runpy.run_path(str(Path(tests) / "runtests.py"), run_name="__main__")
    finally:
        print(json.dumps(counts))


def substitute() -> None:
    """Have ours wherever somebody imports Django's from now on."""
    import django.core.asgi
    import django.core.handlers.asgi
    from django.test.runner import DiscoverRunner

    from holdfast.django.asgi import ASGIHandler as Ours

    class ASGIHandler(Ours):
        async def handle(self, *args: Any, **kwargs: Any) -> None:
            counts["requests by our handler"] += 1
            await super().handle(*args, **kwargs)

    result_of = DiscoverRunner.suite_result

    def suite_result(self: DiscoverRunner, suite: Any, result: Any, **kwargs: Any) -> Any:
        counts["run"] = result.testsRun
        return result_of(self, suite, result, **kwargs)

    DiscoverRunner.suite_result = suite_result

    assert "django.contrib.staticfiles.handlers" not in sys.modules, "it subclasses the handler"
    django.core.handlers.asgi.ASGIHandler = ASGIHandler
    django.core.asgi.ASGIHandler = ASGIHandler


if __name__ == "__main__":
    main()
