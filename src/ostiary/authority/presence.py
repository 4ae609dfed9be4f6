"""When and from where a session was last used: noted on use, written in batches, at most once a minute per session."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from ostiary.authority.tasks import Tasks
from ostiary.core.client import Client
from ostiary.core.credential import CliToken
from ostiary.core.policy import Policy
from ostiary.core.session import Session
from ostiary.errors import StoreUnavailable
from ostiary.storage import cli_tokens, store_time, uses
from ostiary.storage.database import Connection, Database, in_transaction
from ostiary.storage.uses import Use

GRAIN: Final = timedelta(minutes=1)  # a session's use is written at most this often
FLUSH_EVERY: Final = 5.0  # seconds
URGENT: Final = timedelta(seconds=2 * FLUSH_EVERY) + GRAIN  # this close to the idle limit, use is written at once
PIECE: Final = 100  # sessions written at once: a thousand would hold up every request for some hundredths of a second
MAXIMUM_NOTES: Final = 100_000  # kept while the store is away; beyond it, new use goes unrecorded
_NOWHERE: Final = (None, None)


class Presence:
    """Notes use, and writes it down."""

    def __init__(self, database: Database, policy: Policy, clock: Callable[[], datetime], tasks: Tasks) -> None:
        """One per process."""
        self.database = database
        self._policy = policy
        self._clock = clock
        self._sessions: dict[str, Use] = {}
        self._above: dict[str, Use] = {}  # what these are bound to: a use of them is a use of it
        self._tokens: dict[str, datetime] = {}
        self._tasks = tasks

    def note_session(self, session: Session, client: Client, now: datetime) -> bool:
        """Note use. True if it must be written before answering, as the idle limit is near.

        A use from where the session was not before is noted whatever else used it, or what is bound to it, a moment
        ago: it waits in the notes until a minute has passed since then.
        """
        was, where = (session.ip, session.user_agent), (client.ip, client.user_agent)
        has_moved = where not in (was, _NOWHERE)
        fresh_until = session.last_used_at + GRAIN
        if now < fresh_until and not has_moved:
            return False
        is_urgent = self._is_urgent(session, now)
        noted = self._sessions.get(session.id)
        if (
            noted is not None
            and not is_urgent
            and now < (noted.due or now)
            and (not has_moved or where == (noted.ip, noted.user_agent))
        ):
            return False  # a note that waits says it already
        # A session that was minted has not been anywhere: its first use is recorded, however soon it comes.
        due = now if is_urgent or was == _NOWHERE else noted.due if noted is not None else fresh_until
        if noted is not None and noted.has_moved and not has_moved:
            where, has_moved = (noted.ip, noted.user_agent), True
        if noted is not None or len(self._sessions) < MAXIMUM_NOTES:
            self._sessions[session.id] = Use(now, *where, len(session.path), has_moved, due)
            self._above |= {one: Use(now, None, None, depth) for depth, one in enumerate(session.path)}
        return is_urgent

    def _is_urgent(self, session: Session, now: datetime) -> bool:
        idle = self._policy.idle_limit(stays=session.stays)
        return idle is not None and session.last_used_at + idle - now < URGENT

    def note_token(self, token: CliToken, now: datetime) -> None:
        """Note use of a CLI token."""
        if (token.last_used_at is None or now - token.last_used_at >= GRAIN) and len(self._tokens) < MAXIMUM_NOTES:
            self._tokens.setdefault(token.id, now)

    async def flush(self, *, whole: bool = False) -> None:
        """Write the notes down that are due, or the `whole`. What could not be written is kept for the next time.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        now = self._clock()
        used = {one: use for one, use in self._sessions.items() if whole or use.due is None or use.due <= now}
        self._sessions = {one: use for one, use in self._sessions.items() if one not in used}
        above, self._above = self._above, {}
        tokens, self._tokens = self._tokens, {}
        try:
            # What others are bound to comes first: it must never be unused for longer than these.
            while above:
                piece = dict(itertools.islice(above.items(), PIECE))
                await self._write({}, piece, {})
                for session_id in piece:
                    del above[session_id]
            while used or tokens:
                piece = dict(itertools.islice(used.items(), PIECE))
                await self._write(piece, {}, tokens)
                tokens = {}
                for session_id in piece:
                    del used[session_id]
        except BaseException:
            self._sessions = used | self._sessions
            self._above = above | self._above
            self._tokens = tokens | self._tokens
            raise

    @in_transaction
    async def _write(
        self, db: Connection, used: dict[str, Use], above: dict[str, Use], tokens: dict[str, datetime]
    ) -> None:
        ahead = await store_time.ahead(db)
        if ahead > store_time.TOLERANCE:
            # A use in the future would keep a session awake for all others until then.
            used = {session_id: replace(use, at=use.at - ahead) for session_id, use in used.items()}
            above = {session_id: replace(use, at=use.at - ahead) for session_id, use in above.items()}
            tokens = {token_id: at - ahead for token_id, at in tokens.items()}
        await uses.touch(db, used, self._policy, self._clock() - ahead, above)
        await cli_tokens.touch(db, tokens)

    def begin(self) -> None:
        """Write every few seconds from now on."""
        self._tasks.begin("presence", self._step)

    async def _step(self) -> None:
        await asyncio.sleep(FLUSH_EVERY)
        await self.flush()

    async def stop(self) -> None:
        """Stop writing by the clock, and write what is left."""
        await self._tasks.stop("presence")
        with contextlib.suppress(StoreUnavailable):
            await self.flush(whole=True)
