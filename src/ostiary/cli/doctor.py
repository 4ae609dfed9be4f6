"""`doctor`: what is in force and from where, what is unsafe, what to do."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from typing import Final

import click

from ostiary.cli.failures import FAILED
from ostiary.cli.invocation import Invocation
from ostiary.cli.options import Verb, own_database_url_option
from ostiary.cli.output.column import columns

COLUMNS: Final = columns("check", "verdict", "found", "advice:to do")


@click.command(cls=Verb)
@own_database_url_option
@click.option(
    "--races",
    is_flag=True,
    help="Also race against the database: throwaway users sign in, renew and are ended on two nodes at once.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Of the races, to repeat them. Default: a new one.")
@click.pass_obj
@click.pass_context
def doctor(
    context: click.Context, invocation: Invocation, database_url: str | None, races: bool, seed: int | None
) -> None:
    """Show what is in force and from where, what is unsafe, and what to do.

    Looks at the configuration file, the server that is called, its clock and your credential; and where a server
    was set up, at its settings and database. Changes nothing but too wide permissions of the configuration file.
    With --races it makes users named races-…, and removes them again; their events stay.
    Exits with 1 when something is unsafe or broken.

    \b
    Examples:
      ostiary doctor
      ostiary doctor --database-url postgresql://ostiary@db/ostiary --format json
      ostiary doctor --races
    """
    from ostiary.cli.checks.client_side import client_side
    from ostiary.cli.checks.races import race
    from ostiary.cli.checks.server_side import server_side

    findings = [*client_side(invocation), *server_side(database_url)]
    if races:
        findings.append(race(database_url, secrets.randbelow(2**32) if seed is None else seed))
    invocation.show([asdict(one) for one in findings], COLUMNS)
    bad = [one for one in findings if one.verdict in {"unsafe", "broken"}]
    if bad:
        invocation.say(f"{len(bad)} of {len(findings)} need attention.")
        context.exit(FAILED)
