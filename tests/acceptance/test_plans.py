"""A plan whose server is killed in the middle: exactly the planned sessions end, once each."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
from datetime import timedelta

from ostiary.authority import Authority
from ostiary.core.session import Session
from ostiary.core.token import new_id
from ostiary.settings import Settings
from ostiary.storage import events, sessions

PLANNED, OTHERS = 3000, 50
PLAN = "/api/v1/admin/sessions/plan"


async def _add(database_url: str, number: int, ip: str) -> set[str]:
    async with Authority(Settings(database_url=database_url)) as authority:
        now = authority.clock()
        made = [
            Session(new_id("sess"), f"app|{i % 97}", "browser", now, now, now, now + timedelta(days=1), ip=ip)
            for i in range(number)
        ]
        for start in range(0, number, 250):
            async with authority.database.transaction() as db:
                for session in made[start : start + 250]:
                    await sessions.add(db, session, b"x")
    return {session.id for session in made}


async def _ended(database_url: str) -> tuple[list[str], set[str]]:
    """The sessions that the trail says ended, and those whose rows say so."""
    async with Authority(Settings(database_url=database_url)) as authority, authority.database.reading() as db:
        told = [e for e in await events.list_newest(db, limit=4 * PLANNED) if e.kind == "session.suspended"]
        rows = await db.exec_driver_sql("SELECT id FROM sessions WHERE revoked_reason = 'bulk'")
        return [e.session_id or "" for e in told], {row[0] for row in rows}


def test_killed_in_the_middle_and_applied_again_each_planned_session_ends_once(server, database_url):
    planned = asyncio.run(_add(database_url, PLANNED, "203.0.113.7"))
    asyncio.run(_add(database_url, OTHERS, "198.51.100.1"))
    admin = server.sign_in("root")[1]
    made = server.ask("POST", PLAN, {"ip": "203.0.113.0/24"}, bearer=admin, timeout=60)[2]
    assert (made["count"], made["users"]) == (PLANNED, 97)
    path = f"{PLAN}/{made['plan_id']}"

    def apply() -> None:
        with contextlib.suppress(OSError):
            server.ask("POST", f"{path}/apply", {}, bearer=admin, timeout=120)

    applying = threading.Thread(target=apply)
    applying.start()
    deadline = time.monotonic() + 60
    while server.ask("GET", path, bearer=admin)[2]["count"] < 500:
        assert time.monotonic() < deadline
    server.stop(signal.SIGKILL)
    applying.join()
    half, rows = asyncio.run(_ended(database_url))
    assert 500 <= len(half) < PLANNED
    assert len(half) == len(set(half)) == len(rows)
    server.start()
    done = server.ask("POST", f"{path}/apply", {}, bearer=admin, timeout=120)[2]
    assert (done["count"], done["done"]) == (PLANNED, True)
    told, rows = asyncio.run(_ended(database_url))
    assert sorted(told) == sorted(planned)
    assert rows == planned
