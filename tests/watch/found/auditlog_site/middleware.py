import older_django
from audit_log import middleware

UserLoggingMiddleware = older_django.adapted(middleware.UserLoggingMiddleware)
