"""Receipts: what an ending was, signed, for whoever has to prove it without asking us."""

from __future__ import annotations

from typing import Any

from ostiary.authority.evidence import Evidence
from ostiary.authority.oauth.keys import Keys
from ostiary.core import statement
from ostiary.core.caller import Caller
from ostiary.core.event import Event
from ostiary.core.token import is_id
from ostiary.errors import EventNotFound
from ostiary.storage import chain, events, leases, verifiers
from ostiary.storage.database import Connection, Database


class Receipts:
    """Sign receipts of endings, and checkpoints of the chain."""

    def __init__(self, database: Database, evidence: Evidence, keys: Keys) -> None:
        """Part of an `Authority`."""
        self.database = database
        self._evidence = evidence
        self._keys = keys

    async def of(self, wanted: str, *, by: Caller) -> str:
        """The receipt of an ending, as a JWS that the published keys verify (RFC 7515).

        Args:
            wanted: the session's id, or the position of the event that tells of its ending.

        Raises:
            NotAllowed: the caller is not an administrator.
            EventNotFound: no such event, or it tells of something else.
            Conflict: there is no key to sign with.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            ending = await _ending(db, wanted)
            if ending is None or ending.kind != "session.revoked":
                raise EventNotFound
            act = await events.endings_of_act(db, ending, statement.MAXIMUM_SESSIONS + 1)
            link = await chain.of_position(db, ending.position or 0)
            # Those that began after it remember nothing from before.
            remembering = [one for one in await verifiers.list_all(db) if one.since < ending.at]
            now = await leases.now(db)
        places = [statement.place(one, ending.at, now) for one in remembering]
        return await self._keys.sign_evidence(statement.receipt(ending, act, link, places), statement.RECEIPT)

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


async def _ending(db: Connection, wanted: str) -> Event | None:
    if wanted.startswith("sess_") and is_id(wanted):
        return await events.ending_of(db, wanted)
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 19:  # what a position can be
        return await events.find(db, int(wanted))
    return None
