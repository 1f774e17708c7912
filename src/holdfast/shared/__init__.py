"""State that all workers see: a dict, a counter, a lock, a stream of changes."""
