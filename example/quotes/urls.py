"""Every address of the API."""

from django.urls import path

from quotes import views

urlpatterns = [
    path("quote/", views.quote),
    path("now/", views.now),
    path("threads/", views.threads),
    path("health/", views.now),
]
