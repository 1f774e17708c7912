"""The namespace of one request."""

import pytest

import holdfast


def test_names_are_set_read_tested_listed_and_deleted() -> None:
    with holdfast.open_scope():
        holdfast.state.user_id = 7
        holdfast.state.tenant = "acme"
        assert holdfast.state.user_id == 7
        assert "user_id" in holdfast.state
        assert "nobody" not in holdfast.state
        assert list(holdfast.state) == ["user_id", "tenant"]
        assert len(holdfast.state) == 2
        del holdfast.state.tenant
        assert not hasattr(holdfast.state, "tenant")
        assert repr(holdfast.state) == "State(user_id=7)"


def test_get_returns_the_default_where_the_name_was_not_set() -> None:
    with holdfast.open_scope(user_id=7):
        assert holdfast.state.get("user_id") == 7
        assert holdfast.state.get("tenant") is None
        assert holdfast.state.get("tenant", "-") == "-"


def test_get_with_a_default_also_answers_outside_of_requests() -> None:
    # What a log filter needs: it sees lines of requests and of none.
    assert holdfast.state.get("user_id", "-") == "-"
    with pytest.raises(holdfast.NoRequest):
        holdfast.state.get("user_id")


def test_a_name_that_was_not_set_says_how_to_set_it() -> None:
    with holdfast.open_scope(), pytest.raises(AttributeError, match=r"state.get\('user_id'"):
        holdfast.state.user_id  # noqa: B018


def test_names_of_the_namespace_itself_are_refused() -> None:
    with holdfast.open_scope(), pytest.raises(AttributeError, match="Take another name"):
        holdfast.state.get = 1
    with pytest.raises(AttributeError, match="Take another name"), holdfast.open_scope(get=1):
        pass
    assert holdfast.live_scopes() == 0


def test_names_may_be_set_while_others_are_listed() -> None:
    with holdfast.open_scope(a=1, b=2):
        for name in holdfast.state:
            setattr(holdfast.state, name + name, 0)
        assert len(holdfast.state) == 4


def test_an_empty_state_of_a_request_is_true() -> None:
    with holdfast.open_scope():
        assert holdfast.state
