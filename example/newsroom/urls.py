"""Every page of the example."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from newsroom import views

urlpatterns = [
    path("", views.index, name="index"),
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", LogoutView.as_view(next_page="index"), name="sign-out"),
    path("health/", views.health, name="health"),
    path("time-out/", views.time_out, name="time-out"),
    path("announcements/", include("announcements.urls")),
    path("labels/", include("labels.urls")),
    path("articles/", include("articles.urls")),
    path("reading/", include("reading.urls")),
    path("api/", include("articles.api_urls")),
    path("admin/", admin.site.urls),
]

handler500 = "newsroom.views.server_error"
