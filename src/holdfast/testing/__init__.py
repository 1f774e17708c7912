"""For the tests of projects: scopes, interleaved requests, the watch, real servers.

The pytest plugin `holdfast.testing.plugin` is loaded by pytest itself where Holdfast is installed.
"""
