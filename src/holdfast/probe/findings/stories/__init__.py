"""One kind of trouble a file: how it shows, what would prove it, and how it is told.

Each has `suspects(evidence)`, which says whom the evidence speaks against, if anybody.
"""
