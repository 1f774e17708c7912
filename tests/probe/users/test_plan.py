"""Who asks what, and in which order."""

from collections import Counter

import pytest

from holdfast.probe.users.plan import Account, Plan, PlanError, Step, in_turn, path_given


@pytest.mark.parametrize(
    ("typed", "step"),
    [
        ("/x/", Step("/x/")),
        ("POST /x/?a=1", Step("/x/?a=1", "POST")),
        ("post /x/", Step("/x/", "POST")),
        ("3 /x/", Step("/x/", weight=3)),
        ("3 PUT /x/", Step("/x/", "PUT", 3)),
    ],
)
def test_a_path_is_typed_as_one_thinks_of_it(typed, step):
    assert path_given(typed) == step


@pytest.mark.parametrize("typed", ["", "x/", "POST", "http://a/", "0 /x/", "/x/ /y/", "P0ST /x/"])
def test_what_is_no_path_is_said(typed):
    with pytest.raises(PlanError, match="give a path from the site's root on"):
        path_given(typed)


def test_weights_are_kept_at_each_moment():
    often, seldom = Step("/often/", weight=3), Step("/seldom/")
    order = in_turn([often, seldom])
    assert Counter(order) == {often: 3, seldom: 1}
    plan = Plan([often, seldom], users=8, requests=4)
    for number in range(4):
        asked = Counter(plan.steps_of(user)[number] for user in range(8))
        assert asked == {often: 6, seldom: 2}


def test_each_user_asks_each_path_unless_told_otherwise():
    steps = [Step("/a/"), Step("/b/"), Step("/c/")]
    for user in range(5):
        assert set(Plan(steps).steps_of(user)) == set(steps)
    assert len(Plan(steps, requests=1).steps_of(0)) == 1


def test_users_take_turns_with_the_accounts():
    anna, bert = Account("anna"), Account("bert")
    plan = Plan([Step("/")], accounts=[anna, bert])
    assert [plan.account(user) for user in (-1, 0, 1, 2)] == [anna, anna, bert, anna]
    assert Plan([Step("/")]).account(0) is None


def test_what_is_right_can_be_said():
    assert Plan().is_right(204)
    assert not Plan().is_right(302)
    assert Plan(expect=frozenset({302})).is_right(302)
