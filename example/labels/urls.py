from django.urls import path

from labels import views

urlpatterns = [
    path("", views.label_list, name="label-list"),
    path("import/", views.import_labels, name="label-import"),
    path("import/async/", views.aimport_labels, name="label-import-async"),
]
