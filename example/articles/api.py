"""The API: articles to read, comments to read and write."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import generics, serializers

from articles.models import Article, AuditEntry, Comment, Notice


class ArticleSerializer(serializers.ModelSerializer):
    class Meta:
        model = Article
        fields = ("id", "title", "body", "published")


class AuditSerializer(serializers.ModelSerializer):
    class Meta:
        model = AuditEntry
        fields = ("who", "path")


class NoticeSerializer(serializers.ModelSerializer):
    class Meta:
        model = Notice
        fields = ("link", "text")


class CommentSerializer(serializers.ModelSerializer):
    author = serializers.CharField(source="author.username", read_only=True)
    link = serializers.CharField(source="share_link", read_only=True)

    class Meta:
        model = Comment
        fields = ("id", "author", "text", "written", "link")


class CommentTraceSerializer(CommentSerializer):
    """A comment with the traces it left: what a receiver and a thread knew of its request."""

    audit = AuditSerializer(many=True, read_only=True)
    notices = NoticeSerializer(many=True, read_only=True)

    class Meta(CommentSerializer.Meta):
        fields = (*CommentSerializer.Meta.fields, "audit", "notices")


class ArticleList(generics.ListAPIView):
    queryset = Article.objects.all()
    serializer_class = ArticleSerializer


class ArticleDetail(generics.RetrieveAPIView):
    queryset = Article.objects.all()
    serializer_class = ArticleSerializer


class CommentList(generics.ListCreateAPIView):
    """The comments of one article; POST adds one, in the name of whoever is signed in."""

    serializer_class = CommentSerializer

    def get_queryset(self) -> QuerySet[Comment]:
        found = get_object_or_404(Article, pk=self.kwargs["pk"])
        return found.comments.select_related("author", "article")

    def perform_create(self, serializer: Any) -> None:
        found = get_object_or_404(Article, pk=self.kwargs["pk"])
        serializer.save(article=found, author=self.request.user)


class CommentDetail(generics.RetrieveAPIView):
    queryset = Comment.objects.select_related("author", "article")
    serializer_class = CommentTraceSerializer
