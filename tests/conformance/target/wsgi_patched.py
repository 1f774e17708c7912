"""The target for a server that runs greenlets without patching (uWSGI): patch first."""

from gevent import monkey

monkey.patch_all()

from target.wsgi import application  # noqa: E402, F401
