"""A request that somebody makes: to the test client, or to a server."""

from dataclasses import dataclass, field
from urllib.parse import urlencode

_SECRET = "a" * 32


@dataclass(frozen=True)
class Visit:
    """One person's request.

    Attributes:
        path: with its query.
        values: of the form that is sent; none: it is a GET.
        session: the key of the person's session, if there is one.
    """

    path: str
    values: dict = field(default_factory=dict)
    session: str = ""

    def __call__(self, client, headers):
        """Make it, by Django's test client."""
        headers = {**headers, **self.headers()}
        if self.values:
            return client.post(self.path, self.values, headers=headers)
        return client.get(self.path, headers=headers)

    def headers(self):
        """Who it is, and what Django wants to see of a form that is sent."""
        if not self.session:
            return {}
        cookies = f"sessionid={self.session}; csrftoken={_SECRET}"
        return {"Cookie": cookies, "X-CSRFToken": _SECRET}

    def as_plain(self):
        """For who makes it over the network."""
        body = urlencode(self.values, doseq=True)
        form = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        return {"path": self.path, "body": body, "headers": {**self.headers(), **form}}


def session_of(name):
    """The session of a user who has logged in, anew if there is none of the name."""
    from django.contrib.auth.models import User
    from django.test import Client

    person = Client()
    person.force_login(User.objects.get(username=name))
    return person.cookies["sessionid"].value
