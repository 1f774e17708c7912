"""Everything that knows Django: app, checks, middleware."""
