"""Django's management commands, a module each."""
