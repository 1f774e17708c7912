"""Whatever is done in whatever order, the embedded store answers as a plain dict would."""

import shutil
import tempfile
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from holdfast.stores import open_store
from holdfast.stores.protocol import KEEP

KEYS = st.sampled_from(
    [b"", b"a", b"ab", b"b", b"\0", b"\xff", b"a" * 478, b"a" * 479, b"a" * 600, b"a" * 599 + b"b"]
)
VALUES = st.one_of(
    st.binary(max_size=20),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: b"%d" % number),
    st.integers(1000, 9000).map(bytes),
)
TTLS = st.sampled_from([None, 600, 1e9, 0, -5])
TOPICS = st.sampled_from([None, b"t", b"t" * 300])


def outcome(call: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return call(*args, **kwargs)
    except (KeyError, TypeError, OverflowError) as error:
        return type(error)


class Records(RuleBasedStateMachine):
    tokens = Bundle("tokens")

    @initialize(purpose=st.sampled_from(["state", "cache"]))
    def start(self, purpose: Any) -> None:
        self.directory = tempfile.mkdtemp()
        self.store = open_store(f"lmdb://{self.directory}/s", purpose=purpose)
        self.model = open_store("memory://")
        self.positions = {b"t": (0, 0), b"t" * 300: (0, 0)}

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.directory)

    def both(self, method: str, *args: Any, **kwargs: Any) -> None:
        ours = outcome(getattr(self.store, method), *args, **kwargs)
        assert ours == outcome(getattr(self.model, method), *args, **kwargs)

    @rule(key=KEYS, value=VALUES, ttl=TTLS, topic=TOPICS)
    def set(self, key: bytes, value: bytes, ttl: Any, topic: Any) -> None:
        self.both("set", key, value, ttl, topic=topic)

    @rule(items=st.dictionaries(KEYS, VALUES, max_size=5), ttl=TTLS, topic=TOPICS)
    def set_many(self, items: Any, ttl: Any, topic: Any) -> None:
        self.both("set_many", items, ttl, topic=topic)

    @rule(key=KEYS, value=VALUES, ttl=TTLS, topic=TOPICS)
    def add(self, key: bytes, value: bytes, ttl: Any, topic: Any) -> None:
        self.both("add", key, value, ttl, topic=topic)

    @rule(target=tokens, key=KEYS)
    def gets(self, key: bytes) -> Any:
        ours, models = self.store.gets(key), self.model.gets(key)
        assert (ours and ours[0]) == (models and models[0])
        return key, ours and ours[1], models and models[1]

    @rule(
        read=consumes(tokens),
        value=st.one_of(st.none(), VALUES),
        ttl=st.one_of(st.just(KEEP), TTLS),
        topic=TOPICS,
    )
    def replace(self, read: Any, value: Any, ttl: Any, topic: Any) -> None:
        key, ours, models = read
        done = self.store.replace(key, value, ours, ttl, topic=topic)
        assert done == self.model.replace(key, value, models, ttl, topic=topic)

    @rule(key=KEYS, topic=TOPICS)
    def delete(self, key: bytes, topic: Any) -> None:
        self.both("delete", key, topic=topic)

    @rule(keys=st.lists(KEYS, max_size=5), topic=TOPICS)
    def delete_many(self, keys: Any, topic: Any) -> None:
        self.both("delete_many", keys, topic=topic)

    @rule(key=KEYS, ttl=TTLS)
    def touch(self, key: bytes, ttl: Any) -> None:
        self.both("touch", key, ttl)

    @rule(
        key=KEYS,
        delta=st.sampled_from([1, -1, 7, 2**62, -(2**62)]),
        initial=st.sampled_from([None, 0, 5, 2**63 - 1]),
        ttl=TTLS,
    )
    def increment(self, key: bytes, delta: int, initial: Any, ttl: Any) -> None:
        self.both("increment", key, delta, initial=initial, ttl=ttl)

    @rule(prefix=st.sampled_from([b"", b"a", b"a" * 479, b"a" * 590, b"z"]), topic=TOPICS)
    def clear(self, prefix: bytes, topic: Any) -> None:
        self.both("clear", prefix, topic=topic)

    @rule(keys=st.lists(KEYS, max_size=5))
    def get_many(self, keys: Any) -> None:
        self.both("get_many", keys)

    @rule(key=KEYS)
    def expires_in(self, key: bytes) -> None:
        ours, models = outcome(self.store.expires_in, key), outcome(self.model.expires_in, key)
        if isinstance(ours, float):
            assert abs(ours - models) < 5
        else:
            assert ours == models

    @rule(prefix=st.sampled_from([b"", b"a", b"a" * 479, b"a" * 590]), limit=st.integers(1, 4))
    def scan(self, prefix: bytes, limit: int) -> None:
        found, after = [], None
        while True:
            page = self.store.scan(prefix, after=after, limit=limit)
            found += page.keys
            after = page.after
            if after is None:
                break
        assert sorted(found) == self.model.scan(prefix).keys

    @rule(topic=st.sampled_from([b"t", b"t" * 300]), limit=st.integers(1, 5))
    def changes(self, topic: bytes, limit: int) -> None:
        ours_at, models_at = self.positions[topic]
        ours = self.store.changes(topic, ours_at, limit=limit)
        models = self.model.changes(topic, models_at, limit=limit)
        assert ours.complete
        assert [(change.operation, change.key) for change in ours.changes] == [
            (change.operation, change.key) for change in models.changes
        ]
        if ours.changes:
            self.positions[topic] = ours.changes[-1].position, models.changes[-1].position

    @rule()
    def reopen(self) -> None:
        self.store.close()

    @rule()
    def sweep(self) -> None:
        self.store._transactions._care_at = 0.0  # type: ignore[attr-defined]
        self.store.set(b"swept", b"v")
        self.model.set(b"swept", b"v")

    @invariant()
    def what_is_got_is_the_same(self) -> None:
        for key in (b"", b"a", b"a" * 479, b"a" * 600):
            if hasattr(self, "store"):
                assert self.store.get(key) == self.model.get(key)


TestRecords = Records.TestCase
TestRecords.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
