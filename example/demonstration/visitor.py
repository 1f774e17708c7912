"""A visitor: one keep-alive connection, cookies, and forms, as a browser has them."""

import http.client
import json
import secrets
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any, Self
from urllib.parse import urlencode


@dataclass(frozen=True)
class Answer:
    """What the server said. A status of 0 is a connection that broke."""

    status: int
    text: str

    @property
    def summary(self) -> str:
        """Its status and its first line, for whoever expected another one."""
        return f"{self.status} {self.text.strip().partition(chr(10))[0][:200]}".strip()

    @property
    def data(self) -> Any:
        """The body as JSON; None where it isn't."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


class Visitor:
    """Sends requests over one connection, as long as the server keeps it.

    Each request has *patience* seconds. Not to be shared by threads.
    """

    def __init__(self, port: int, patience: float = 30) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
        # Django takes any token that the cookie and the form agree on.
        self._cookies = {"csrftoken": secrets.token_hex(16)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def get(self, path: str) -> Answer:
        return self._ask("GET", path)

    def post(self, path: str, **fields: str) -> Answer:
        return self._ask(
            "POST", path, urlencode(fields), {"Content-Type": "application/x-www-form-urlencoded"}
        )

    def upload(self, path: str, field: str, content: str) -> Answer:
        """Send *content* as a file of a form."""
        boundary = secrets.token_hex(16)
        body = (
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="{field}"; filename="{field}.txt"\r\n'
            f"Content-Type: text/plain\r\n\r\n{content}\r\n--{boundary}--\r\n"
        )
        kind = f"multipart/form-data; boundary={boundary}"
        return self._ask("POST", path, body, {"Content-Type": kind, "Accept": "application/json"})

    def _ask(
        self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None
    ) -> Answer:
        sent = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
            "X-CSRFToken": self._cookies["csrftoken"],
            **(headers or {}),
        }
        try:
            self._connection.request(method, path, body.encode(), sent)
            response = self._connection.getresponse()
            text = response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return Answer(0, f"{type(error).__name__}: {error}")
        for header in response.headers.get_all("Set-Cookie", []):
            self._cookies.update({name: m.value for name, m in SimpleCookie(header).items()})
        return Answer(response.status, text)
