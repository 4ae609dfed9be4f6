"""How long purging holds others up, on a database of its own: `python -m bench.purge [ROWS] [postgresql://user@host]`.

Fills the table with ended sessions, purges them while sessions are started beside it, and says how long the slowest
piece took (which is how long its locks were held), what starts took meanwhile, and how large the table is afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import sys
import tempfile
import time
from datetime import timedelta

from bench.stores import postgres_database
from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.client import seen
from ostiary.core.session import Revocation, Session
from ostiary.core.token import new_id
from ostiary.settings import Settings
from ostiary.storage import migrate, sessions
from ostiary.storage.schema import sessions as table
from ostiary.storage.sessions import place

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
LIVE = 20_000  # sessions that stay
BATCH = 5000


async def fill(authority: Authority, count: int, *, ended: bool) -> None:
    """Write sessions, in the way that starting them would."""
    chance = random.Random(20260115)
    now = authority.clock()
    then = now - timedelta(days=100) if ended else now
    where = place("203.0.113.7", AGENT)
    for start in range(0, count, BATCH):
        rows = []
        for number in range(start, min(start + BATCH, count)):
            # Most end in about the order in which they began.
            at = then + timedelta(milliseconds=number + chance.randrange(60_000))
            revoked = Revocation(at, "logout", "user_x") if ended else None
            session = Session(
                new_id("sess"), f"user_{number % 100_000}", "browser", then, then, then, then + timedelta(days=90),
                revoked=revoked,
            )  # fmt: skip
            rows.append({**sessions.values_of(session), **where, "secret_hash": bytes(32)})
        async with authority.database.transaction() as db:
            await db.execute(table.insert(), rows)


async def settle(authority: Authority) -> None:
    """What a database does by itself in time: look at what it holds."""
    async with authority.database.transaction() as db:
        await db.exec_driver_sql("ANALYZE")


async def start_beside(authority: Authority, done: asyncio.Event, spans: list[float]) -> None:
    """Start sessions, some fifty a second, and note how long each took."""
    number = 0
    while not done.is_set():
        began = time.perf_counter()
        await authority.sessions.start(f"user_{number}", client=seen("203.0.113.7", AGENT))
        spans.append(time.perf_counter() - began)
        number += 1
        await asyncio.sleep(0.02)


async def size(authority: Authority) -> str:
    """Of the table with its indexes, or of the file."""
    async with authority.database.reading() as db:
        if authority.database.is_sqlite:
            pages, free, each = [
                (await db.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
                for name in ("page_count", "freelist_count", "page_size")
            ]
            return f"{pages * each / 2**20:.0f} MiB, of which {free * each / 2**20:.0f} MiB are free for new rows"
        rows, indexes = [
            (await db.exec_driver_sql(f"SELECT pg_{of}_size('sessions')")).scalar_one() for of in ("table", "indexes")
        ]
        return f"{rows / 2**20:.0f} MiB of rows, {indexes / 2**20:.0f} MiB of indexes"


def show(name: str, spans: list[float]) -> None:
    """Median, 99th percentile and the worst, in milliseconds."""
    ordered = sorted(spans)
    worst, late = ordered[-1], ordered[int(len(ordered) * 0.99)]
    print(f"{name}: {len(spans)}, median {ordered[len(ordered) // 2] * 1e3:.1f} ms, p99 {late * 1e3:.1f} ms, "
          f"worst {worst * 1e3:.1f} ms")  # fmt: skip


async def run(count: int, url: str) -> None:
    """All of it."""
    async with Authority(Settings(database_url=url)) as authority:
        await migrate.upgrade(authority.database)
        await fill(authority, LIVE, ended=False)
        await fill(authority, count, ended=True)
        await settle(authority)
        gc.collect()
        gc.freeze()  # as a server does: what stays is not looked through again and again
        print("before:", await size(authority))
        alone: list[float] = []
        quiet = asyncio.Event()
        asyncio.get_running_loop().call_later(5, quiet.set)
        await start_beside(authority, quiet, alone)
        show("starts without a purge", alone)
        done, spans = asyncio.Event(), list[float]()
        beside = asyncio.create_task(start_beside(authority, done, spans))
        began = time.perf_counter()
        gone = await authority.retention.purge(by=Caller.operator("bench"))
        took = time.perf_counter() - began
        done.set()
        await beside
        show("starts during the purge", spans)
        print(f"purged {gone.sessions} sessions in {took:.1f} s; the slowest piece took {gone.longest * 1e3:.1f} ms")
        print("after:", await size(authority))


if __name__ == "__main__":
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        sqlite = f"sqlite:///{directory}/ostiary.db"
        asyncio.run(run(rows, stack.enter_context(postgres_database(sys.argv[2])) if len(sys.argv) > 2 else sqlite))
