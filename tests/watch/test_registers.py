"""Connections that are kept so that others write to them; and what holds a container."""

import pytest

from holdfast.watch import Kind
from tests.watch.project import within

CHAT = """
    import holdfast
    class Client:
        def __init__(self, socket, name):
            self.socket, self.name = socket, name
    class ConnectionManager:
        def __init__(self):
            self.active_connections = []
            self.by_name = {}
        def connect(self, socket):
            self.active_connections.append(socket)
        def broadcast(self):
            return [connection for connection in self.active_connections]
        def enter(self, socket, name):
            self.by_name[name] = Client(socket, name)
        def send(self, name):
            return self.by_name[name].socket
        def claim(self, socket):
            self.socket = socket
        def answer(self):
            return self.socket
    manager = ConnectionManager()
"""


@pytest.fixture
def socket():
    websockets = pytest.importorskip("starlette.websockets")

    async def nothing(*_):
        raise NotImplementedError

    def made(path="/"):
        scope = {"type": "websocket", "headers": [], "path": path}
        return websockets.WebSocket(scope, nothing, nothing)

    return made


def test_a_list_of_websockets_is_listed_by_the_attribute_that_holds_it(project, requests, socket):
    manager = project.load(CHAT).manager
    a, b, _ = requests
    within(a, manager.connect, socket())
    within(b, manager.connect, socket())
    within(a, manager.broadcast)
    found = project.only()
    assert found.kind is Kind.SHARED
    assert found.place == f"{project.module.__name__}.ConnectionManager.active_connections[...]"


def test_a_websocket_among_others_of_its_client_is_no_leak(project, requests, socket):
    manager = project.load(CHAT).manager
    a, b, _ = requests
    within(a, manager.enter, socket(), "a")
    within(b, manager.send, "a")
    assert set(project.kinds()) == {Kind.SHARED}


def test_a_websocket_in_the_place_of_ones_own_is_lost(project, requests, socket):
    manager = project.load(CHAT).manager
    a, b, _ = requests
    within(a, manager.claim, socket("/a/"))
    within(b, manager.claim, socket("/b/"))
    within(a, manager.answer)
    assert project.only().kind is Kind.LOST


def test_a_list_of_requests_still_leaks(project, requests):
    manager = project.load(CHAT).manager
    a, b, _ = requests
    within(a, manager.connect, a.state)
    within(b, manager.broadcast)
    assert project.only().kind is Kind.LEAK


@pytest.mark.parametrize(
    "declaration",
    [
        "holdfast.worker_state(ConnectionManager, 'active_connections')",
        "holdfast.worker_state(manager)",
    ],
)
def test_a_container_is_declared_by_the_attribute_that_holds_it(project, requests, declaration):
    manager = project.load(f"{CHAT}\n    {declaration}\n").manager
    a, b, _ = requests
    within(a, manager.connect, "a")
    within(b, manager.broadcast)
    assert project.kinds() == []


def test_a_container_is_declared_by_the_global_that_holds_it(project, requests):
    module = project.load("""
        import holdfast
        rates = {}
        holdfast.worker_state(__name__, "rates")
        def write(): rates["x"] = 1
        def read(): return rates["x"]
    """)
    a, b, _ = requests
    within(a, module.write)
    within(b, module.read)
    assert project.kinds() == []
