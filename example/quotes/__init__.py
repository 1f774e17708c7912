"""An API of async views: a quote, from a partner who takes a second to answer."""
