"""`bulk_loader`: many callers ask for one key each, few loads serve them all."""

from __future__ import annotations

import functools
import inspect
from _thread import allocate_lock
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from .flight import Flight
from .scope import scope_var

if TYPE_CHECKING:
    import asyncio

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")
_D = TypeVar("_D")

_MISSING: Any = object()
_REQUIRED: Any = object()


class _Load(Flight):
    """One call of the user's function, and what came of it for all who wait."""

    __slots__ = ("error", "found", "keys", "task", "waiting")

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[Any] = []
        self.found: dict[Any, Any] = {}
        self.error: BaseException | None = None
        self.task: asyncio.Task[dict[Any, Any]] | None = None
        self.waiting = 0

    @property
    def was_broken_off(self) -> bool:
        """Cancelled, interrupted or killed: no failure of the load, so another one may try."""
        return self.error is not None and not isinstance(self.error, Exception)


class _Shelf:
    """What one loader knows in one request."""

    def __init__(self, maxsize: int | None) -> None:
        self.maxsize = maxsize
        self.known: OrderedDict[Any, Any] = OrderedDict()
        self.under_way: dict[Any, _Load] = {}
        # Per event loop: the load that still takes keys, until this turn of the loop is over.
        self.gathering: dict[asyncio.AbstractEventLoop, _Load] = {}
        # Native, and held for dictionary work only, so that no greenlet switches inside.
        self.lock = allocate_lock()

    def sort(
        self, wanted: Iterable[Any], found: dict[Any, Any]
    ) -> tuple[list[Any], dict[_Load, list[Any]]]:
        """Move what is known to *found*; return the keys nobody loads, and those to wait for.

        Called with the lock held.
        """
        unknown: list[Any] = []
        loads: dict[_Load, list[Any]] = {}
        for key in wanted:
            value = self.known.get(key, _REQUIRED)
            if value is not _REQUIRED:
                if self.maxsize is not None:
                    self.known.move_to_end(key)
                found[key] = value
            elif (load := self.under_way.get(key)) is not None:
                loads.setdefault(load, []).append(key)
            else:
                unknown.append(key)
        return unknown, loads

    def look(self, key: Any) -> Any:
        """What is known of one key, or _REQUIRED."""
        if self.maxsize is None:
            return self.known.get(key, _REQUIRED)  # a single look needs no lock
        with self.lock:
            value = self.known.get(key, _REQUIRED)
            if value is not _REQUIRED:
                self.known.move_to_end(key)
            return value

    def take_off(self, load: _Load, keys: list[Any]) -> None:
        """Let others know that *load* brings *keys*. Called with the lock held."""
        load.keys += keys
        for key in keys:
            self.under_way[key] = load

    def land(self, load: _Load) -> None:
        """Remember what was loaded, and wake those who wait for it."""
        with self.lock:
            for key in load.keys:
                if self.under_way.get(key) is not load:
                    continue  # forgotten meanwhile: what was loaded may be from before that
                del self.under_way[key]
                if load.error is None:
                    self.known[key] = load.found[key]
            while self.maxsize is not None and len(self.known) > self.maxsize:
                self.known.popitem(last=False)
        load.land()

    def forget(self, keys: Iterable[Any]) -> None:
        with self.lock:
            for key in keys:
                self.known.pop(key, None)
                load = self.under_way.get(key)
                # One that still takes keys has read nothing yet.
                if load is not None and load not in self.gathering.values():
                    del self.under_way[key]


class _Loader(Generic[_K, _V]):
    """What both kinds of loader share."""

    def __init__(
        self, load_many: Callable[..., Any], maxsize: int | None, max_batch: int | None
    ) -> None:
        self._load_many = load_many
        self._maxsize = maxsize
        self._max_batch = max_batch
        self._what = getattr(load_many, "__qualname__", repr(load_many))
        functools.update_wrapper(self, load_many)  # type: ignore[arg-type]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._what}>"

    def forget(self, *keys: _K) -> None:
        """Drop what this request remembers of *keys*, for example after deleting a row.

        Who asks from now on gets what is loaded after this. Loads of them that are under way go to
        those who asked before, and are not remembered.
        """
        scope = scope_var.get()
        if scope.usable and (shelf := scope.memo.get(self)) is not None:
            shelf.forget(keys)

    def _shelf(self) -> _Shelf | None:
        scope = scope_var.get()
        if not scope.usable:
            return None
        shelf: _Shelf | None = scope.memo.get(self)
        # setdefault: of two threads that come first at once, one shelf serves both.
        return shelf or scope.memo.setdefault(self, _Shelf(self._maxsize))

    def _batches(self, keys: list[_K]) -> Iterator[list[_K]]:
        if self._max_batch is None:
            yield keys
            return
        for start in range(0, len(keys), self._max_batch):
            yield keys[start : start + self._max_batch]

    def _picked(self, keys: list[_K], loaded: Mapping[_K, _V]) -> dict[_K, Any]:
        if not isinstance(loaded, Mapping):
            raise TypeError(
                f"{self._what} must return a mapping from the keys that it was given to their"
                f" values, and returned {type(loaded).__name__}."
            )
        return {key: loaded.get(key, _MISSING) for key in keys}

    def _one(self, key: _K, found: dict[_K, Any], default: Any) -> Any:
        value = found.get(key, _MISSING)
        if value is not _MISSING:
            return value
        if default is _REQUIRED:
            raise KeyError(key)
        return default


