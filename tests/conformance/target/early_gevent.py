"""Gunicorn settings that import the subject before the gevent worker patches.

A settings module, a logging filter or a hook does it by accident in real projects.
"""

import target.gates
import target.subject  # noqa: F401
