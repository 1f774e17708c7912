"""Runs the garden: `python -m tests.probe.garden --help`."""

import sys

from tests.probe.garden.run import main

if __name__ == "__main__":
    sys.exit(main())
