"""`{% load reader %}` on top of the request stack."""

from django import template

from before.request_stack import current_request

register = template.Library()


@register.simple_tag
def reader_name() -> str:
    request = current_request()
    return request.user.get_username() if request else ""


@register.simple_tag
def here() -> str:
    request = current_request()
    return request.path if request else ""
