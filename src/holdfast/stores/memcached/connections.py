"""Connections for threads and greenlets: plain sockets, which gevent's patching makes its own."""

from __future__ import annotations

import os
import socket
import threading
from collections import deque

from .address import Server
from .failures import all_busy, silent, unreachable
from .wire import Reply, read_header

#: Bytes of commands that are sent before their replies are read, so that neither side waits for
#: the other to read.
PORTION = 60_000


class Connection:
    """One connection to one server."""

    def __init__(self, server: Server, timeout: float) -> None:
        if server.path:
            self._socket = socket.socket(socket.AF_UNIX)
            try:
                self._socket.settimeout(timeout)
                self._socket.connect(server.path)
            except BaseException:
                self._socket.close()
                raise
        else:
            self._socket = socket.create_connection((server.host, server.port), timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._timeout = timeout
        self._reader = self._socket.makefile("rb")

    def __del__(self) -> None:
        # A process that ends without closing its stores has done nothing wrong.
        if hasattr(self, "_reader"):
            self.close()

    def send(self, commands: bytes) -> None:
        """Send all of it."""
        self._socket.sendall(commands)

    def read(self) -> Reply:
        """The next reply."""
        reply = read_header(self.read_line())
        if reply.size >= 0:
            value = self._reader.read(reply.size + 2)
            if len(value) != reply.size + 2:
                raise ConnectionResetError("the connection was closed by the server")
            reply.value = value[:-2]
        return reply

    def read_line(self) -> bytes:
        """The next line, with its end."""
        line = self._reader.readline()
        if not line.endswith(b"\n"):
            raise ConnectionResetError("the connection was closed by the server")
        return line

    def is_fresh(self) -> bool:
        """Whether the server still has it open, and owes us nothing."""
        self._socket.settimeout(0)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            self._socket.settimeout(self._timeout)
        return False

    def close(self) -> None:
        """Close it at once."""
        self._reader.close()
        self._socket.close()

    def drop(self) -> None:
        """Close our end of it, unheard by gevent and the server: another process has it too."""
        os.close(self._socket.detach())


class Pool:
    """The connections of one process to one server.

    Args:
        server: where it is.
        timeout: seconds for connecting, for an answer, and for a connection to be free.
        most: connections at once.
    """

    def __init__(self, server: Server, timeout: float, most: int) -> None:
        self._server = server
        self._timeout = timeout
        self._idle: deque[Connection] = deque()
        self._room = threading.Semaphore(most)

    def take(self) -> Connection:
        """A connection that the server has open."""
        if not self._room.acquire(timeout=self._timeout):
            raise all_busy(str(self._server), self._timeout)
        try:
            while self._idle:
                try:
                    connection = self._idle.pop()
                except IndexError:
                    break  # another thread was faster
                if connection.is_fresh():
                    return connection
                connection.close()
            return Connection(self._server, self._timeout)
        except TimeoutError as error:
            self._room.release()
            raise silent(str(self._server), self._timeout) from error
        except OSError as error:
            self._room.release()
            raise unreachable(str(self._server), error) from error
        except BaseException:
            self._room.release()
            raise

    def give_back(self, connection: Connection, *, sound: bool) -> None:
        """For the next one; closed, if it may be in the middle of a reply."""
        if sound:
            self._idle.append(connection)
        else:
            connection.close()
        self._room.release()

    def close(self) -> None:
        """Close those that are idle."""
        while self._idle:
            self._idle.pop().close()

    def drop(self) -> None:
        """In a forked child: let go of what the parent has."""
        while self._idle:
            self._idle.pop().drop()

    def failed(self, error: OSError) -> Exception:
        """What to raise instead."""
        if isinstance(error, TimeoutError):
            return silent(str(self._server), self._timeout)
        return unreachable(str(self._server), error)
