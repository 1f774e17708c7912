"""Run Django's own tests, by its own runner, with our ASGI handler in the place of Django's.

    python -m tests.django.run_djangos_own TESTS LABEL...

TESTS is the folder of Django's tests, and the LABELs are those of its `runtests.py`.
"""

import runpy
import sys
from pathlib import Path


def main() -> None:
    tests, *labels = sys.argv[1:]
    substitute()
    sys.path.insert(0, tests)
    sys.argv = ["runtests.py", "--parallel=1", "--verbosity=1", *labels]
    runpy.run_path(str(Path(tests) / "runtests.py"), run_name="__main__")


def substitute() -> None:
    """Have ours wherever somebody imports Django's from now on."""
    import django.core.asgi
    import django.core.handlers.asgi

    from holdfast.django.asgi import ASGIHandler

    assert "django.contrib.staticfiles.handlers" not in sys.modules, "it subclasses the handler"
    django.core.handlers.asgi.ASGIHandler = ASGIHandler
    django.core.asgi.ASGIHandler = ASGIHandler


if __name__ == "__main__":
    main()
