"""`{% load holdfast %}`: the tag `{% cached %}`."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token

from ..pages.fragments import fragment
from ..tracking.start import need_tracking

register = template.Library()


@register.tag("cached")
def cached(parser: Parser, token: Token) -> CachedNode:
    """Keep what stands between `{% cached %}` and `{% endcached %}` until a save makes it untrue.

        {% load holdfast %}
        {% cached 300 "sidebar" request.user.pk %} ... {% endcached %}

    The first argument is for how many seconds it is kept at most (None: as long as it is true), the
    second names it, and what follows says which variables it depends on. Rows of the database, and
    what is read of the request, need not be named.
    """
    need_tracking("{% cached %}")
    nodes = parser.parse(("endcached",))
    parser.delete_first_token()
    words = token.split_contents()
    if len(words) < 3:  # noqa: PLR2004 - the tag itself, and the two
        raise template.TemplateSyntaxError(
            '{% cached %} needs seconds and a name: {% cached 300 "sidebar" %}.'
        )
    # As with Django's own {% cache %}, a name need not be quoted.
    name = words[2].strip("\"'")
    arguments = [parser.compile_filter(word) for word in words[3:]]
    return CachedNode(parser.compile_filter(words[1]), name, arguments, nodes)


class CachedNode(template.Node):
    """See `cached`."""

    child_nodelists = ("nodes",)

    def __init__(
        self, ttl: FilterExpression, name: str, arguments: list[FilterExpression], nodes: NodeList
    ) -> None:
        self.ttl = ttl
        self.name = name
        self.arguments = arguments
        self.nodes = nodes

    def render(self, context: Any) -> Any:
        """What was kept, or what it is now."""
        ttl = self.ttl.resolve(context)
        if isinstance(ttl, str):
            try:
                ttl = float(ttl)
            except ValueError:
                pass  # said below
        if ttl is not None and (isinstance(ttl, bool) or not isinstance(ttl, int | float)):
            raise template.TemplateSyntaxError(
                f"{{% cached %}} takes a number of seconds, or None, not {ttl!r}."
            )
        values = [argument.resolve(context) for argument in self.arguments]
        return fragment(self.name, ttl, values, context, self.nodes)
