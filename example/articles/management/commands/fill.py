"""`manage.py fill`: a few articles to look at. Run it as often as you like."""

from typing import Any

from django.core.management.base import BaseCommand

from articles.models import Article

ARTICLES = {
    "The harbour wall will hold": "Engineers looked at it twice, and then once more.",
    "A library opens at night": "Three readers came on the first night, and thirty on the second.",
    "Who left the lights on?": "Nobody knows whose request it was. There are several suspects.",
}


class Command(BaseCommand):
    help = "Puts a few articles into the database, unless they are there already."

    def handle(self, *args: Any, **options: Any) -> None:
        for title, body in ARTICLES.items():
            Article.objects.get_or_create(title=title, defaults={"body": body})
        self.stdout.write(f"{Article.objects.count()} articles are there.")
