"""Models with every kind of relation."""
