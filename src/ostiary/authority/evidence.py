"""Looking at the trail: is it still what was sealed?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ostiary.authority.sealing import Sealing
from ostiary.core.caller import Caller
from ostiary.core.chain import Link
from ostiary.core.event import Event
from ostiary.core.retained import RECORDS, taken
from ostiary.core.trail_check import Checkpoint, Inspector, TrailReport
from ostiary.errors import Conflict
from ostiary.storage import chain, events
from ostiary.storage.chain import Sealed
from ostiary.storage.database import Connection, Database

PAGE: Final = 1000  # links in memory at once


class Evidence:
    """Verify the trail, and take checkpoints of it."""

    def __init__(self, database: Database, sealing: Sealing) -> None:
        """Part of an `Authority`."""
        self.database = database
        self._sealing = sealing

    async def verify(self, *, by: Caller, checkpoint: Checkpoint | None = None) -> TrailReport:
        """Seal what can be sealed, then compare every event with what was sealed of it.

        It reads the whole trail, a page at a time, and holds nobody up.

        Raises:
            NotAllowed: the caller is not an administrator.
        """
        by.ensure_admin()
        await self._sealing.seal()
        async with self.database.reading() as db:
            records = taken(await events.of_kinds(db, RECORDS))
        inspector = Inspector(records, checkpoint)
        before: Link | None = None
        while True:
            async with self.database.reading() as db:
                page = await chain.read(db, before.number if before else 0, PAGE)
                strangers = await _strangers(db, before, page) if page else {}
                first = await chain.first(db)
            if not page:
                break
            if before is not None and first is not None and first.number > before.number:
                inspector.begin_again()  # retention has taken away, meanwhile, all that was looked at
            for sealed in page:
                for event, behind_gap in strangers.pop(sealed.link.position, ()):
                    inspector.look_at_unsealed(event, behind_gap=behind_gap)
                inspector.look(sealed.link, sealed.event)
            before = page[-1].link
        async with self.database.reading() as db:
            return inspector.end(await chain.count_after(db, before.position if before else 0))

    async def checkpoint(self, *, by: Caller) -> Checkpoint:
        """The chain as it is now, to be kept where nobody who can write to the database can write.

        Raises:
            NotAllowed: the caller is not an administrator.
            Conflict: nothing has been sealed yet.
        """
        by.ensure_admin()
        await self._sealing.seal()
        async with self.database.reading() as db:
            head = await chain.head(db)
        if head is None:
            raise Conflict("nothing has been sealed yet; events are sealed a minute or two after they happened")
        return Checkpoint(head.number, head.position, head.at, head.hash)


async def _strangers(
    db: Connection, before: Link | None, page: Sequence[Sealed]
) -> dict[int, list[tuple[Event, bool]]]:
    """Events without a link among those of a page, by the position of the link that they stand before.

    With each, whether links are missing there.
    """
    found: dict[int, list[tuple[Event, bool]]] = {}
    until = max(one.link.position for one in page)
    numbers = [before.number if before else 0, *(one.link.number for one in page)]
    for event in await chain.unsealed(db, before.position if before else 0, until, PAGE):
        at = next(index for index, one in enumerate(page) if one.link.position > (event.position or 0))
        found.setdefault(page[at].link.position, []).append((event, numbers[at + 1] != numbers[at] + 1))
    return found
