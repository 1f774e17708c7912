"""A small newsroom: articles with comments, and labels that arrive in very large uploads."""
