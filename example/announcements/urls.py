from django.urls import path

from announcements import views

urlpatterns = [
    path("view1/", views.view1, name="announcement-put-up"),
    path("view2/", views.view2, name="announcement"),
]
