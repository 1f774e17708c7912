"""Patterns for paths."""

import pytest

from holdfast.doctor.globs import matches


@pytest.mark.parametrize(
    ("pattern", "fitting", "others"),
    [
        ("legacy", ["legacy", "legacy/a.py", "shop/legacy/a.py"], ["legacy.py", "my-legacy/a.py"]),
        ("*_pb2.py", ["a_pb2.py", "x/y/a_pb2.py"], ["a_pb2.pyc", "pb2.py"]),
        ("shop/a.py", ["shop/a.py"], ["x/shop/a.py", "shop/a.pyx", "shop/x/a.py"]),
        ("/shop", ["shop/a.py", "shop"], ["x/shop/a.py"]),
        ("shop/*.py", ["shop/a.py"], ["shop/x/a.py", "shop/a.txt"]),
        ("shop/**/a.py", ["shop/a.py", "shop/x/y/a.py"], ["a.py", "shop/ba.py"]),
        ("**/a.py", ["a.py", "x/y/a.py"], ["ba.py"]),
        ("shop/**", ["shop/a.py", "shop/x/a.py"], ["shopping/a.py"]),
        ("**", ["a.py", "x/a.py"], []),
        ("shop/", ["shop/a.py"], ["shopping/a.py"]),
        ("./shop/x", ["shop/x/a.py"], ["x/shop/x/a.py"]),
        ("a?.py", ["ab.py", "x/ab.py"], ["a.py", "abc.py"]),
        ("a.py", ["a.py"], ["aXpy"]),
        ("a[b].py", ["a[b].py"], ["ab.py"]),
    ],
)
def test_patterns_fit_as_in_an_ignore_file(pattern, fitting, others):
    assert [path for path in fitting + others if matches(path, [pattern])] == fitting


def test_one_of_several_is_enough():
    assert matches("a.py", ["b.py", "a.py"])
    assert not matches("a.py", [])
