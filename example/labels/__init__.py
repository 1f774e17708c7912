"""Labels: one a URL. They arrive in uploads of many thousand lines."""
