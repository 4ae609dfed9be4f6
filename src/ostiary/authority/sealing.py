"""Sealing the trail: the hash chain grows behind the acts, by one node at a time, and never makes a sign-in wait.

An event is sealed once nothing can appear below it any more. Positions are given in the order of writing and seen in
that of committing; so the sealer notes the highest position there is, and after the longest time that a transaction may
take (by the store's clock) everything up to it is there or will never be.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ostiary.core.chain import GENESIS, SALT_BYTES, Link, seal
from ostiary.storage import chain, leases
from ostiary.storage.database import LONGEST_TRANSACTION, Connection, Database, in_transaction

BATCH: Final = 500  # events in one transaction
SETTLED_AFTER: Final = timedelta(seconds=LONGEST_TRANSACTION + 5)  # nothing that began before that is still under way
CERTAIN_AFTER: Final = timedelta(
    hours=1
)  # by the events' own times, which are the nodes': for who comes without a mark
LEASE: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class _Step:
    sealed: int
    until: int
    has_more: bool


class Sealing:
    """Seal."""

    def __init__(self, database: Database, node: str) -> None:
        """Part of an `Authority`; `node` tells this process from all others."""
        self.database = database
        self._node = node

    async def seal(self) -> int:
        """Seal what is settled, if no other node is at it. How many events it sealed."""
        sealed, until = 0, None
        while True:
            step = await self._step(until)
            sealed, until = sealed + step.sealed, step.until
            if not step.has_more:
                return sealed

    @in_transaction
    async def _step(self, db: Connection, until: int | None) -> _Step:
        if not await leases.take(db, leases.CHAIN, self._node, LEASE):
            return _Step(0, 0, has_more=False)
        head = await chain.head(db)
        if until is None:
            until = await self._settled(db)
        found = await chain.events_between(db, head.position if head else 0, until, BATCH)
        links: list[Link] = []
        for event in found:
            before = links[-1] if links else head
            number, previous = (before.number + 1, before.hash) if before else (1, GENESIS)
            links.append(seal(event, number, previous, secrets.token_bytes(SALT_BYTES)))
        if links:
            await chain.add(db, links)
        has_more = len(found) == BATCH
        if not has_more:
            await leases.release(db, leases.CHAIN, self._node)
        return _Step(len(links), until, has_more)

    async def _settled(self, db: Connection) -> int:
        """The highest position below which nothing can appear any more."""
        highest = await chain.highest_position(db)
        if self.database.is_sqlite:
            return highest  # one writer at a time, and this is it
        certain = await chain.position_before(db, await leases.now(db) - CERTAIN_AFTER)
        mark = await leases.marked(db, leases.CHAIN, SETTLED_AFTER)
        if mark is None or mark[1]:
            await leases.mark(db, leases.CHAIN, highest)
        return max(certain, mark[0] if mark is not None and mark[1] else 0)
