"""The bugs: which package, in which version, and where it keeps what belongs to a request."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    """One that is known.

    Attributes:
        package: on PyPI, with its version.
        name: of the module that is watched.
        site: the folder with a small site that uses it.
        place: one of the places that have to be told.
        harm: what it does to people.
        under_server: whether it shows under a server here.
    """

    package: str
    name: str
    site: str
    place: str
    harm: str
    under_server: bool = True


BUGS = (
    Bug(
        "django-haystack 3.1.1",
        "haystack",
        "haystack_site",
        "haystack.views.SearchView.query",
        "haystack.urls holds one SearchView for all; who searches gets another one's results",
    ),
    Bug(
        "django-audit-log 0.7.0",
        "audit_log",
        "auditlog_site",
        "django.db.models.signals.pre_save.receivers",
        "each request connects a receiver that all call; what one saves bears another's name",
    ),
    Bug(
        "django-querycount 0.8.3",
        "querycount",
        "querycount_site",
        "querycount.middleware.QueryCountMiddleware.query_string",
        "queries of one request are counted for another, under another's address",
    ),
    Bug(
        "django-cprofile-middleware 1.0.5",
        "django_cprofile_middleware",
        "cprofile_site",
        "django_cprofile_middleware.middleware.ProfilerMiddleware.profiler",
        "who profiles one view is shown another's profile",
    ),
    Bug(
        "django-easy-audit 0.6",
        "easyaudit",
        "easyaudit_site",
        "easyaudit.middleware.easyaudit.EasyAuditMiddleware.request",
        "what one user saves is recorded as another's",
    ),
    Bug(
        "cartridge 1.3.4",
        "cartridge",
        "cartridge_site",
        "cartridge.shop.admin.ProductAdmin._product_id",
        "variations and images of one product are saved to another",
        # SQLite has one writer at a time, from the saving of the product to the end of the view:
        # there, users of a real server can't meet in between. On other databases they do.
        under_server=False,
    ),
)
