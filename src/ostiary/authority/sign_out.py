"""Signing out by the secret itself: its holder lets go of it, whatever has become of the session meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from ostiary.authority.ending import end_sessions
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.token import Token, is_session_token, parse
from ostiary.storage import sessions
from ostiary.storage.database import Connection, Database, in_transaction

MAXIMUM: Final = 8  # credentials of one request; a browser sends one


class SignOut:
    """End what the holder of a secret holds."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Part of an `Authority`."""
        self.database = database
        self._clock = clock

    async def of(self, credentials: Iterable[str], *, at: Client) -> int:
        """End for good each session whose own token is among these, also a suspended one. How many there are.

        No caller is needed, and none is looked at: who presents the secret may always let go of it, and what a plan
        suspended must not come back to a browser that was told that it is signed out. What is no session's token, is
        unknown, or does not match changes nothing.
        """
        tokens = [token for text in dict.fromkeys(credentials) if is_session_token(text) and (token := parse(text))]
        return await self._of(tokens[:MAXIMUM], at) if tokens else 0

    @in_transaction
    async def _of(self, db: Connection, tokens: list[Token], at: Client) -> int:
        count, now = 0, self._clock()
        # In one order, so that two of these cannot wait for each other.
        for token in sorted(tokens, key=lambda one: one.id):
            session = await sessions.find(db, token.id)
            stored = await sessions.secret_hash(db, token.id)
            if not token.matches(stored) or session is None:
                continue
            by = Caller(User(session.user_id), session=session, client=at)
            await end_sessions(db, sessions.by_id(session.id), reason="logout", by=by, now=now)
            count += 1
        return count
