from django.contrib import admin

from labels.models import Label


@admin.register(Label)
class LabelAdmin(admin.ModelAdmin):
    search_fields = ("url",)
