import older_django
from easyaudit.middleware import easyaudit

# What easyaudit's receivers read is the class itself; the adapted one is a subclass of it.
EasyAuditMiddleware = older_django.adapted(easyaudit.EasyAuditMiddleware)
