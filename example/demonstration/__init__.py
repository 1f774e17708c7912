"""The parts of demo.py.

- show.py: what the demo does, in order, and what it says meanwhile
- cases/: one case a file, its users and what they count
- servers.py: the command line of each server
- stores.py: where shared state can be kept, and the servers for it
- serving.py: the example in one variant, with its database
- running.py: starts a server, and stops it whatever happens
- site.py: what a case is given: addresses, visitors, randomness
- visitor.py: a browser, as far as we need one
- tally.py: the counts
- table.py: prints them
"""
