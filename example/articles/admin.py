from django.contrib import admin

from articles.models import Article, AuditEntry, Comment

admin.site.register([Article, Comment, AuditEntry])
