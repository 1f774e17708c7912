"""The request log: what is noted of a request, what may be stored of it, and who writes it.

`holdfast.wsgi.RequestLog`, `holdfast.asgi.RequestLog` and `holdfast.django.middleware.RequestLog`
note; here stand what other log lines, jobs and services need of it. The standard library is enough;
Prometheus, OpenTelemetry and structlog are imported where a setting names them.
"""

from .client import client_address
from .filters import RateLimit, RequestFields
from .jobs import incoming, outgoing
from .status import flush, request_id, stats

__all__ = [
    "RateLimit",
    "RequestFields",
    "client_address",
    "flush",
    "incoming",
    "outgoing",
    "request_id",
    "stats",
]
