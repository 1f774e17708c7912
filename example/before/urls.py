"""The same addresses as `newsroom.urls`; the usual views stand in front of those they replace."""

from django.urls import path

from before import announcements, comments, label_import, reading, request_stack
from newsroom.urls import handler500, urlpatterns

__all__ = ["handler500", "urlpatterns"]

urlpatterns = [
    path("health/", request_stack.health),
    path("announcements/view1/", announcements.view1),
    path("announcements/view2/", announcements.view2),
    path("labels/import/", label_import.import_labels),
    path("labels/import/async/", label_import.aimport_labels),
    path("articles/<int:pk>/comment/", comments.comment),
    path("articles/<int:pk>/comments.txt", comments.export),
    path("articles/<int:pk>/async/comments.txt", comments.aexport),
    path("reading/", reading.listing),
    path("reading/<int:pk>/", reading.article),
    *urlpatterns,
]
