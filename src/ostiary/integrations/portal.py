"""For synchronous frameworks: one event loop in a thread of its own, in which the same objects work as anywhere.

A thin facade, one line a verb; there is no second implementation.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, Unpack

from ostiary.core.account import User
from ostiary.errors import Unauthenticated
from ostiary.http.asgi import Scope
from ostiary.integrations.identity import Begun, Identify, Identity, Keeper, Listed, Opening
from ostiary.integrations.visit import Visit

T = TypeVar("T")


class Portal:
    """Runs a keeper for threads that wait. A server that forks gets a new keeper in each child."""

    def __init__(self, make_keeper: Callable[[], Keeper]) -> None:
        """`make_keeper` is called in the process that uses it; nothing runs until it is needed."""
        self._make = make_keeper
        self._turn = threading.Lock()
        self._process: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._keeper: Keeper | None = None
        atexit.register(self.close)

    @property
    def keeper(self) -> Keeper:
        """What answers. Its verbs work only inside `run`."""
        return self._ready()[0]

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        """Do something with the keeper, and wait for what comes of it."""
        keeper, loop = self._ready()
        return asyncio.run_coroutine_threadsafe(_opened(keeper, act), loop).result()

    def close(self) -> None:
        """Give everything back. It opens again when it is needed again."""
        with self._turn:
            keeper, loop, thread = self._keeper, self._loop, self._thread
            self._keeper = self._loop = self._thread = None
        if keeper is None or loop is None or thread is None or self._process != os.getpid():
            return
        asyncio.run_coroutine_threadsafe(keeper.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _ready(self) -> tuple[Keeper, asyncio.AbstractEventLoop]:
        with self._turn:
            if self._keeper is None or self._loop is None or self._process != os.getpid():
                self._process = os.getpid()  # after a fork, nothing of the parent's loop works
                self._loop = asyncio.new_event_loop()
                self._keeper = self._make()
                self._thread = threading.Thread(target=self._loop.run_forever, name="ostiary", daemon=True)
                self._thread.start()
            return self._keeper, self._loop


async def _opened(keeper: Keeper, act: Coroutine[Any, Any, T]) -> T:
    try:
        await keeper.open()
    except BaseException:
        act.close()
        raise
    return await act


class BlockingVisit:
    """A `Visit`, for those who wait."""

    def __init__(
        self,
        portal: Portal,
        scope: Scope,
        *,
        identify: Identify | None = None,
        request: Any = None,
        check_origin: bool = True,
    ) -> None:
        """As `Visit`; but `identify` is asked in the thread of the request, where its framework expects to be."""
        self._run = portal.run
        self._identify = identify
        self._request = request
        self._is_settled = False
        self.inner = Visit(portal.keeper, scope, check_origin=check_origin)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What the answer must carry."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.inner.headers]

    @property
    def token(self) -> str | None:
        """As `Visit.token`."""
        return self.inner.token

    @property
    def identity(self) -> Identity | None:
        """Who sent it, once somebody asked."""
        return self.inner.identity

    def current(self) -> Identity:
        """As `Visit.current`."""
        identity = self._run(self.inner.verified())
        if self._identify is None or self._is_settled:
            return identity
        try:
            user = self._identify(self._request)
        except BaseException:
            self.inner.identity = None
            raise
        if user is not None and not isinstance(user, User):
            raise TypeError("identify must answer a User or None here; it may not be async")
        identity = self.inner.settle(user)
        self._is_settled = True
        return identity

    def current_or_none(self) -> Identity | None:
        """As `Visit.current_or_none`."""
        try:
            return self.current()
        except Unauthenticated:
            return None

    def verified(self) -> Identity:
        """As `Visit.verified`."""
        return self._run(self.inner.verified())

    def start(self, user_id: str, *, cookie: bool = True, **opening: Unpack[Opening]) -> Begun:
        """As `Visit.start`."""
        self._is_settled = False
        return self._run(self.inner.start(user_id, cookie=cookie, **opening))

    def sign_out(self) -> None:
        """As `Visit.sign_out`."""
        self._run(self.inner.sign_out())

    def list(self) -> list[Listed]:
        """As `Visit.list`."""
        self.current()
        return self._run(self.inner.list())

    def revoke(self, session_id: str) -> None:
        """As `Visit.revoke`."""
        self.current()
        self._run(self.inner.revoke(session_id))

    def revoke_others(self) -> int:
        """As `Visit.revoke_others`."""
        self.current()
        return self._run(self.inner.revoke_others())

    def revoke_all(self) -> int:
        """As `Visit.revoke_all`."""
        self.current()
        return self._run(self.inner.revoke_all())
