"""Random acts on several nodes at once against an oracle: zero violations, or it exits with 1.

python -m bench.operations --operations 100000 [--processes N] [--seed N] [--sqlite]

Each process opens two nodes on the one database, acts on users of its own and keeps an oracle of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from ostiary.authority import Authority
from ostiary.authority.race_ledger import Outcome
from ostiary.authority.races import Races
from ostiary.core.caller import Caller
from ostiary.settings import Settings
from tests.support import databases

MANY = 10  # of the acts, one in so many at least is a question that was accepted, and one that was refused


def main() -> None:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=100_000, help="in all, shared by the processes")
    parser.add_argument("--processes", type=int, default=1, help="how many, each with two nodes")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="of the first; the next adds one")
    parser.add_argument("--sqlite", action="store_true")
    options = parser.parse_args()
    if options.processes < 1 or options.operations < options.processes:
        parser.error("--processes: at least 1, and no more than --operations")
    kind = "SQLite" if options.sqlite else "PostgreSQL"
    print(f"{options.operations} acts, {options.processes} processes, {kind}, seed {options.seed}", flush=True)
    began = time.monotonic()
    with _database(sqlite=options.sqlite) as url:
        outcomes = _race(url, options.operations, options.processes, options.seed)
    acts, accepted = sum(one.operations for one in outcomes), sum(one.accepted for one in outcomes)
    refused, violations = sum(one.refused for one in outcomes), [each for one in outcomes for each in one.violations]
    print(f"{acts} acts on {2 * options.processes} nodes in {time.monotonic() - began:.0f} s: {accepted} accepted, "
          f"{refused} refused, {len(violations)} violations")  # fmt: skip
    if violations:
        sys.exit("\n".join(violations[:20]))
    if min(accepted, refused) < acts // MANY:
        sys.exit("too few of the acts were questions that were answered: this run proves nothing")


@contextmanager
def _database(*, sqlite: bool) -> Iterator[str]:
    """The URL of an empty, migrated one, which is removed at the end."""
    if sqlite:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory)
            yield asyncio.run(databases.new_sqlite(path, path / "template.db"))
        return
    try:
        yield asyncio.run(databases.new_postgres())
    finally:
        asyncio.run(databases.drop_template())


def _race(url: str, operations: int, processes: int, seed: int) -> list[Outcome]:
    shares = [len(range(part, operations, processes)) for part in range(processes)]
    seeds = range(seed, seed + processes)
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(_run, [url] * processes, shares, seeds))


def _run(url: str, operations: int, seed: int) -> Outcome:
    return asyncio.run(_run_here(url, operations, seed))


async def _run_here(url: str, operations: int, seed: int) -> Outcome:
    settings = Settings(database_url=url, password_memory_kib=19456, password_time_cost=2, sign_in_failures=10_000)
    async with Authority(settings) as one, Authority(settings) as two:
        return await Races([one, two], seed, Caller.operator("bench")).run(operations, workers=16)


if __name__ == "__main__":
    main()
