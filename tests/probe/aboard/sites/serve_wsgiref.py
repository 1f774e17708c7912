"""`python -m serve_wsgiref PORT module:name`: the standard library's server."""

import sys
from pkgutil import resolve_name
from wsgiref.simple_server import make_server

make_server("127.0.0.1", int(sys.argv[1]), resolve_name(sys.argv[2])).serve_forever()
