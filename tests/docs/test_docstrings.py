"""The examples in the public docstrings, which the reference shows, run as they stand there."""

import inspect
import os
import re
import subprocess
import sys
import textwrap

import pytest

import holdfast
import holdfast.asgi
import holdfast.wsgi

# What the reader of a docstring is expected to have. Each is as real as it needs to be.
SURROUNDINGS = """
import contextvars
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import gevent

import holdfast
import holdfast.asgi
import holdfast.wsgi


async def asgi_application(scope, receive, send): ...
def wsgi_application(environ, start_response): ...
def fetch(url): ...
def resize(image): ...
def send_mail(number): ...


class Rows(list):
    def filter(self, url__in):
        return [row for row in self if row.url in url__in]


class Label:
    def __init__(self, url):
        self.url = url


Label.objects = Rows([Label("https://a.example/")])
urls = ["https://a.example/"]
url = image = ""
connection_var = contextvars.ContextVar("connection")
pool = ThreadPoolExecutor(1)
flags = holdfast.shared.dict("flags")
application = {application}

holdfast.open_scope(user_id=7, tenant="acme").__enter__()
"""

DOCUMENTED = {name: getattr(holdfast, name) for name in holdfast.__all__} | {
    "wsgi.RequestScope": holdfast.wsgi.RequestScope,
    "asgi.RequestScope": holdfast.asgi.RequestScope,
    "shared.dict": holdfast.shared.dict,
    "shared.dict.change": holdfast.shared.dict.change,
    "shared.counter": holdfast.shared.counter,
    "shared.lock": holdfast.shared.lock,
    "shared.stream": holdfast.shared.stream,
}


def example_of(documented):
    """The indented paragraphs of a docstring, before its sections."""
    if not inspect.isroutine(documented) and not inspect.isclass(documented):
        return ""  # the proxies; the reference describes them itself
    doc = inspect.getdoc(documented) or ""
    prose = re.split(r"^(?:Args|Attributes|Raises):$", doc, flags=re.MULTILINE)[0]
    blocks = re.findall(r"(?:^ {4}.*\n?|^\n(?= {4}))+", prose, flags=re.MULTILINE)
    return "\n".join(textwrap.dedent(block) for block in blocks)


EXAMPLES = {name: example_of(what) for name, what in DOCUMENTED.items()}
EXAMPLES = {name: example for name, example in EXAMPLES.items() if example.strip()}


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_example_in_the_docstring_runs(name, tmp_path):
    application = "asgi_application" if name.startswith("asgi") else "wsgi_application"
    program = SURROUNDINGS.format(application=application) + EXAMPLES[name]
    outcome = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "HOLDFAST_DIR": str(tmp_path)},
    )
    assert outcome.returncode == 0, f"{EXAMPLES[name]}\n{outcome.stderr}"


def test_there_are_examples_in_the_docstrings():
    named = {"bulk_loader", "carry", "open_scope", "per_request", "proxy", "wsgi.RequestScope"}
    named |= {"shared.dict", "shared.dict.change", "shared.counter", "shared.lock", "shared.stream"}
    assert named <= set(EXAMPLES)
