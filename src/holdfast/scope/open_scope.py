"""`open_scope`: a request scope for code that no server runs."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from .scope import NOWHERE, Scope, scope_var


class open_scope:  # noqa: N801 - used like a function
    """A request scope for code that no server runs: jobs, shells, tests.

        with holdfast.open_scope(user_id=7):      # or: async with
            holdfast.state.user_id

    The scope that was current before is current again afterwards. Opens unconditionally: inside
    of a request it opens a scope of its own.

    Args:
        request: what `holdfast.request` shall be; None by default.
        values: set on `holdfast.state`.

    What errors and logs call it is `scope.name`, which you may set.
    """

    __slots__ = ("_outer", "_request", "_scope", "_values")

    def __init__(self, request: Any = None, **values: Any) -> None:
        self._request = request
        self._values = values
        self._scope: Scope | None = None
        self._outer: Scope = NOWHERE

    def _open(self, *, may_await: bool) -> Scope:
        if self._scope is not None:
            raise RuntimeError("This open_scope() is in use already; call open_scope() anew.")
        scope = Scope(self._request, "open_scope()", may_await=may_await)
        try:
            for name, value in self._values.items():
                setattr(scope.state, name, value)
        except AttributeError:
            scope.close()
            raise
        self._scope, self._outer = scope, scope_var.get()
        scope_var.set(scope)
        return scope

    def _leave(self) -> Scope:
        scope, self._scope = self._scope, None
        if scope is None:
            raise RuntimeError("This open_scope() was not entered.")
        # In another context (a generator that was closed elsewhere) there is nothing to put back.
        if scope_var.get() is scope:
            scope_var.set(self._outer)
        return scope

    def __enter__(self) -> Scope:
        return self._open(may_await=False)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave().close()

    async def __aenter__(self) -> Scope:
        return self._open(may_await=True)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._leave().aclose()
