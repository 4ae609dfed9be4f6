"""Waiting for the end of a session, for those who keep a connection open for it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final

from ostiary.core.endings import Changed, Ended, EndedMany, Entry
from ostiary.sdk.verifier.failures import CannotProve
from ostiary.sdk.verifier.verified import VerifiedSession

MAXIMUM: Final = 100_000  # sessions watched at once


class Watch:
    """A subscription to the ending of one session."""

    def __init__(self, session_id: str, user_id: str, created_at: datetime) -> None:
        """Of this session."""
        self.session_id = session_id
        self.user_id = user_id
        self.created_at = created_at
        self.future: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()

    def ending(self, entry: Entry) -> Ended | None:
        """The ending that an entry means for it. Where nobody can tell, it is one: the holder may come again."""
        if isinstance(entry, Ended):
            return entry if entry.session_id == self.session_id else None
        if isinstance(entry, Changed) and entry.session_id != self.session_id:
            return None  # else it was renewed, and who holds the connection may have the secret of before
        if isinstance(entry, EndedMany):
            others = entry.user_id is not None and entry.user_id != self.user_id
            if others or self.created_at > entry.cut_off:
                return None
        return Ended(self.session_id, self.user_id, None, datetime.now(UTC))


class Watches:
    """All subscriptions."""

    def __init__(self) -> None:
        """None yet."""
        self._by_session: dict[str, set[Watch]] = {}

    async def wait(self, session: VerifiedSession, user_id: str) -> Ended:
        """Wait for the end of a session.

        Raises:
            CannotProve: too many are watched, or it cannot be told any more.
        """
        session_id = session.id
        if len(self._by_session) >= MAXIMUM:
            raise CannotProve(f"more than {MAXIMUM} sessions are watched")
        watch = Watch(session_id, user_id, session.created_at)
        self._by_session.setdefault(session_id, set()).add(watch)
        try:
            return await watch.future
        finally:
            self._by_session[session_id].discard(watch)
            if not self._by_session[session_id]:
                del self._by_session[session_id]

    def hear(self, entry: Entry) -> None:
        """Tell those whom an entry concerns."""
        found = self._by_session.get(entry.session_id, ()) if isinstance(entry, Ended) else self._everybody()
        for watch in list(found):
            ending = watch.ending(entry)
            if ending is not None and not watch.future.done():
                watch.future.set_result(ending)

    def give_up(self, why: str) -> None:
        """Nobody can tell any more."""
        for watch in self._everybody():
            if not watch.future.done():
                watch.future.set_exception(CannotProve(why))

    def _everybody(self) -> list[Watch]:
        return [watch for watches in self._by_session.values() for watch in watches]
