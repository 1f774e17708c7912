"""When a stamp is taken in a transaction; see safeguards.py."""

at_begin = True
