"""Shows what becomes of request state on a real server: as usually written, and with Holdfast.

    python demo.py --server gunicorn-gevent

Starts the server on a free port of this machine, sends overlapping users to it, and counts what was
lost, mixed up or crashed. Nothing in the table is known beforehand. `make demo` runs this.
"""

import sys

from demonstration.show import main

if __name__ == "__main__":
    sys.exit(main())
