"""How many threads and connections a process has."""

import json

from .programs import observed

PROGRAM = """
import json, socket
from holdfast.probe.aboard import counts

def now():
    return counts.connections(), counts.threads()

before = now()
"""


def grown(folder, code):
    _, printed = observed(folder, f"{PROGRAM}\n{code}\n", observe=False)
    return json.loads(printed)


def test_connections_to_others_count_and_those_of_clients_dont(tmp_path):
    code = """
server = socket.create_server(("127.0.0.1", 0))
elsewhere = socket.create_server(("127.0.0.1", 0))
# In a process of its own, as a database is.
import os
port = elsewhere.getsockname()[1]
out = []
child = os.fork()
if child == 0:
    server.close()
    kept = [elsewhere.accept() for _ in range(2)]
    time.sleep(30)
    os._exit(0)
elsewhere.close()
try:
    out = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
    client = socket.create_connection(server.getsockname())
    accepted, _ = server.accept()
    opened = now()
    client.close()
    for one in out:
        one.close()
    closed = now()
finally:
    os.kill(child, 9)
    os.waitpid(child, 0)
# The client is in this very process, and counts.
for one in (server, accepted):
    one.close()
print(json.dumps([opened[0] - before[0], closed[0] - before[0]]))
"""
    assert grown(tmp_path, code) == [3, 0]


def test_unix_sockets_count_too(tmp_path):
    code = """
import tempfile
path = tempfile.mkdtemp() + "/s"
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen()
client = socket.socket(socket.AF_UNIX)
client.connect(path)
accepted, _ = server.accept()
print(json.dumps(now()[0] - before[0]))
for one in (server, client, accepted):
    one.close()
"""
    assert grown(tmp_path, code) == 1


def test_threads_count(tmp_path):
    code = """
stop = threading.Event()
threads = [threading.Thread(target=stop.wait) for _ in range(3)]
for one in threads:
    one.start()
now_there = now()
stop.set()
for one in threads:
    one.join()
print(json.dumps([now_there[1] - before[1], now()[1] - before[1]]))
"""
    assert grown(tmp_path, code) == [3, 0]
