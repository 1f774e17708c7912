"""One announcement that every reader sees, whichever worker serves them."""
