"""Connections to PostgreSQL: to the primary, or none.

A standby knows of an ending only when it has been replayed there, and what was cut off from its cluster may never hear
of it. So each connection, of every pool, proves where it leads before it is used, and again now and then; a question
about a session carries the proof with it (`postgres_reader`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import asyncpg

from ostiary.errors import StoreUnavailable
from ostiary.storage.database_url import Host, Servers
from ostiary.storage.outages import READ_ONLY, STANDBY, NotPrimary, cause_of, sentence_of

COMMAND_TIMEOUT: Final = 15  # seconds; a statement that takes longer means a store in trouble
STAGGER: Final = 0.5  # seconds that a host is tried alone before the next one is tried beside it
# `transaction_read_only` is on wherever a server recovers, too.
PROOF: Final = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'"


async def ensure_primary(connection: asyncpg.Connection) -> None:
    """Return if the connection leads to a server that writes.

    Raises:
        NotPrimary: it is a standby, or reads only.
        asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError: it did not answer.
    """
    row = await connection.fetchrow(PROOF)
    if row is None or row[0]:
        raise NotPrimary(STANDBY)
    if row[1]:
        raise NotPrimary(READ_ONLY)


class Postgres:
    """Opens connections to the primary among the servers of one URL."""

    def __init__(self, servers: Servers) -> None:
        """Nothing is opened yet."""
        self.servers = servers
        self._hosts: list[Host | None] = [*servers.hosts] or [None]  # where the primary was found last stands first

    async def connect(
        self, settings: Mapping[str, str] | None = None, command_timeout: float | None = COMMAND_TIMEOUT
    ) -> asyncpg.Connection:
        """A new connection to the primary.

        Args:
            settings: of the session, such as `statement_timeout`; set after the start, as poolers refuse them before.
            command_timeout: seconds.

        Raises:
            StoreUnavailable: none of the hosts is a primary that answers; with the cause.
        """
        failed: dict[Host | None, Exception] = {}
        waiting, tried = list(self._hosts), dict[asyncio.Task[asyncpg.Connection], Host | None]()
        try:
            while waiting or tried:
                if waiting:
                    host = waiting.pop(0)
                    tried[asyncio.create_task(self._try(host, settings or {}, command_timeout))] = host
                done, _ = await asyncio.wait(
                    tried, timeout=STAGGER if waiting else None, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    host, error = tried[task], task.exception()
                    if error is None:
                        del tried[task]
                        self._hosts.sort(key=lambda one: one != host)
                        return task.result()
                    if not isinstance(error, Exception):
                        raise error
                    del tried[task]
                    failed[host] = error
        finally:
            await _give_up(list(tried))
        raise self._no_primary(failed)

    async def _try(
        self, host: Host | None, settings: Mapping[str, str], command_timeout: float | None
    ) -> asyncpg.Connection:
        timeout = self.servers.connect_timeout
        connection: asyncpg.Connection = await asyncpg.connect(
            **self.servers.arguments(host), timeout=timeout, command_timeout=command_timeout
        )
        try:
            async with asyncio.timeout(timeout):
                await ensure_primary(connection)
                if settings:
                    await connection.execute("; ".join(f"SET {name} = '{value}'" for name, value in settings.items()))
        except BaseException:
            connection.terminate()
            raise
        return connection

    def _no_primary(self, failed: Mapping[Host | None, Exception]) -> StoreUnavailable:
        causes = list(dict.fromkeys(cause_of(error) for error in failed.values()))
        if len(failed) == 1:
            ((_, error),) = failed.items()
            unavailable = StoreUnavailable(cause=causes[0], sentence=f"{self.servers}: {sentence_of(error)}")
        else:
            said = "; ".join(f"{_name(host)}: {sentence_of(failed[host])}" for host in self._hosts if host in failed)
            unavailable = StoreUnavailable(
                cause=f"none of its hosts is a primary that answers ({', '.join(causes)})", sentence=said
            )
        unavailable.__cause__ = next(iter(failed.values()), None)
        return unavailable


def _name(host: Host | None) -> str:
    return "localhost" if host is None else f"{host[0] or 'localhost'}:{host[1]}"


async def _give_up(tried: Sequence[asyncio.Task[asyncpg.Connection]]) -> None:
    """End what is still being tried, and close what had just been found beside the one that is used."""
    for task in tried:
        task.cancel()
    for outcome in await asyncio.gather(*tried, return_exceptions=True):
        if not isinstance(outcome, BaseException):
            outcome.terminate()
