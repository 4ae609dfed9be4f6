"""Reading the trail of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ostiary.core.caller import Caller
from ostiary.core.event import Event
from ostiary.errors import UserNotFound
from ostiary.storage import accounts, events
from ostiary.storage.database import Database


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page, newest first; `before` is the position of its last event while there is more."""

    events: Sequence[Event]
    before: int | None


class Audit:
    """List."""

    def __init__(self, database: Database) -> None:
        """Part of an `Authority`."""
        self.database = database

    async def list(
        self, *, by: Caller, username: str | None = None, before: int | None = None, limit: int = 100
    ) -> EventPage:
        """One page of what happened, newest first, before a position.

        Raises:
            NotAllowed: the caller is not an administrator.
            UserNotFound: `username` names nobody.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            user_id = None
            if username is not None:
                account = await accounts.find(db, username)
                if account is None:
                    raise UserNotFound(username)
                user_id = account.user.id
            found = await events.list_newest(db, user_id=user_id, before=before, limit=limit + 1)
        page = found[:limit]
        return EventPage(page, page[-1].position if len(found) > limit else None)
