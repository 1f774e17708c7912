"""The app applies the settings when Django starts."""

from pathlib import Path

import pytest

from tests.django.project import Project
from tests.fresh_process import output_of

START = """
import django
django.setup()

import threading
import holdfast

found = []
with holdfast.open_scope(user_id=7):
    thread = threading.Thread(target=lambda: found.append(holdfast.current(None) is not None))
    thread.start()
    thread.join()
print(found)
"""


@pytest.mark.parametrize(
    ("settings", "carried"),
    [
        ("", "[False]"),
        ("HOLDFAST = {}\n", "[False]"),
        ("HOLDFAST = {'CARRY': ['threads']}\n", "[True]"),
        # The system check says what is wrong; see test_checks.
        ("HOLDFAST = {'CARRY': ['threads'], 'CARY': []}\n", "[False]"),
    ],
    ids=["no setting", "empty", "threads", "a mistake"],
)
def test_the_setting_is_applied_when_django_starts_unless_it_holds_a_mistake(
    tmp_path: Path, settings: str, carried: str
) -> None:
    project = Project(tmp_path, settings=settings)
    project.write()
    output = output_of(START, cwd=tmp_path, environment=project.environment)
    assert output == carried


SERVE = """
import django, logging, sys
logging.basicConfig(stream=sys.stdout, format="%(name)s %(message)s", level=logging.WARNING)
django.setup()

from django.test import Client
for _ in range(2):
    Client().get("/plain/")
"""


def test_a_mistake_in_the_setting_is_logged_by_a_server_which_runs_no_checks(
    tmp_path: Path,
) -> None:
    project = Project(tmp_path, settings="HOLDFAST = {'CARY': ['threads']}\n")
    project.write()
    said = output_of(SERVE, cwd=tmp_path, environment=project.environment)
    assert said.count("holdfast E001: HOLDFAST has no key 'CARY'. Did you mean 'CARRY'?") == 1
    assert "Nothing of HOLDFAST is applied" in said


ASK = """
import django, logging, sys
logging.basicConfig(stream=sys.stdout, format="%(name)s %(message)s", level=logging.WARNING)
django.setup()

import holdfast
from django.test import Client
from holdfast.startup import add_check

add_check(lambda: [holdfast.Problem("W199", "It is lost.", "Mend it.")])
for _ in range(3):
    print(Client().get("/plain/").content.decode())
"""


def test_without_a_wrapper_the_middleware_logs_problems_at_the_first_request(
    tmp_path: Path,
) -> None:
    project = Project(
        tmp_path,
        views="from django.http import HttpResponse\n",
        urls="path('plain/', lambda request: HttpResponse('content'))",
    )
    project.write()
    output = output_of(ASK, cwd=tmp_path, environment=project.environment)
    assert output.split("\n") == ["holdfast W199: It is lost. Mend it.", *["content"] * 3]


def test_a_connection_opened_before_the_fork_is_found_without_a_wrapper(tmp_path: Path) -> None:
    code = """
    import django, os, socket
    django.setup()
    import holdfast

    listening = socket.create_server(("127.0.0.1", 0))
    store = socket.create_connection(listening.getsockname())
    child = os.fork()
    if not child:
        print([problem.code for problem in holdfast.startup_problems()], flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    store.close()
    listening.close()
    """
    project = Project(tmp_path)
    project.write()
    output = output_of(code, cwd=tmp_path, environment=project.environment)
    assert output == "['W104']"
