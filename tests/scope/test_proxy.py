"""Proxies behave as what they stand for, and never raise where one merely looks."""

import copy
import inspect
import math
import os
import pickle
import pprint
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from fractions import Fraction

import pytest

import holdfast
from holdfast.scope.proxy import LocalProxy


class Account:
    """Something with attributes."""

    def __init__(self, name: str = "ada") -> None:
        self.name = name

    def __call__(self) -> str:
        return "called"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Account) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"Account({self.name})"


def test_attributes_are_those_of_the_current_request() -> None:
    for name in ("ada", "bob", "cyd"):  # the first read learns, the others take the short way
        with holdfast.open_scope(Account(name)):
            assert holdfast.request.name == name
            holdfast.request.name = name.upper()
            assert holdfast.request.name == name.upper()
            del holdfast.request.name
            assert not hasattr(holdfast.request, "name")


def test_a_learned_name_that_this_request_lacks_is_an_attribute_error_of_the_request() -> None:
    with holdfast.open_scope(Account()):
        assert holdfast.request.name == "ada"
    with (
        holdfast.open_scope(object()),
        pytest.raises(AttributeError, match="'object' object has no attribute 'name'"),
    ):
        holdfast.request.name  # noqa: B018


def test_two_proxies_learn_apart() -> None:
    one = holdfast.proxy(lambda: Account("one"))
    two = holdfast.proxy(lambda: Account("two"))
    for _ in range(3):
        assert (one.name, two.name) == ("one", "two")


def test_no_more_than_some_hundred_names_are_learned() -> None:
    class Anything:
        def __getattr__(self, name: str) -> str:
            return name

    anything = holdfast.proxy(Anything)
    for number in range(2000):
        assert getattr(anything, f"name_{number}") == f"name_{number}"
    assert len(vars(type.mro(type(anything))[0])) < 600


def test_unbound_looks_never_raise() -> None:
    request = holdfast.request
    assert repr(request) == str(request) == f"{request}" == "<holdfast.request: no request here>"
    assert f"{request:>40}".endswith("here>")
    assert "%s %r" % (request, request)  # noqa: UP031
    assert not request
    assert dir(request) == []
    assert vars(request) == {}
    assert request == request  # noqa: PLR0124
    assert request != Account()
    assert {request: 1}
    assert isinstance(request, LocalProxy)
    assert not callable(request)
    assert not hasattr(request, "__wrapped__")
    assert inspect.unwrap(request) is request
    assert pprint.pformat(request)
    assert repr(holdfast.state) == "<holdfast.state: no request here>"


def test_unbound_use_raises_no_request() -> None:
    for use in (
        lambda: holdfast.request.user,
        lambda: holdfast.request["user"],
        lambda: setattr(holdfast.request, "user", 1),
        lambda: delattr(holdfast.request, "user"),
        lambda: iter(holdfast.request),
        lambda: len(holdfast.request),
        lambda: "user" in holdfast.request,
        lambda: hasattr(holdfast.request, "user"),
    ):
        with pytest.raises(holdfast.NoRequest, match="There is no request here"):
            use()


def test_bound_looks_are_those_of_the_object() -> None:
    account = Account()
    with holdfast.open_scope(account):
        request = holdfast.request
        assert repr(request) == "Account(ada)"
        assert isinstance(request, Account)
        assert request.__class__ is Account
        assert request == account
        assert account == request
        assert hash(request) == hash(account)
        assert vars(request) == {"name": "ada"}
        assert "name" in dir(request)


def test_a_proxy_is_never_callable_nor_awaitable() -> None:
    # Django's templates call whatever is callable.
    with holdfast.open_scope(Account()):
        assert not callable(holdfast.request)
        assert not inspect.isawaitable(holdfast.request)
        with pytest.raises(TypeError, match="not callable"):
            holdfast.request()


def test_items_length_iteration_and_operators_are_forwarded() -> None:
    mapping = holdfast.proxy(lambda: MAPPING)
    MAPPING.clear()
    mapping["a"] = 1
    assert mapping["a"] == 1
    assert "a" in mapping
    assert len(mapping) == 1
    assert list(mapping) == list(reversed(mapping)) == ["a"]
    assert mapping | {"b": 2} == {"a": 1, "b": 2}
    del mapping["a"]
    assert not mapping
    number = holdfast.proxy(lambda: 7)
    assert (number + 1, 1 + number, number - number, -number, number**2) == (8, 8, 0, -7, 49)
    assert (10 - number, number // 2, number % 2, abs(number)) == (3, 3, 1, 7)
    assert number < 8 <= number + 1
    assert (int(number), float(number), round(number), divmod(number, 2)) == (7, 7.0, 7, (3, 1))
    assert (2**number, divmod(50, number), complex(number)) == (128, (7, 1), 7 + 0j)
    assert (list(range(number))[-1], "abcdefgh"[number], f"{number:02d}") == (6, "h", "07")
    fraction = holdfast.proxy(lambda: Fraction(7, 2))
    assert (math.floor(fraction), math.ceil(fraction), math.trunc(fraction)) == (3, 4, 3)
    with pytest.raises(TypeError):
        range(fraction)  # type: ignore[call-overload]


def test_what_the_object_is_not_its_proxy_is_not_either() -> None:
    mapping = holdfast.proxy(lambda: MAPPING)
    assert isinstance(mapping, Mapping)
    assert not isinstance(mapping, Iterator)
    assert not isinstance(mapping, os.PathLike)


MAPPING: dict[str, int] = {}


def test_a_context_variable_can_be_the_source() -> None:
    variable: ContextVar[Account] = ContextVar("account")
    account = holdfast.proxy(variable)
    assert repr(account) == "<account: no request here>"
    with pytest.raises(LookupError):
        account.name  # noqa: B018
    variable.set(Account("eve"))
    assert account.name == "eve"


def test_with_goes_to_the_object() -> None:
    entered: list[str] = []

    class Connection:
        def __enter__(self) -> str:
            entered.append("in")
            return "connection"

        def __exit__(self, *error: object) -> None:
            entered.append("out")

    with holdfast.proxy(Connection) as connection:
        assert connection == "connection"
    assert entered == ["in", "out"]


def test_copies_are_copies_of_the_object_and_pickling_is_refused() -> None:
    with holdfast.open_scope(Account()):
        assert type(copy.copy(holdfast.request)) is Account
        assert type(copy.deepcopy(holdfast.request)) is Account
        with pytest.raises(TypeError, match=r"holdfast\.request can't be pickled"):
            pickle.dumps(holdfast.request)


def test_what_is_no_source_is_refused() -> None:
    with pytest.raises(TypeError, match="function without arguments or a ContextVar"):
        holdfast.proxy("request")  # type: ignore[call-overload]
