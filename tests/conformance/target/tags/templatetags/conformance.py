"""{% marker %}: reads the state where no request was passed in."""

from django import template

from target import subject

register = template.Library()


@register.simple_tag
def marker() -> str:
    return subject.read() or ""
