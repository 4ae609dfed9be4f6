"""Reading the trail of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ostiary.authority.sealing import SETTLED_AFTER
from ostiary.core.caller import Caller
from ostiary.core.event import ALL, Event, Wanted
from ostiary.errors import UserNotFound
from ostiary.storage import accounts, events, leases
from ostiary.storage.database import Connection, Database


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page.

    Attributes:
        beyond: the position of its last event while there is more.
        settled: nothing can appear at or below this position any more; told to who follows.
    """

    events: Sequence[Event]
    beyond: int | None
    settled: int


class Audit:
    """List, follow."""

    def __init__(self, database: Database) -> None:
        """Part of an `Authority`."""
        self.database = database

    async def list(
        self,
        *,
        by: Caller,
        username: str | None = None,
        wanted: Wanted = ALL,
        before: int | None = None,
        limit: int = 100,
    ) -> EventPage:
        """One page of what happened, newest first, before a position.

        Args:
            username: of this user only: a name, or the id of one who has no name here (any more).

        Raises:
            NotAllowed: the caller is not an administrator.
            UserNotFound: `username` names nobody of whom anything is known.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            wanted = await _of_user(db, wanted, username)
            found = await events.list_newest(db, wanted, before=before, limit=limit + 1)
        page = found[:limit]
        return EventPage(page, page[-1].position if len(found) > limit else None, 0)

    async def follow(
        self, *, by: Caller, username: str | None = None, wanted: Wanted = ALL, after: int = 0, limit: int = 100
    ) -> EventPage:
        """One page of what happened, oldest first, after a position.

        Who follows the trail must not only ask for what is after the last position that they have seen: one below it
        can still come up. They ask again after `settled`, and forget what they have seen.

        Raises:
            NotAllowed, UserNotFound: as `list`.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            settled = await events.settled(db, await leases.now(db) - 2 * SETTLED_AFTER)
            wanted = await _of_user(db, wanted, username)
            found = await events.list_oldest(db, wanted, after=after, limit=limit + 1)
        page = found[:limit]
        return EventPage(page, page[-1].position if len(found) > limit else None, settled)


async def _of_user(db: Connection, wanted: Wanted, username: str | None) -> Wanted:
    if username is None:
        return wanted
    account = await accounts.named(db, username)
    if account is not None:
        return replace(wanted, user_id=account.user.id)
    if not await events.any_of_user(db, username):
        raise UserNotFound(username)
    return replace(wanted, user_id=username)
