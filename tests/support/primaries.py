"""A primary and a standby of a test's own, on Debian's PostgreSQL: to pause, promote, demote, and make read-only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ostiary.storage import migrate
from ostiary.storage.database import Database
from tests.support.databases import PrivatePostgres


@dataclass(frozen=True)
class Pair:
    """Two servers, the second of which follows the first."""

    primary: PrivatePostgres
    standby: PrivatePostgres

    @property
    def url(self) -> str:
        """Of both; the standby first, as that is where a driver that does not look would go."""
        hosts = f"127.0.0.1:{self.standby.port},127.0.0.1:{self.primary.port}"
        return f"postgresql://postgres@{hosts}/postgres"

    async def pause(self) -> None:
        """The standby hears of nothing any more, from after the schema on."""
        wanted = await self.primary.execute("SELECT pg_current_wal_lsn()::text")
        while not await self.standby.execute(f"SELECT pg_last_wal_replay_lsn() >= '{wanted}'"):
            pass
        await self.standby.execute("SELECT pg_wal_replay_pause()")


@contextmanager
def pair(directory: Path) -> Iterator[Pair]:
    """A primary and its standby, which end with the block."""
    (directory / "one").mkdir()
    (directory / "two").mkdir()
    with PrivatePostgres(directory / "one") as primary, primary.standby(directory / "two") as standby:
        yield Pair(primary, standby)


async def migrated(url: str) -> None:
    """Bring it to our schema."""
    database = Database(url)
    await migrate.upgrade(database)
    await database.close()
