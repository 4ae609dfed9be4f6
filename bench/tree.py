"""What a tree of sessions costs, on a database of its own: `python -m bench.tree [postgresql://user@host]`.

Verifies devices and what is bound to devices by turns, many at once, and says what one verification took of each; then
ends devices with 200 applications under them, one after the other, and says how long that took.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence

from bench.stores import postgres_database
from ostiary.authority import Authority, Started
from ostiary.core.caller import Caller
from ostiary.core.client import seen
from ostiary.core.session import Session
from ostiary.settings import Settings
from ostiary.storage import migrate
from ostiary.storage.database import Connection, in_transaction

HERE = seen("203.0.113.7", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
DEVICES = 100  # with one application under each
ROUNDS = 40
BELOW = 200  # applications under a device that ends
ENDINGS = 10


class Forest:
    """Devices, and what hangs under them."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.database = authority.database

    @in_transaction
    async def let_in(self, db: Connection, root: Session, count: int) -> list[Started]:
        start = self.authority.sessions.start_under
        return [await start(db, root, "bound", client=HERE, kind="oauth") for _ in range(count)]

    async def device(self, number: int, below: int) -> tuple[Started, list[Started]]:
        started = await self.authority.sessions.start(f"user_{number}", client=HERE)
        return started, await self.let_in(started.session, below)


async def verified(authority: Authority, tokens: Sequence[str]) -> float:
    """Seconds for one, of all at once."""
    began = time.perf_counter()
    await asyncio.gather(*(authority.verify(token, HERE) for token in tokens))
    return (time.perf_counter() - began) / len(tokens)


def show(name: str, seconds: Sequence[float], unit: float, of: str) -> None:
    ordered = sorted(seconds)
    print(f"{name:42} median {statistics.median(ordered) * unit:8.1f} {of}, slowest {ordered[-1] * unit:8.1f} {of}")


async def measure(authority: Authority) -> None:
    forest, operator = Forest(authority), Caller.operator("bench")
    made = [await forest.device(number, 1) for number in range(DEVICES)]
    devices = [root.token for root, _ in made]
    bound = [below[0].token for _, below in made]
    rounds: dict[str, list[float]] = {"a device": [], "what is bound to one": []}
    for _ in range(ROUNDS):
        rounds["a device"].append(await verified(authority, devices))
        rounds["what is bound to one"].append(await verified(authority, bound))
    for name, seconds in rounds.items():
        show(f"verify {name}", seconds, 1e6, "us")
    spans: list[float] = []
    for number in range(ENDINGS):
        root, below = await forest.device(DEVICES + number, BELOW)
        began = time.perf_counter()
        done = await authority.administration.revoke(root.session.id, by=operator)
        spans.append(time.perf_counter() - began)
        assert done.count == 1 + len(below)
    show(f"end a device with {BELOW} under it", spans, 1e3, "ms")


async def run(url: str) -> None:
    async with Authority(Settings(database_url=url)) as authority:
        await migrate.upgrade(authority.database)
        await measure(authority)


if __name__ == "__main__":
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        sqlite = f"sqlite:///{directory}/ostiary.db"
        asyncio.run(run(stack.enter_context(postgres_database(sys.argv[1])) if len(sys.argv) > 1 else sqlite))
