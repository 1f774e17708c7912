"""Flask's endpoints are views, also where the server itself can't be seen."""

from holdfast.probe.events import Served
from tests.probe.aboard.programs import observed, of_kind, troubles


def test_an_endpoint_is_the_view(tmp_path):
    found, printed = observed(
        tmp_path,
        """
        from flask import Flask
        app = Flask(__name__)

        @app.route("/orders/<int:number>")
        def order(number):
            time.sleep(0.01)
            return str(number)

        client = app.test_client()
        name = f"{RUN}-0-0"
        for path in ("/orders/7", "/nowhere"):
            with client.get(path, headers={"X-Holdfast-Probe": name}) as answer:
                print(answer.status_code, len(answer.data) < 100 and answer.text)
        """,
    )
    assert printed.splitlines() == ["200 7", "404 False"]
    assert troubles(found) == []
    first, second = [one for one in found if isinstance(one, Served)]
    assert (first.view, first.route) == ("__main__.order", "/orders/<int:number>")
    assert (second.view, second.route) == ("", "")
    assert [span.name for span in of_kind(found, "view") if span.name] == ["__main__.order"]
