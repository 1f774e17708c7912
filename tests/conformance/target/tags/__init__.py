"""A template tag, for the place in the middle of a template's rendering."""
