"""The pages render, say what they are for, and know who reads them."""

import re

import pytest

from demonstration.site import Site


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/", "A small newsroom"),
        ("/articles/", "The harbour wall will hold"),
        ("/articles/1/", "Engineers looked at it twice"),
        ("/labels/", "Import some"),
        ("/labels/import/", "A text file with one URL a line"),
        ("/admin/login/", "Django administration"),
    ],
)
def test_page_renders(newsroom: Site, path: str, says: str) -> None:
    with newsroom.visitor() as visitor:
        page = visitor.get(path)
    assert page.status == 200
    assert says in page.text


def test_every_page_links_to_pages_that_are_there(newsroom: Site) -> None:
    with newsroom.visitor() as visitor:
        seen, unread = set(), {"/"}
        while unread:
            path = unread.pop()
            seen.add(path)
            page = visitor.get(path)
            assert page.status == 200, path
            links = re.findall(r'href="(/[^"#]*)', page.text)
            unread |= {link for link in links if not link.startswith("/admin/")} - seen
    assert {"/articles/", "/articles/1/", "/labels/import/", "/api/articles/"} <= seen


def test_page_names_its_reader_and_its_path(newsroom: Site) -> None:
    with newsroom.visitor() as visitor:
        assert "Your name" in visitor.get("/").text
        assert visitor.post("/sign-in/", name="Ada").status == 302
        page = visitor.get("/articles/")
        assert '<b id="reader">Ada</b>' in page.text
        assert "<code>/articles/</code>" in page.text
        assert visitor.post("/sign-out/").status == 302
        assert "Ada" not in visitor.get("/articles/").text


def test_sign_in_without_a_name_says_what_is_missing(newsroom: Site) -> None:
    with newsroom.visitor() as visitor:
        answer = visitor.post("/sign-in/", name=" ")
    assert answer.status == 400
    assert "`name`" in answer.text


def test_strangers_are_asked_to_sign_in_before_they_comment(newsroom: Site) -> None:
    with newsroom.visitor() as visitor:
        assert visitor.post("/articles/1/comment/", text="Hello").status == 302
        assert "Hello" not in visitor.get("/articles/1/").text


def test_import_without_labels_gives_the_form_again(newsroom: Site) -> None:
    with newsroom.visitor() as visitor:
        assert "<form" in visitor.post("/labels/import/").text


def test_nothing_is_left_open_between_requests(newsroom: Site) -> None:
    with newsroom.visitor() as visitor:
        assert visitor.get("/health/").data["live_scopes"] == 1
