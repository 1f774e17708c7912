"""Cached results that stay true: on a store, with leases, tags and an in-process tier."""
