"""`{% load reader %}`: template tags that find the request by themselves."""

from django import template

import holdfast

register = template.Library()


@register.simple_tag
def reader_name() -> str:
    """Who is reading this page; empty for strangers."""
    if holdfast.current(None) is None:
        return ""
    return holdfast.request.user.get_username()


@register.simple_tag
def here() -> str:
    """The path of this page."""
    return holdfast.request.path if holdfast.current(None) is not None else ""
