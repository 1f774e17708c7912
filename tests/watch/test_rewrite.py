"""Rewritten code does what it did."""

# ruff: noqa: E501 - the programs stand there as they are

import ast
import importlib.util
import sys
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from holdfast.watch.crossings import Collector
from holdfast.watch.hooks import hooks
from holdfast.watch.rewrite import rewrite
from holdfast.watch.shadow import Shadow

STDLIB = Path(sysconfig.get_paths()["stdlib"])


def loaded(source: str, name: str = "rewritten", path: str = "<rewritten>") -> ModuleType:
    module = ModuleType(name)
    hooks(Shadow(Collector())).hand_over(module)
    exec(compile(rewrite(source, path), path, "exec", dont_inherit=True), vars(module))  # noqa: S102
    return module


def both(source: str, call: str) -> tuple[Any, Any]:
    plain: dict[str, Any] = {}
    exec(compile(source, "<plain>", "exec", dont_inherit=True), plain)  # noqa: S102
    return eval(call, plain), eval(call, vars(loaded(source)))  # noqa: S307


ORDER = """
events = []
class Noted:
    def __init__(self, name): object.__setattr__(self, "name", name)
    def __repr__(self): return "noted"
    def __getattr__(self, key): events.append(("get", key)); return 1
    def __setattr__(self, key, value): events.append(("set", key, value))
    def __delattr__(self, key): events.append(("delete", key))
    def __getitem__(self, key): events.append(("item", key)); return 1
    def __setitem__(self, key, value): events.append(("put", key, value))
    def __delitem__(self, key): events.append(("remove", key))
def say(value): events.append(value); return value
def run():
"""


@pytest.mark.parametrize(
    "body",
    [
        "say(Noted('a')).x = say(1)",
        "say(Noted('a'))[say('k')] = say(1)",
        "say(Noted('a'))[say(1):say(2)] = say(3)",
        "x = say(Noted('a')).y",
        "x = say(Noted('a'))[say('k')]",
        "n = Noted('a'); n.x += say(2)",
        "n = Noted('a'); n.x = n.x + say(2)",
        "n = Noted('a'); n[say('k')] += say(2)",
        "n = Noted('a'); n[say('k')] = n[say('k')] + 1",
        "n = Noted('a'); del n.x, n[say('k')]",
        "n = Noted('a'); x, n.y, *n.z = say((1, 2, 3, 4))",
        "n = Noted('a'); n.x = n.y = z = say(1)",
        "n = Noted('a'); n.x: int = say(1)",
        "n = Noted('a')\n    for n.x in (1, 2): say(3)",
        "n = Noted('a'); setattr(n, 'x', say(1)); getattr(n, 'y'); delattr(n, 'z')",
        "getattr(object(), 'x', say(5))",
        "n = Noted('a'); n.x.real.imag",
        "say([y for y in say({1: 2}.items()) if y[0]])",
        "say((lambda n: n.x)(Noted('a')))",
        "say(f\"{Noted('a').x!r:>{Noted('b').y}}\")",
        "d = {}; d.setdefault('a', []).append(1); d.update(b=2); say((d, d.pop('a'), d.get('c', 9)))",
        "d = {1: 2}; d.update([(3, 4)], x=1); d.update({5: 6}); say(sorted(d, key=str)); d.clear()",
        "say([1, 2, 3][-1]); say((1, 2)[0]); say('abc'[1:]); say({1}.copy())",
        "import collections; say(collections.Counter('aab').most_common(1))",
        "match say((1, {'a': 2})):\n        case (1, {'a': x}) if x.real: say(x)",
        "try:\n        object()._Noted\n    except AttributeError as error: say(error.args)",
    ],
)
def test_what_is_evaluated_stays_and_so_does_its_order(body: str):
    plain, rewritten = both(f"{ORDER}    {body}\n", "(run(), events)[1]")
    assert str(rewritten) == str(plain)


