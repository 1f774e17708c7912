"""Gunicorn reads this by itself when it is started here: log lines name the user.

As in `before/gunicorn_conf.py`, the filter's module is imported before gevent patches anything.
Holdfast keeps nothing in a `threading.local()`, so it doesn't matter.
"""

logconfig_dict = {
    "filters": {"user": {"()": "plain.user_log.UserId"}},
    "formatters": {
        "plain": {"format": "%(asctime)s [%(process)d] %(message)s"},
        "access": {"format": "%(asctime)s [%(process)d] %(message)s user=%(user_id)s"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "plain"},
        "access": {"class": "logging.StreamHandler", "formatter": "access", "filters": ["user"]},
    },
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": ["console"], "propagate": False},
        "gunicorn.access": {"level": "INFO", "handlers": ["access"], "propagate": False},
    },
    "root": {"level": "WARNING", "handlers": ["console"]},
}
