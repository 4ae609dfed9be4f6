"""Races against the operator's own store: random acts of throwaway users on two nodes at once."""

from __future__ import annotations

import asyncio

from ostiary.cli.checks import Finding
from ostiary.errors import OstiaryError
from ostiary.settings import load

OPERATIONS = 3000


def race(database_url: str | None, seed: int) -> Finding:
    """The findings. The users that were made for it are removed again."""
    try:
        return asyncio.run(_run(database_url, seed))
    except OstiaryError as error:
        return Finding("races", "broken", error.message, "repair what is named, then run it again")


async def _run(database_url: str | None, seed: int) -> Finding:
    from ostiary.authority import Authority
    from ostiary.authority.races import Races
    from ostiary.cli.database import operator

    settings = load({"database_url": database_url}).settings
    async with Authority(settings) as one, Authority(settings) as two:
        await one.ensure_migrated()
        outcome = await Races([one, two], seed, operator()).run(OPERATIONS)
    found = f"{outcome.operations} operations on two nodes, {outcome.accepted} accepted, seed {seed}"
    if not outcome.violations:
        return Finding("races", "ok", f"{found}: no violation")
    advice = "does a replica or a pool answer reads, or is synchronous_commit off? see docs/guides/production.md"
    return Finding("races", "broken", f"{found}: {len(outcome.violations)} violations, {outcome.violations[0]}", advice)
