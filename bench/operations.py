"""Random acts on two nodes at once against an oracle: zero violations, or it exits with 1.

python -m bench.operations --operations 100000 [--seed N] [--sqlite]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from ostiary.authority import Authority
from ostiary.authority.races import Outcome, Races
from ostiary.core.caller import Caller
from ostiary.settings import Settings
from tests.support import databases


def main() -> None:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--sqlite", action="store_true")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    began = time.monotonic()
    outcome = asyncio.run(_run(options.operations, options.seed, options.sqlite))
    kind = "SQLite" if options.sqlite else "PostgreSQL"
    print(f"{outcome.operations} operations on two nodes, {kind}, in {time.monotonic() - began:.0f} s: "
          f"{outcome.accepted} accepted, {outcome.refused} refused, {len(outcome.violations)} violations")  # fmt: skip
    if outcome.violations:
        sys.exit("\n".join(outcome.violations[:20]))


async def _run(operations: int, seed: int, sqlite: bool) -> Outcome:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory)
        url = await databases.new_sqlite(path, path / "template.db") if sqlite else await databases.new_postgres()
        settings = Settings(database_url=url, password_memory_kib=19456, password_time_cost=2)
        try:
            async with Authority(settings) as one, Authority(settings) as two:
                return await Races([one, two], seed, Caller.operator("bench")).run(operations, workers=16)
        finally:
            if not sqlite:
                await databases.drop_postgres(url)
                await databases.drop_template()


if __name__ == "__main__":
    main()