@pytest.mark.parametrize(
    ("source", "call"),
    [
        ("class A:\n    def f(self): self.__x = 1; return vars(self)", "A().f()"),
        ("class _A:\n    def f(self): self.__x = 1; return self.__x, vars(self)", "_A().f()"),
        ("class A:\n    def f(self): return 1\nclass B(A):\n    def f(self): return super().f()",
         "B().f()"),
        ("class A(dict):\n    def get(self, k): return super().get(k, 7)", "A().get(1)"),
        ("n = 0\ndef f():\n    global n\n    n += 1\n    n = n * 2\n    return n", "(f(), f(), n)"),
        (("def f():\n    'doc'\n    n = 1\n    def g():\n        nonlocal n\n        n += 1\n"
         "        return n\n    g()\n    return g(), n, f.__doc__"), "f()"),
        (("def f():\n    got = []\n    def g(x):\n        nonlocal got\n        got = [*got, x]\n"
         "    for i in range(3): g(i)\n    return (lambda: got)()"), "f()"),
        ("def f(a, *b, c=1, **d):\n    return locals()", "f(1, 2, e=3)"),
        ("def f():\n    x = [1]\n    x[0], y = 5, x[0]\n    return x, y", "f()"),
        ("def f():\n    for a in (1, 2):\n        yield a\n    return 3", "list(f())"),
        (("import asyncio\nasync def g():\n    for i in range(2): yield i\n"
         "async def f():\n    return [i async for i in g()]"), "asyncio.run(f())"),
        (("class A:\n    __slots__ = ('x',)\n    def f(self):\n        self.x = 1\n        del self.x\n"
         "        return hasattr(self, 'x')"), "A().f()"),
        (("def f():\n    class A:\n        n = 1\n        def g(self): return self.n + type(self).n\n"
         "    return A().g()"), "f()"),
        ("from __future__ import annotations\ndef f(x: 'no.such[1]') -> no.such: return x", "f(1)"),
        ("def f():\n    def g(n=[]):\n        n.append(1)\n        return n\n    g()\n    return g()",
         "f()"),
        ("def f(x):\n    if (y := x.real) > 1: return y\n    return [z := 1, z]", "(f(2), f(0))"),
        (("import threading\nt = threading.local()\ndef f():\n    t.a = 1\n    t.a += 1\n"
         "    return t.a, vars(t)"), "f()"),
    ],
)  # fmt: skip
def test_names_classes_and_closures_stay_what_they_are(source: str, call: str):
    plain, rewritten = both(source, call)
    assert plain == rewritten


def test_nothing_is_kept_alive_longer():
    source = """
import weakref
class A: pass
def f():
    a = A()
    a.n = 0
    a.n += 1
    a.x, b = 1, 2
    gone = weakref.ref(a)
    del a
    return gone()
"""
    plain, rewritten = both(source, "f()")
    assert plain is rewritten is None


def test_a_functions_names_are_its_own():
    source = """
def keep(**names): return sorted(names)
def run(first):
    def change():
        nonlocal first
        first += 1
        return sorted(locals())
    return change(), keep(**locals()), sorted(vars()), dir(), dir([]) == dir(list)
"""
    plain, rewritten = both(source, "run(1)")
    assert rewritten == plain
    own = "def locals(): return iter([1])\ndef f(): return list(locals())"
    assert both(own, "f()") == ([1], [1])


@pytest.mark.skipif(sys.version_info < (3, 12), reason="generics' syntax is of Python 3.12")
@pytest.mark.parametrize(
    ("source", "call"),
    [
        ("def f():\n    type Pairs[K] = list[tuple[K, K]]\n    return str(Pairs.__value__)", "f()"),
        ("def f[T: (int, str)](x: T) -> T:\n    x.real\n    return x", "(f(1), f.__type_params__)"),
        (("def f(n):\n    class Held[T]:\n        __kept: T\n        def put(self, one: T):\n"
          "            self.__kept = one\n            return self.__kept, T.__name__\n"
          "    return Held().put(n)"), "f(3)"),
        (("def f():\n    n = 0\n    def g[T]():\n        nonlocal n\n        n += 1\n        return n\n"
          "    g()\n    return g()"), "f()"),
        ("def f(x): return f'{x['a']!r:>{x['b']}} {f'{x['a']}'}'", "f({'a': 1, 'b': 4})"),
    ],
)  # fmt: skip
def test_the_syntax_of_newer_pythons_stays_what_it_is(source: str, call: str):
    plain, rewritten = both(source, call)
    assert str(rewritten) == str(plain)


def test_a_module_that_does_not_compile_fails_as_it_would():
    with pytest.raises(SyntaxError):
        rewrite("def f(:", "broken.py")


@pytest.mark.parametrize(
    ("name", "proof"),
    [
        ("textwrap", "m.fill('a b c d e f', 5)"),
        ("difflib", "m.unified_diff(['a', 'b'], ['a', 'c'])"),
        ("fractions", "m.Fraction('1/3') + m.Fraction(2, 5)"),
        ("string", "m.Template('$a').substitute(a=1)"),
        ("heapq", "m.nsmallest(2, [3, 1, 2])"),
        ("shlex", "m.split('a \"b c\" d')"),
        ("ast", "m.unparse(m.parse('x = [a.b for c in d if e]'))"),
        ("argparse", "m.ArgumentParser(prog='p').format_help()"),
        ("configparser", "m.ConfigParser()._sections"),
        ("urllib.parse", "m.urlsplit('http://a:1/b?c=d#e').port"),
        ("json.decoder", "m.JSONDecoder().decode('{\"a\": [1, 2.5, null]}')"),
        ("html.parser", "m.HTMLParser().feed('<a b=c>d</a>')"),
        ("statistics", "m.quantiles([1, 2, 3, 4, 5])"),
        ("tokenize", "list(m.generate_tokens(iter(['a = 1\\n', '']).__next__))[0].string"),
    ],
)
def test_the_standard_library_works_rewritten(name: str, proof: str):
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).read_text()
    plain = importlib.import_module(name)
    module = ModuleType(name)
    module.__package__ = name.rpartition(".")[0]
    vars(module)["__file__"] = spec.origin
    hooks(Shadow(Collector())).hand_over(module)
    # What dataclasses and enums look up.
    before = sys.modules[name]
    sys.modules[name] = module
    try:
        code = compile(rewrite(source, spec.origin), spec.origin, "exec", dont_inherit=True)
        exec(code, vars(module))  # noqa: S102
        rewritten = eval(proof, {"m": module})  # noqa: S307
    finally:
        sys.modules[name] = before
    expected = eval(proof, {"m": plain})  # noqa: S307
    if hasattr(expected, "__next__"):
        assert list(rewritten) == list(expected)
    else:
        assert str(rewritten) == str(expected)


