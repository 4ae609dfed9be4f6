"""The verifier for blocking programs: the async one, in a thread of its own. A hit does not cross threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

from ostiary.core.endings import Ended
from ostiary.sdk.verifier.failures import CannotProve
from ostiary.sdk.verifier.verified import Verified
from ostiary.sdk.verifier.verifier import Verifier

T = TypeVar("T")


class BlockingVerifier:
    """Answers "who holds this?" for a blocking application. It may be shared by threads; make it after a fork."""

    def __init__(self, url: str, **options: Any) -> None:
        """As `Verifier`, but for `http_client`; its thread begins with `start`, or with the block."""
        self._verifier = Verifier(url, **options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ostiary-verifier", daemon=True)

    def start(self) -> Self:
        """Begin to follow the feed."""
        self._thread.start()
        self._run(self._verifier.__aenter__())
        return self

    def verify(self, token: str, *, ip: str | None = None, user_agent: str | None = None) -> Verified:
        """As `Verifier.verify`."""
        found = self._verifier.recall(token)
        if found is not None:
            if found[1] and self._thread.is_alive():
                self._loop.call_soon_threadsafe(self._verifier.renew, token, ip, user_agent)
            return found[0]
        return self._run(self._verifier.verify(token, ip=ip, user_agent=user_agent))

    def look(self, token: str) -> Verified:
        """As `Verifier.look`."""
        return self._run(self._verifier.look(token))

    def watch(self, credential: str) -> Future[Ended]:
        """As `Verifier.watch`: the future of the ending. Cancel it when nobody needs to know any more."""
        return asyncio.run_coroutine_threadsafe(self._verifier.watch(credential), self._loop)

    def wait_until_fresh(self, within: float = 10.0) -> None:
        """As `Verifier.wait_until_fresh`."""
        self._run(self._verifier.wait_until_fresh(within))

    @property
    def is_fresh(self) -> bool:
        """As `Verifier.is_fresh`."""
        return self._verifier.is_fresh

    @property
    def sessions(self) -> int:
        """As `Verifier.sessions`."""
        return self._verifier.sessions

    def close(self) -> None:
        """As `Verifier.close`; the thread ends."""
        if self._thread.is_alive():
            self._run(self._verifier.close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        if not self._loop.is_closed():
            self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        if not self._thread.is_alive():
            work.close()
            raise CannotProve("the verifier was not started, was closed, or belongs to another process")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def __enter__(self) -> Self:
        """As `start`."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """As `close`."""
        self.close()

    def __repr__(self) -> str:
        """Without any secret."""
        return f"Blocking{self._verifier!r}"
