"""The project for a server that runs greenlets without patching (uWSGI): patch first."""

from gevent import monkey

monkey.patch_all()

from logged.wsgi import application  # noqa: E402, F401
