from django.urls import path

from articles import views

urlpatterns = [
    path("", views.article_list, name="article-list"),
    path("<int:pk>/", views.article, name="article"),
    path("<int:pk>/comment/", views.comment, name="comment"),
    path("<int:pk>/comments.txt", views.export, name="comments-export"),
    path("<int:pk>/async/comments.txt", views.aexport, name="comments-export-async"),
]
