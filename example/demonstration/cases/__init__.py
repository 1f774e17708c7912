"""The cases that the demo shows, in this order: add yours here. A case is a file with these names.

TITLE: what it is called in the table.
KINDS: what can go wrong, a line of the table each.
UNEXPECTED: those of KINDS that are left out of the table unless they were seen.
MEANING: what its users do, in a few words.
drive(site): sends users to the site, and returns a Tally of KINDS.
"""

from types import ModuleType

from demonstration.cases import (
    api_log,
    global_request,
    lost_cache,
    stale_page,
    two_views,
    who_am_i_serving,
)

#: Of request state: on any of the servers.
CASES: tuple[ModuleType, ...] = (lost_cache, who_am_i_serving, global_request)
#: Of state that all workers share: on several workers, and on each kind of store.
SHARED_CASES: tuple[ModuleType, ...] = (two_views, stale_page)
#: Of async stacks: on one event loop.
ASYNC_CASES: tuple[ModuleType, ...] = (api_log,)
