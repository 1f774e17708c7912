"""Template tags: `{% load holdfast %}`."""
