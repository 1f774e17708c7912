"""Runs the user's server command, drives users at it, and says how concurrent it really was.

`aboard/` runs in the server's processes, on the standard library alone, and writes `events`. The
rest runs in a process of its own: `users/` ask, a `run` holds what was seen, `findings/` say what
made users wait, and prove it by running again without it; `report/` shows it.
"""
