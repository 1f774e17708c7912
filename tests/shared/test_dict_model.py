"""A shared dict does what a dict does, whatever is done in whatever order."""

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import holdfast
from holdfast import shared

keys = st.sampled_from(["a", "b", 1, "1", b"1", ("a", 1), ""])
values = st.none() | st.integers() | st.text(max_size=3) | st.tuples(st.integers())
MISSING = shared.MISSING


class SharedDictIsADict(RuleBasedStateMachine):
    """Each step is done to both, sync or async, and both say the same."""

    @initialize()
    def begin(self) -> None:
        holdfast.configure({"STORES": {"default": "memory://model"}})
        self.shared = shared.dict("model")
        self.shared.clear()
        self.model: dict = {}

    def both(self, name, *args, awaited):
        def outcome(call):
            try:
                return call()
            except KeyError as error:
                return KeyError, error.args

        own = outcome(lambda: getattr(self.model, name)(*args))
        if awaited:
            method = getattr(self.shared, f"a{name}")
            other = outcome(lambda: asyncio.run(method(*args)))
        else:
            other = outcome(lambda: getattr(self.shared, name)(*args))
        assert own == other

    @rule(key=keys, value=values)
    def write(self, key, value):
        self.model[key] = self.shared[key] = value

    @rule(key=keys, value=values)
    def write_awaited(self, key, value):
        self.model[key] = value
        asyncio.run(self.shared.aset(key, value))

    @rule(name=st.sampled_from(["get", "pop", "setdefault"]), key=keys, awaited=st.booleans())
    def ask(self, name, key, awaited):
        args = (key,) if name != "setdefault" else (key, 7)
        self.both(name, *args, awaited=awaited)

    @rule(name=st.sampled_from(["get", "pop"]), key=keys, value=values, awaited=st.booleans())
    def ask_with_default(self, name, key, value, awaited):
        self.both(name, key, value, awaited=awaited)

    @rule(key=keys)
    def delete(self, key):
        self.both("__delitem__", key, awaited=False)

    @rule(items=st.dictionaries(keys, values), awaited=st.booleans())
    def update(self, items, awaited):
        self.both("update", items, awaited=awaited)

    @rule()
    def clear(self):
        self.both("clear", awaited=False)

    @rule()
    def popitem(self):
        if self.model:
            key, value = self.shared.popitem()
            assert self.model.pop(key) == value
        else:
            with pytest.raises(KeyError):
                self.shared.popitem()

    @rule(key=keys, value=values)
    def change(self, key, value):
        seen = self.model.get(key, 0)
        assert self.shared.change(key, lambda old: (old, value), default=0) == (seen, value)
        self.model[key] = (seen, value)

    @rule(key=keys, expected=values | st.just(MISSING), new=values | st.just(MISSING))
    def compare_and_set(self, key, expected, new):
        fits = self.model.get(key, MISSING) == expected
        assert self.shared.compare_and_set(key, expected, new) is fits
        if fits:
            self.model[key] = new
            if new is MISSING:
                del self.model[key]

    @invariant()
    def they_are_the_same(self):
        assert dict(self.shared.items()) == self.model
        assert len(self.shared) == len(self.model)
        assert bool(self.shared) is bool(self.model)
        assert self.shared.get_many(list(self.model)) == self.model


TestSharedDictIsADict = SharedDictIsADict.TestCase
TestSharedDictIsADict.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
