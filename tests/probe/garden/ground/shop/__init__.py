"""A shop, written as many are. Most of its pages make their users wait for each other."""