def _present(found: dict[_K, Any], keys: Iterable[_K]) -> dict[_K, Any]:
    """Those that exist, in the order in which they were asked for."""
    return {key: found[key] for key in keys if found.get(key, _MISSING) is not _MISSING}


class BulkLoader(_Loader[_K, _V]):
    """A loader made by `@holdfast.bulk_loader` from a function."""

    @overload
    def __call__(self, key: _K) -> _V: ...
    @overload
    def __call__(self, key: _K, default: _D) -> _V | _D: ...
    def __call__(self, key: _K, default: Any = _REQUIRED) -> Any:
        """The value of one key.

        Raises:
            KeyError: the function's mapping did not have it, and there is no *default*.
        """
        # The short way, taken a million times in a long request: what is known already.
        shelf: _Shelf | None = scope_var.get().memo.get(self)
        if shelf is not None:
            value = shelf.look(key)
            if value is not _REQUIRED and value is not _MISSING:
                return value
        return self._one(key, self._found([key]), default)

    def many(self, keys: Iterable[_K]) -> dict[_K, _V]:
        """The values of all *keys* that have one, loading those that are unknown in one call."""
        wanted = list(dict.fromkeys(keys))
        return _present(self._found(wanted), wanted)

    def _found(self, wanted: list[_K]) -> dict[_K, Any]:
        shelf = self._shelf()
        if shelf is None:
            return self._loaded(wanted) if wanted else {}
        found: dict[_K, Any] = {}
        with shelf.lock:
            unknown, loads = shelf.sort(wanted, found)
            load = _Load() if unknown else None
            if load is not None:
                shelf.take_off(load, unknown)
        if load is not None:
            load.board()
            try:
                load.found = self._loaded(unknown)
            except BaseException as error:
                load.error = error
                raise
            finally:
                shelf.land(load)
            found.update(load.found)
        for other, keys in loads.items():
            other.wait(self._what)
            if other.was_broken_off:
                return self._found(wanted)
            if other.error is not None:
                raise other.error
            found.update((key, other.found[key]) for key in keys)
        return found

    def _loaded(self, keys: list[_K]) -> dict[_K, Any]:
        loaded: dict[_K, Any] = {}
        for batch in self._batches(keys):
            loaded.update(self._picked(batch, self._load_many(batch)))
        return loaded


