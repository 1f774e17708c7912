from django.urls import path

from articles import api

urlpatterns = [
    path("articles/", api.ArticleList.as_view(), name="api-articles"),
    path("articles/<int:pk>/", api.ArticleDetail.as_view(), name="api-article"),
    path("articles/<int:pk>/comments/", api.CommentList.as_view(), name="api-comments"),
    path("comments/<int:pk>/", api.CommentDetail.as_view(), name="api-comment"),
]
