"""A small Django project on disk, for what is decided when a process starts."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

FIRST = '"holdfast.django.middleware.RequestScope"'
COMMON = '"django.middleware.common.CommonMiddleware"'


@dataclass
class Project:
    """Written to *folder* when its first command runs.

    Attributes:
        middleware: what stands in MIDDLEWARE.
        settings: further lines of settings.py.
        wrapped: the file whose application is wrapped, such as "wsgi"; none by default.
        views: further lines of urls.py, before `urlpatterns`.
        urls: what stands in urlpatterns.
        first_line: the first line of manage.py, where some patch.
    """

    folder: Path
    middleware: list[str] = field(default_factory=lambda: [FIRST, COMMON])
    settings: str = ""
    wrapped: str = ""
    views: str = ""
    urls: str = ""
    first_line: str = ""

    def write(self) -> None:
        package = self.folder / "shop"
        package.mkdir(exist_ok=True)
        (package / "__init__.py").touch()
        (package / "settings.py").write_text(
            "SECRET_KEY = 'of no worth'\n"
            "ALLOWED_HOSTS = ['testserver']\n"
            "INSTALLED_APPS = ['holdfast.django', 'rest_framework']\n"
            f"MIDDLEWARE = [{', '.join(self.middleware)}]\n"
            "ROOT_URLCONF = 'shop.urls'\n"
            "WSGI_APPLICATION = 'shop.wsgi.application'\n" + self.settings
        )
        (package / "urls.py").write_text(
            f"from django.urls import include, path\n{self.views}\nurlpatterns = [{self.urls}]\n"
        )
        for kind in ("wsgi", "asgi"):
            wrap = f"application = holdfast.{kind}.RequestScope(application)\n"
            (package / f"{kind}.py").write_text(
                "import holdfast\n"
                f"from django.core.{kind} import get_{kind}_application\n"
                f"application = get_{kind}_application()\n" + (wrap if self.wrapped == kind else "")
            )
        (self.folder / "manage.py").write_text(
            f"{self.first_line}\n"
            "import sys\n"
            "from django.core.management import execute_from_command_line\n"
            "execute_from_command_line(sys.argv)\n"
        )

    def check(self) -> tuple[int, str]:
        """What `manage.py check` returns and says."""
        self.write()
        done = subprocess.run(
            [sys.executable, "-W", "error", "manage.py", "check"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=self.folder,
            env=self.environment,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "DJANGO_SETTINGS_MODULE": "shop.settings"}
