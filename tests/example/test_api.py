"""The API: articles to read, comments to read and write, traces of a comment."""

from demonstration.site import Site


def test_articles_are_listed_page_by_page(newsroom: Site) -> None:
    with newsroom.visitor() as visitor:
        answer = visitor.get("/api/articles/")
    assert answer.status == 200
    assert answer.data["count"] == 3
    assert {"id", "title", "body", "published"} == set(answer.data["results"][0])


def test_article_is_shown_and_a_missing_one_is_not_found(newsroom: Site) -> None:
    with newsroom.visitor() as visitor:
        assert visitor.get("/api/articles/1/").data["title"] == "The harbour wall will hold"
        assert visitor.get("/api/articles/999/").status == 404
        assert visitor.get("/api/articles/999/comments/").status == 404


def test_strangers_read_comments_but_write_none(newsroom: Site) -> None:
    with newsroom.visitor() as visitor:
        assert visitor.get("/api/articles/2/comments/").status == 200
        assert visitor.post("/api/articles/2/comments/", text="Hello").status == 403


def test_comment_is_written_in_its_authors_name(newsroom: Site) -> None:
    host = f"http://127.0.0.1:{newsroom.port}"
    with newsroom.visitor() as visitor:
        visitor.post("/sign-in/", name="Grace")
        written = visitor.post("/api/articles/2/comments/", text="Well said")
        assert written.status == 201
        assert written.data["author"] == "Grace"
        assert written.data["link"] == f"{host}/articles/2/#comment-{written.data['id']}"

        trace = visitor.get(f"/api/comments/{written.data['id']}/").data
        assert trace["audit"] == [{"who": "Grace", "path": "/api/articles/2/comments/"}]
        listed = visitor.get("/api/articles/2/comments/").data
        assert [comment["text"] for comment in listed["results"]] == ["Well said"]


def test_comment_without_text_is_refused_with_the_reason(newsroom: Site) -> None:
    with newsroom.visitor() as visitor:
        visitor.post("/sign-in/", name="Grace")
        answer = visitor.post("/api/articles/2/comments/", text="")
    assert answer.status == 400
    assert "text" in answer.data
