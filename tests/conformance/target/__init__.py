"""The Django project that the conformance matrix runs on every server."""