def test_every_file_of_the_standard_library_compiles_rewritten():
    files = sorted(STDLIB.glob("*.py")) + sorted((STDLIB / "asyncio").glob("*.py"))
    for path in files:
        source = path.read_bytes()
        tree = rewrite(source, str(path))
        compile(tree, str(path), "exec", dont_inherit=True)
        for node in ast.walk(tree):
            assert not hasattr(node, "lineno") or node.lineno > 0
    assert len(files) > 150


NODES = """
class Node:
    def __init__(self, value=None, after=None): self.value, self.after = value, after
def values(node):
    found = []
    while node is not None:
        found.append(node.value)
        node = node.after
    return found
"""


@pytest.mark.parametrize(
    "body",
    [
        ("node, before = Node(1, Node(2, Node(3))), None\n"
        "    while node: node.after, before, node = before, node, node.after\n"
        "    return values(before)"),
        ("first = last = Node(0)\n"
        "    for n in (1, 2): last.after = last = Node(n)\n"
        "    return values(first)"),
        "a = [0] * 5; i = 1; a[i], i = 9, 3\n    return a, i",
        "h = [3, 1, 2]; i, j = 0, 2; h[i], h[j], i = h[j], h[i], j\n    return h, i",
        "d = first = {}; d['x'] = d = {}\n    return first, d",
        "a, b = Node(1), Node(2); a.after = b; a, a.value = b, 3\n    return values(b)",
        "n = Node(2); a = [0] * 4; n.value, a[n.value] = 1, 9\n    return n.value, a",
        ("n = Node(0, Node(0)); n.value, (n, *n.value), last = 1, (n.after, 2, 3), n\n"
        "    return values(last), n.value"),
        "n = Node({}); n.value['a'], n = 1, n.value; [n['b'], *n['c']] = 2, 3, 4\n    return n",
        "n, d = Node(), {}\n    for n.value, d[n.value] in ((1, 2), (3, 4)): pass\n    return d",
    ],
)  # fmt: skip
def test_targets_are_stored_one_after_another_from_left_to_right(body: str):
    plain, rewritten = both(f"{NODES}def run():\n    {body}\n", "run()")
    assert rewritten == plain


ENTERED = """
events = []
class Entered:
    def __init__(self, name): self.name = name
    def __enter__(self): events.append(("enter", self.name)); return self
    def __exit__(self, *error): events.append(("exit", self.name, error[0])); return True
class Holder:
    inner = None
    def __setattr__(self, name, value):
        if name == "refused": raise ValueError(name)
        object.__setattr__(self, name, value)
"""


@pytest.mark.parametrize(
    "with_",
    [
        "with Entered('a') as h.inner, Entered(h.inner.name + 'b') as found: pass",
        "with Entered('a') as h.inner, Entered(h.inner.name + 'b') as h.other: found = h.other",
        "found = None\n    with Entered('a'), Entered('b') as h.refused, Entered('c'): found = 1",
        "with Entered('a') as found, Entered('b') as h.inner: events.append(h.inner.name)",
    ],
)
def test_what_one_with_stores_the_next_one_reads(with_: str):
    source = f"{ENTERED}def run():\n    h = Holder()\n    {with_}\n    return found and found.name"
    plain, rewritten = both(source, "(run(), events)")
    assert rewritten == plain


@pytest.mark.parametrize(
    ("source", "call"),
    [
        ("def f(items, slice): return items[:slice]", "f([1, 2, 3], 2)"),
        ("slice = 3\ndef f(items):\n    items[1:] = [7]\n    return items[1:2]", "f([1, 2, 3])"),
        ("def getattr(o, n): return 'own'\ndef f(): return getattr(1, 'real')", "f()"),
        (("from shlex import *\nfrom operator import attrgetter as setattr\n"
         "def f(): return setattr('real')(1)"), "f()"),
        ("def f(getattr): return getattr(1, 'real')", "f(lambda *a: a)"),
        (("def f():\n    class A: pass\n    setattr(A, 'x', 1)\n    one = getattr(A, 'x')\n"
         "    delattr(A, 'x')\n    return one, getattr(A, 'x', 2)"), "f()"),
    ],
)  # fmt: skip
def test_names_that_python_has_too_mean_what_the_user_says(source: str, call: str):
    plain, rewritten = both(source, call)
    assert rewritten == plain


def test_who_goes_through_a_modules_functions_meets_none_of_ours():
    source = "def first(n): return n.real\ndef second(): pass\n"
    found = "sorted(name for name, one in globals().items() if callable(one))"
    plain, rewritten = both(source + f"def run(): return {found}", "run()")
    assert rewritten == plain == ["first", "run", "second"]
