"""Two who look for something each."""

from visit import Visit


def visits():
    from haystack_site.models import Note

    for text in ("apples are ripe", "pears are not"):
        Note.objects.create(text=text)
    return [Visit("/search/?q=apples"), Visit("/search/?q=pears")]
