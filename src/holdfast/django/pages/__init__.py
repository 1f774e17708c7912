"""Pages that a save makes untrue: `cached_view`, and what its keys and rules are made of.

A run of a view is watched: which parts of the request it reads (`watching`, `observation`, and what
is handed out in their place: `request_class`, `mappings`, `query`, `sessions`, `ambient`), and, by
the recording, which rows. The parts make the key (`parts`, `canonical`, `known`), with the view and
what it has been told before (`identity`, `described`); the rows make the tags. A fragment's key has
those of its context's `variables` and of the URL (`match`), too.
`view` is the decorator, `visit` one request, `storing` the rules, `page` what is stored.
"""
