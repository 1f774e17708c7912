"""What only the loaded project shows: `holdfast doctor --settings mysite.settings`.

    __main__    the child process: loads the project as Django does, looks, and writes what it saw
    seen        what it writes
    places      where settings and classes stand in the source
    chain       middleware as Django resolves it, and what it costs under ASGI
    caches      CACHES as the backends take it, and who uses which
    databases   DATABASES: connections that are kept, and pools
    versions    installed packages with known faults
    own         Holdfast's own middleware and wrappers

The doctor itself imports nothing of this: it reads what the child wrote.
"""
