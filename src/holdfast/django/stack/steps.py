"""What a request passes, in order: each hook, the thread that it runs in, and each switch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .chain import Chain, Hook, Layer
from .step import Cause, Place, Setting, Step, Switch, Switches, When


def steps(chain: Chain, setting: Setting) -> list[Step]:
    """What a request passes: one that ends with a plain response and no exception, and may-bes."""
    return list(_Passage(chain, setting).steps())


@dataclass
class _Passage:
    chain: Chain
    setting: Setting
    # Whether the request has a thread of its own by now, or (under WSGI) an event loop.
    has_other: bool = field(default=False)

    def steps(self) -> Iterator[Step]:
        yield from self._start()
        layers = self.chain.layers
        above = self.chain.is_async
        for number, layer in enumerate(layers):
            yield self._call(number, layer, above_is_async=above)
            yield from self._mixin(layer, "process_request")
            above = layer.is_async
        yield from self._view(above)
        for layer in reversed(layers):
            yield from self._mixin(layer, "process_response")
        yield from self._end()

    # Places

    def _place(self, *, is_async: bool) -> Place:
        if self.chain.is_async:
            return Place.LOOP if is_async else Place.THREAD
        return Place.OWN_LOOP if is_async else Place.WORKER

    def _switch(self, *, to_async: bool) -> Switch:
        if not to_async:
            self.has_other = True
            return Switch.TO_THREAD
        if self.chain.is_async or self.has_other:
            return Switch.TO_LOOP
        return Switch.NEW_LOOP

    # Layers

    def _call(self, number: int, layer: Layer, *, above_is_async: bool) -> Step:
        switches = []
        if above_is_async is not layer.is_async:
            cause = self._cause_between(number - 1, number)
            switches.append((self._switch(to_async=layer.is_async), cause))
        return Step(
            layer.path,
            self._place(is_async=layer.is_async),
            tuple(switches),
            middleware=layer.path,
            hook="__call__",
        )

    def _cause_between(self, upper: int, lower: int) -> Cause:
        """Who is to blame for the switch between two neighbours, one of which may be the handler.

        Of two neighbours one runs in the way of the interface, and the other against it: because
        it can't do otherwise, or because something below it can't.
        """
        layers = self.chain.layers
        odd = lower if lower < len(layers) and self._is_odd(lower) else upper
        while odd < len(layers) - 1 and self._follows(odd):
            odd += 1
        kind = "sync-only" if self.chain.is_async else "async-only"
        return Cause(kind, layers[odd].path)

    def _is_odd(self, number: int) -> bool:
        return self.chain.layers[number].is_async is not self.chain.is_async

    def _follows(self, number: int) -> bool:
        """Whether the layer would run the interface's way, if the one below it did."""
        layer = self.chain.layers[number]
        could = layer.can_async if self.chain.is_async else layer.can_sync
        return could and self._is_odd(number + 1)

    def _mixin(self, layer: Layer, name: str) -> Iterator[Step]:
        for hook in layer.mixin_hooks:
            if hook.name == name:
                switches: Switches = ()
                if layer.is_async:
                    cause = Cause("mixin", layer.path)
                    switches = ((self._switch(to_async=False), cause),)
                yield self._hook_step(layer, hook, self._place(is_async=False), switches)

    def _hook_step(
        self,
        layer: Layer,
        hook: Hook,
        place: Place,
        switches: Switches,
        when: When = When.ALWAYS,
    ) -> Step:
        what = f"{hook.name} of {layer.path}"
        return Step(what, place, switches, when, layer.path, hook.name)

    # The view, and what Django calls around it

    def _view(self, above_is_async: bool) -> Iterator[Step]:  # noqa: FBT001
        handler_is_async = self.chain.is_async
        entering: Switches = ()
        if above_is_async is not handler_is_async:
            cause = self._cause_between(len(self.chain.layers) - 1, len(self.chain.layers))
            entering = ((self._switch(to_async=handler_is_async), cause),)
        if entering:
            place = self._place(is_async=handler_is_async)
            yield Step("Django's handler, around the view", place, entering)
        yield from self._hooks("process_view", handler_is_async, When.ALWAYS)
        is_async = self.setting.view_is_async
        kind = "async" if is_async else "sync"
        switches = self._adapted(
            Cause("view", f"{kind} view"), caller_is_async=handler_is_async, is_async=is_async
        )
        yield Step(f"the view ({kind})", self._place(is_async=is_async), switches)
        yield from self._hooks("process_template_response", handler_is_async, When.TEMPLATE)
        if handler_is_async:
            cause = Cause("view", "rendering")
            switches = ((Switch.TO_THREAD, cause),)
            yield Step("rendering", Place.THREAD, switches, When.TEMPLATE)
        yield from self._exception_hooks()

    def _adapted(self, cause: Cause, *, caller_is_async: bool, is_async: bool) -> Switches:
        if caller_is_async is is_async:
            return ()
        return ((self._switch(to_async=is_async), cause),)

    def _hooks(self, name: str, caller_is_async: bool, when: When) -> Iterator[Step]:  # noqa: FBT001
        layers = self.chain.layers
        for layer in layers if name == "process_view" else reversed(layers):
            for hook in layer.hooks:
                if hook.name == name:
                    other = self.has_other
                    cause = Cause("hook", layer.path)
                    switches = self._adapted(
                        cause, caller_is_async=caller_is_async, is_async=hook.is_async
                    )
                    if when is not When.ALWAYS:
                        self.has_other = other
                    place = self._place(is_async=hook.is_async)
                    yield self._hook_step(layer, hook, place, switches, when)

    def _exception_hooks(self) -> Iterator[Step]:
        # Django runs all of them in sync code, in the thread.
        found = [
            (layer, hook)
            for layer in reversed(self.chain.layers)
            for hook in layer.hooks
            if hook.name == "process_exception"
        ]
        if self.chain.is_async and (found or not self.setting.ours):
            kind = "hook" if found else "handler"
            name = found[0][0].path if found else "Django's handler"
            switches = ((Switch.TO_THREAD, Cause(kind, name)),)
            yield Step("looking for exception middleware", Place.THREAD, switches, When.EXCEPTION)
        for layer, hook in found:
            to_loop: Switches = ()
            if hook.is_async:
                way = Switch.TO_LOOP if self.chain.is_async else Switch.NEW_LOOP
                to_loop = ((way, Cause("hook", layer.path)),)
            place = self._place(is_async=hook.is_async)
            yield self._hook_step(layer, hook, place, to_loop, When.EXCEPTION)

    # Signals, and closing

    def _start(self) -> Iterator[Step]:
        started = self.setting.receivers.started
        yield from self._received("request_started", started.sync, started.others)

    def _end(self) -> Iterator[Step]:
        finished = self.setting.receivers.finished
        if not self.chain.is_async:
            self.has_other = False  # a loop that was made for middleware or the view is gone
            yield from self._received("request_finished", finished.sync, finished.others)
            return
        in_thread = not self.setting.ours or self.has_other or bool(finished.of_the_project)
        if not in_thread:
            yield Step("closing the response", Place.LOOP)
        else:
            switches = ((self._switch(to_async=False), self._cause_at_end()),)
            yield Step("closing the response", Place.THREAD, switches)
            yield Step(_receivers("request_finished", finished.sync), Place.THREAD)
        if finished.others:
            cause = Cause("receivers", ", ".join(finished.others))
            way = ((Switch.TO_LOOP, cause),) if in_thread else ()
            yield Step(_receivers("request_finished", finished.others), Place.LOOP, way)

    def _cause_at_end(self) -> Cause:
        if not self.setting.ours:
            return Cause("handler", "Django's handler")
        names = self.setting.receivers.finished.of_the_project
        return Cause("receivers", ", ".join(names)) if names else Cause("closing", "the thread")

    def _received(
        self, signal: str, sync: tuple[str, ...], others: tuple[str, ...]
    ) -> Iterator[Step]:
        """The receivers of a signal that the handler sends in its own way."""
        is_async = self.chain.is_async
        started = self.setting.receivers.started
        if is_async and self.setting.ours and not started.of_the_project:
            sync = ()
        if sync:
            cause = (
                Cause("receivers", ", ".join(started.of_the_project))
                if self.setting.ours
                else Cause("handler", "Django's handler")
            )
            switches = self._adapted(cause, caller_is_async=is_async, is_async=False)
            yield Step(_receivers(signal, sync), self._place(is_async=False), switches)
        if others:
            cause = Cause("receivers", ", ".join(others))
            switches = self._adapted(cause, caller_is_async=is_async, is_async=True)
            yield Step(_receivers(signal, others), self._place(is_async=True), switches)


def _receivers(signal: str, names: tuple[str, ...]) -> str:
    return f"{signal}: {', '.join(names)}"
