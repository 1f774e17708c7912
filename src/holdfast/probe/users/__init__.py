"""Users that truly overlap, each with a session, connections and markers of its own.

They run in one event loop, in a process that has nothing to do with the server's.
"""