class AsyncBulkLoader(_Loader[_K, _V]):
    """A loader made by `@holdfast.bulk_loader` from a coroutine function."""

    @overload
    async def __call__(self, key: _K) -> _V: ...
    @overload
    async def __call__(self, key: _K, default: _D) -> _V | _D: ...
    async def __call__(self, key: _K, default: Any = _REQUIRED) -> Any:
        """The value of one key; all that is asked for in one turn of the loop is loaded at once.

        Raises:
            KeyError: the function's mapping did not have it, and there is no *default*.
        """
        shelf: _Shelf | None = scope_var.get().memo.get(self)
        if shelf is not None:
            value = shelf.look(key)
            if value is not _REQUIRED and value is not _MISSING:
                return value
        return self._one(key, await self._found([key]), default)

    async def many(self, keys: Iterable[_K]) -> dict[_K, _V]:
        """The values of all *keys* that have one, loading those that are unknown in one call."""
        wanted = list(dict.fromkeys(keys))
        return _present(await self._found(wanted), wanted)

    async def _found(self, wanted: list[_K]) -> dict[_K, Any]:
        shelf = self._shelf()
        if shelf is None:
            return await self._loaded(wanted) if wanted else {}
        found: dict[_K, Any] = {}
        with shelf.lock:
            unknown, loads = shelf.sort(wanted, found)
            if unknown:
                load = self._gathering(shelf)
                shelf.take_off(load, unknown)
                loads.setdefault(load, []).extend(unknown)
        for load, its_keys in loads.items():
            await self._wait_for(load)
            if load.was_broken_off:
                return await self._found(wanted)
            if load.error is not None:
                raise load.error
            found.update((key, load.found[key]) for key in its_keys)
        return found

    def _gathering(self, shelf: _Shelf) -> _Load:
        """The load that takes keys in this turn of the loop. Called with the lock held."""
        # Here and not above: importing asyncio loads ssl, which gevent wants to patch first.
        import asyncio

        loop = asyncio.get_running_loop()
        load = shelf.gathering.get(loop)
        if load is None:
            load = shelf.gathering[loop] = _Load()
            loop.call_soon(self._depart, shelf, loop, load)
        return load

    def _depart(self, shelf: _Shelf, loop: asyncio.AbstractEventLoop, load: _Load) -> None:
        with shelf.lock:
            del shelf.gathering[loop]
        if not load.waiting:
            load.error = GeneratorExit()  # no failure: nobody wanted it any more
            shelf.land(load)
            return
        load.task = loop.create_task(self._fly(load))
        # Not in the task itself: cancelled before its first step, it would never get there.
        load.task.add_done_callback(functools.partial(self._arrive, shelf, load))

    async def _fly(self, load: _Load) -> dict[_K, Any]:
        load.board()
        return await self._loaded(load.keys)

    def _arrive(self, shelf: _Shelf, load: _Load, task: asyncio.Task[dict[_K, Any]]) -> None:
        if task.cancelled():
            load.error = GeneratorExit()
        elif (error := task.exception()) is not None:
            load.error = error
        else:
            load.found = task.result()
        shelf.land(load)

    async def _wait_for(self, load: _Load) -> None:
        load.waiting += 1
        try:
            await load.wait_async(self._what)
        finally:
            load.waiting -= 1
            if not load.waiting and not load.landed and load.task is not None:
                load.task.cancel()

    async def _loaded(self, keys: list[_K]) -> dict[_K, Any]:
        loaded: dict[_K, Any] = {}
        for batch in self._batches(keys):
            loaded.update(self._picked(batch, await self._load_many(batch)))
        return loaded


@overload
def bulk_loader(
    load_many: Callable[[list[_K]], Coroutine[Any, Any, Mapping[_K, _V]]], /
) -> AsyncBulkLoader[_K, _V]: ...
@overload
def bulk_loader(load_many: Callable[[list[_K]], Mapping[_K, _V]], /) -> BulkLoader[_K, _V]: ...
@overload
def bulk_loader(
    *, maxsize: int | None = None, max_batch: int | None = None
) -> Callable[[Callable[..., Any]], Any]: ...
def bulk_loader(
    load_many: Any = None, /, *, maxsize: int | None = None, max_batch: int | None = None
) -> Any:
    """Turn `load_many(keys) -> {key: value}` into a loader that is asked for one key or many.

        @holdfast.bulk_loader
        def label(urls):
            return {label.url: label for label in Label.objects.filter(url__in=urls)}

        label("https://a.example/")              # KeyError, where the mapping lacks it
        label("https://a.example/", None)
        label.many(urls)                         # {url: Label} of those that exist

    For each request it remembers what was loaded, and which keys do not exist. Unknown keys of one
    call are loaded by one call of the function; a key that another thread, greenlet or task of the
    request is loading is waited for. From a coroutine function comes a loader to be awaited, which
    gathers all keys that are asked for in one turn of the event loop. If the function raises, all
    who asked for those keys get the error, and nothing is remembered. Outside of requests each call
    loads.

    Args:
        load_many: what is decorated: given a list of distinct keys, it returns a mapping from
            those that exist to their values.
        maxsize: how many keys are remembered for each request, the least recently used leaving
            first; by default all. A single call may ask for more: its result is whole.
        max_batch: how many keys the function is given at most in one call; by default all, which a
            database may refuse (SQLite takes 32,766 parameters in a query by default).

    Blocks as long as the function does. A remembered key costs a fifth of a microsecond.
    """
    if load_many is None:
        return functools.partial(_loader_of, maxsize=maxsize, max_batch=max_batch)
    return _loader_of(load_many, maxsize, max_batch)


def _loader_of(
    load_many: Callable[..., Any], maxsize: int | None, max_batch: int | None
) -> BulkLoader[Any, Any] | AsyncBulkLoader[Any, Any]:
    for name, limit in (("maxsize", maxsize), ("max_batch", max_batch)):
        if limit is not None and limit < 1:
            raise ValueError(f"bulk_loader({name}={limit}): must be at least 1, or None.")
    if not callable(load_many):
        raise TypeError(f"bulk_loader decorates a function of a list of keys, not {load_many!r}.")
    kind = AsyncBulkLoader if inspect.iscoroutinefunction(load_many) else BulkLoader
    return kind(load_many, maxsize, max_batch)
