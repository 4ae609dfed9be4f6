"""Can anybody tell somebody else's session id from one that does not exist, by the time the answer takes?

500 tries of each, in random order over one connection, and how well the two sets of times can be told apart: the chance
that a random try of one kind took longer than a random try of the other (0.5: not at all; Mann-Whitney, with its p).

    python -m bench.foreign_ids --tries 500
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import math
import os
import random
import statistics
import sys
import tempfile
import time
import uuid

from bench.verify import execute, server
from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.client import seen
from ostiary.core.token import new_id
from ostiary.settings import Settings
from ostiary.storage import migrate


def main() -> None:
    """Measure on each database and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tries", type=int, default=500)
    parser.add_argument("--postgres", default="postgresql://postgres@127.0.0.1:5432", help="empty: SQLite only")
    options = parser.parse_args()
    print(f"{'':12}{'kind':>9}{'p10 us':>9}{'median':>9}{'p90':>9}   told apart")
    with tempfile.TemporaryDirectory() as directory:
        _measure("SQLite", f"sqlite:///{directory}/bench.db", options.tries)
    if options.postgres:
        name = f"ostiary_bench_{uuid.uuid4().hex[:8]}"
        asyncio.run(execute(options.postgres, f'CREATE DATABASE "{name}"'))
        try:
            _measure("PostgreSQL", f"{options.postgres}/{name}", options.tries)
        finally:
            asyncio.run(execute(options.postgres, f'DROP DATABASE "{name}" WITH (FORCE)'))


def _measure(title: str, database_url: str, tries: int) -> None:
    foreign, token = asyncio.run(_populate(database_url, tries))
    command = [sys.executable, "-m", "ostiary", "serve", "--port", "0"]
    with server(command, {**os.environ, "OSTIARY_DATABASE_URL": database_url}) as url:
        connection = http.client.HTTPConnection(url.removeprefix("http://"))
        kinds = ["foreign", "missing"] * tries
        random.shuffle(kinds)
        times: dict[str, list[float]] = {"foreign": [], "missing": []}
        bodies: set[bytes] = set()
        for kind in kinds:
            session_id = foreign.pop() if kind == "foreign" else new_id("sess")
            headers = {"Authorization": f"Bearer {token}", "X-Request-ID": "same"}
            begun = time.perf_counter()
            connection.request("POST", f"/api/v1/auth/sessions/{session_id}/revoke", headers=headers)
            answer = connection.getresponse()
            bodies.add(answer.read())
            times[kind].append((time.perf_counter() - begun) * 1e6)
            if answer.status != 404:
                sys.exit(f"{title}: {answer.status} instead of 404")
        if len(bodies) != 1:
            sys.exit(f"{title}: the bodies differ")
    chance, p = _mann_whitney(times["foreign"], times["missing"])
    for kind, spent in times.items():
        deciles = statistics.quantiles(spent, n=10)
        verdict = f"   {chance:.3f} (p = {p:.2f})" if kind == "foreign" else ""
        row = f"{deciles[0]:9,.0f}{statistics.median(spent):9,.0f}{deciles[8]:9,.0f}"
        print(f"{title if kind == 'foreign' else '':12}{kind:>9}{row}{verdict}")


async def _populate(database_url: str, tries: int) -> tuple[list[str], str]:
    """The ids of sessions of one user, and a token of another."""
    operator = Caller.operator("bench")
    client = seen("203.0.113.7", "bench")
    async with Authority(Settings(database_url=database_url, password_memory_kib=19456)) as authority:
        await migrate.upgrade(authority.database)
        victim, stranger = [
            await authority.accounts.add(name, "correct horse battery", by=operator) for name in ("victim", "stranger")
        ]
        foreign = [(await authority.sessions.start(victim.id, client=client)).session.id for _ in range(tries)]
        return foreign, (await authority.sessions.start(stranger.id, client=client)).token


def _mann_whitney(one: list[float], two: list[float]) -> tuple[float, float]:
    """The chance that a random value of `one` exceeds a random value of `two`, and the two-sided p of 0.5."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in two])
    ranks = sum(rank for rank, (_, kind) in enumerate(ranked, start=1) if kind == 0)
    n, m = len(one), len(two)
    u = ranks - n * (n + 1) / 2
    z = (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return u / (n * m), math.erfc(abs(z) / math.sqrt(2))


if __name__ == "__main__":
    main()
