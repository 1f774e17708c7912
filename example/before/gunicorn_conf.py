"""Gunicorn's configuration, as many projects have it: log lines say a little about the request.

The filters are named by their modules. Gunicorn imports those in its master, long before a gevent
worker patches `threading`: a `threading.local()` made there is the native one, and all greenlets
of the worker share it.
"""

logconfig_dict = {
    "filters": {
        "labels": {"()": "before.label_cache.LabelsRemembered"},
        "user": {"()": "before.user_log.UserId"},
    },
    "formatters": {
        "plain": {"format": "%(asctime)s [%(process)d] %(message)s"},
        "access": {
            "format": "%(asctime)s [%(process)d] %(message)s user=%(user_id)s %(labels)d labels"
        },
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "plain"},
        "access": {
            "class": "logging.StreamHandler",
            "formatter": "access",
            "filters": ["labels", "user"],
        },
    },
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": ["console"], "propagate": False},
        "gunicorn.access": {"level": "INFO", "handlers": ["access"], "propagate": False},
    },
    "root": {"level": "WARNING", "handlers": ["console"]},
}
