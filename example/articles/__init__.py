"""Articles and what readers say about them: pages, an API, and code that is far from any view."""
