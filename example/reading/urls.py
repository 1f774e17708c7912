from django.urls import path

from reading import desk, views

urlpatterns = [
    path("", views.listing, name="reading-list"),
    path("<int:pk>/", views.article, name="reading-article"),
    path("<int:pk>/edit/", desk.edit, name="reading-edit"),
    path("<int:pk>/comment/", desk.comment, name="reading-comment"),
]
