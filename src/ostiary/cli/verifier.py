"""`verifier`: the programs that remember sessions."""

from __future__ import annotations

from typing import Final

import click

from ostiary.cli.invocation import Invocation
from ostiary.cli.options import Noun
from ostiary.cli.output.column import Column, columns

COLUMNS: Final = columns(
    "reader",
    "name",
    "owner:credential",
    "address",
    Column("applied_at", "knows until"),
    "trust_until:trusts until",
    "max_staleness:staleness (s)",
)


@click.group(cls=Noun)
def verifier() -> None:
    """Programs that remember sessions, for administrators."""


@verifier.command("list")
@click.pass_obj
def list_(invocation: Invocation) -> None:
    """List the programs that remember sessions and were heard of in the last minute, oldest first.

    Each refuses what had ended before the time in KNOWS UNTIL, and everything from TRUSTS UNTIL on if it hears nothing
    more. Times are UTC, and up to a few seconds behind while nothing ends.

    \b
    Examples:
      ostiary verifier list
      ostiary verifier list --format json
    """
    invocation.show(invocation.calls().ask("list_verifiers").get("verifiers") or [], COLUMNS)
