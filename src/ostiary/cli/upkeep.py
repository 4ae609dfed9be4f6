"""`migrate` and `purge`: what an operator does to a database now and then."""

from __future__ import annotations

import asyncio
from typing import Final

import click

from ostiary.cli.invocation import Invocation
from ostiary.cli.options import Verb, own_database_url_option
from ostiary.cli.output.column import columns
from ostiary.cli.private_file import keep_new_files_private
from ostiary.cli.span import span

MIGRATED: Final = columns("after:schema", "before", "database")
PURGED: Final = columns("sessions", "tokens", "events", "forgotten")


@click.command(cls=Verb)
@own_database_url_option
@click.pass_obj
def migrate(invocation: Invocation, database_url: str | None) -> None:
    """Bring a database to this version's schema; run it before the server of a new version.

    All in one transaction: it happens whole or not at all. Running it again changes nothing.

    \b
    Examples:
      ostiary migrate --database-url postgresql://ostiary@db/ostiary
    """
    from ostiary.settings import Settings, load
    from ostiary.storage.database import Database
    from ostiary.storage.migrate import upgrade

    async def run(settings: Settings) -> tuple[str, str | None, str]:
        database = Database.of(settings)
        try:
            return database.typed, *await upgrade(database)
        finally:
            await database.close()

    keep_new_files_private()
    which, before, after = asyncio.run(run(load({"database_url": database_url}).settings))
    said = f"{which} is at schema {after} {'already' if before == after else 'now'}."
    invocation.done(said, {"before": before, "after": after, "database": which}, MIGRATED)


@click.command(cls=Verb)
@click.option(
    "--older-than",
    metavar="DURATION",
    help="How long ago, such as 90d or 720h, whatever its kind. [default: the settings of each kind]",
)
@own_database_url_option
@click.pass_obj
def purge(invocation: Invocation, older_than: str | None, database_url: str | None) -> None:
    """Remove what ended or happened longer ago than its retention, and forget what is personal in what stays.

    Nothing that can still be used is touched. Servers do it by themselves; one node works at a time, in small steps.
    Stopping it half-way loses nothing. There is no way back.

    \b
    Examples:
      ostiary purge
      ostiary purge --older-than 30d --database-url sqlite:///ostiary.db
    """
    from ostiary.cli.database import operator, run

    age = span("--older-than", older_than) if older_than is not None else None
    gone = run(database_url, lambda it: it.retention.purge(by=operator(), older_than=age))
    result = {"sessions": gone.sessions, "tokens": gone.tokens, "events": gone.events, "forgotten": gone.forgotten}
    said = f"Removed {gone.sessions} sessions, {gone.tokens} CLI tokens and {gone.events} events"
    invocation.done(f"{said}; forgot addresses in {gone.forgotten} rows.", result, PURGED)
