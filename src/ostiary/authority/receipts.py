"""Receipts: what an ending was, signed, for whoever has to prove it without asking us."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ostiary.authority.evidence import Evidence
from ostiary.authority.oauth.keys import Keys
from ostiary.authority.settling import Settling
from ostiary.core import statement
from ostiary.core.caller import Caller
from ostiary.core.endings import ENDED
from ostiary.core.event import Event
from ostiary.core.policy import Policy
from ostiary.core.statement import written
from ostiary.core.token import is_id
from ostiary.errors import Conflict, EventNotFound
from ostiary.storage import chain, events, leases, sessions, verifiers
from ostiary.storage.database import Connection, Database


class Receipts:
    """Sign receipts of endings, and checkpoints of the chain."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        policy: Policy,
        evidence: Evidence,
        keys: Keys,
        settling: Settling,
    ) -> None:
        """Part of an `Authority`."""
        self.database = database
        self._clock = clock
        self._policy = policy
        self._settling = settling
        self._evidence = evidence
        self._keys = keys

    async def of(self, wanted: str, *, by: Caller) -> str:
        """The receipt of the ending that holds, as a JWS that the published keys verify (RFC 7515).

        Args:
            wanted: the session's id, or the position of the event that tells of its ending.

        Raises:
            NotAllowed: the caller is not an administrator.
            EventNotFound: no such event, or it tells of something else; a session that nobody ended, or unknown.
            Conflict: the session lives, or is suspended, or this ending was undone; there is no key to sign with.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            ending = await self._ending(db, wanted)
        if ending.kind == "session.suspended":  # and its time is over
            await self._settling.settle_one(ending.session_id or "")
        async with self.database.reading() as db:
            ending = await self._ending(db, wanted)
            if ending.kind != "session.revoked":
                raise Conflict("this ending is not final yet; ask again in a moment")
            act = await events.endings_of_act(db, ending, statement.MAXIMUM_SESSIONS + 1)
            link = await chain.of_position(db, ending.position or 0)
            # Those that began after it remember nothing from before.
            remembering = [one for one in await verifiers.list_all(db) if one.since < ending.at]
            now = await leases.now(db)
        places = [statement.place(one, ending.at, now) for one in remembering]
        return await self._keys.sign_evidence(statement.receipt(ending, act, link, places), statement.RECEIPT)

    async def _ending(self, db: Connection, wanted: str) -> Event:
        """The ending that is meant, if it holds; a suspension only if it cannot be undone any more."""
        asked = await _event_at(db, wanted)
        session_id = wanted if is_id(wanted) and wanted.startswith("sess_") else asked.session_id if asked else None
        if session_id is None or (asked is not None and asked.kind not in ENDED):
            raise EventNotFound
        session = await sessions.find(db, session_id)
        life = session.life(self._policy, self._clock()) if session is not None else "ended"
        if life == "live":
            raise Conflict("this session lives: its ending was undone" if asked else "this session lives")
        if life == "suspended":
            until = session.revoked.suspended_until if session is not None and session.revoked else None
            words = f"until {written(until)}, while that can be undone" if until else ""
            raise Conflict(f"this session is suspended {words}: there is a receipt once its ending is final")
        newest = await events.ending_of(db, session_id)
        if newest is None or newest.kind not in ENDED:
            raise EventNotFound
        if asked is not None and asked.position != newest.position and not _followed_by(asked, newest):
            raise Conflict("this ending was undone; the session ended again later")
        return newest

    async def checkpoint(self, *, by: Caller) -> str:
        """A signed checkpoint of the chain as it is now.

        Raises:
            NotAllowed: the caller is not an administrator.
            Conflict: nothing has been sealed yet, or there is no key to sign with.
        """
        point = await self._evidence.checkpoint(by=by)
        return await self._keys.sign_evidence(statement.checkpoint(point), statement.CHECKPOINT)

    async def key_set(self) -> dict[str, Any]:
        """The keys that verify what is signed now: to be kept beside it, as keys are published for a while only."""
        return {"keys": await self._keys.published()}


def _followed_by(suspension: Event, ending: Event) -> bool:
    """True if it was this suspension that the ending made final."""
    return suspension.kind == "session.suspended" and ending.detail.get("suspended_at") == written(suspension.at)


async def _event_at(db: Connection, wanted: str) -> Event | None:
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 19:  # what a position can be
        return await events.find(db, int(wanted))
    return None
