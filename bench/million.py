"""A million sessions of 100,000 users: what search costs an administrator, and a plan everybody else.

Generates the same sessions at every run (agents, addresses and ages as they are met), loads them in bulk, and measures
through the authority's own verbs: the first page with its exact count for each filter and for ten combinations, deep
pages, a user's own list; and with `--plan N`, a plan of N sessions beside people who sign in.

    python -m bench.million --sessions 1000000 --rounds 20 --write docs/benchmarks/million.md
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import platform
import random
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.dialects import postgresql, sqlite

from bench.verify import execute
from ostiary.authority import Authority
from ostiary.authority.passwords import Passwords
from ostiary.core.account import User
from ostiary.core.address import address_key
from ostiary.core.caller import Caller
from ostiary.core.client import seen
from ostiary.core.likeness import browser_key, device_key, label_key, system_key
from ostiary.core.selector import parse
from ostiary.settings import Settings
from ostiary.storage import live, migrate, selecting
from ostiary.storage.inspection import look_at_contents
from ostiary.storage.schema import sessions as table

SEED = 20260115
SESSIONS_EACH = 10
PER_DAY = timedelta(days=1)
BUDGET = {"PostgreSQL": 100.0, "SQLite": 200.0}  # milliseconds at the 95th percentile
OWN_LIST = 10.0  # milliseconds
SIGN_INS = 3  # a second: of 100,000 users, each two or three times a day
PASSWORD = "correct horse battery staple"  # everybody's
OPERATOR = Caller.operator("bench")

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android 14; {model}) AppleWebKit/537.36 (KHTML, like Gecko)"


def agents() -> tuple[list[str], list[float]]:
    """Some hundred agents and how often each is met: browsers by their share, each in several versions."""
    found: list[tuple[str, float]] = []
    for version in range(110, 132):
        share = 1 / (132 - version)  # newer ones are met more
        found += [
            (f"{WINDOWS} Chrome/{version}.0.0.0 Safari/537.36", 9 * share),
            (f"{WINDOWS} Chrome/{version}.0.0.0 Safari/537.36 Edg/{version}.0.0.0", 3 * share),
            (f"{MAC.replace('605.1.15', '537.36')} Chrome/{version}.0.0.0 Safari/537.36", 3 * share),
            (f"Mozilla/5.0 (X11; Linux x86_64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0", 1 * share),
            (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0", share),
            (f"{IPHONE} Version/17.{version - 110} Mobile/15E148 Safari/604.1", 6 * share),
            (f"{MAC} Version/17.{version - 110} Safari/605.1.15", 2 * share),
        ]
        for model in ("Pixel 8", "SM-S918B", "SM-A546B", "Redmi Note 12"):
            agent = ANDROID.format(model=model)
            found.append((f"{agent} Chrome/{version}.0.0.0 Mobile Safari/537.36", 2 * share))
    found += [(f"curl/8.{minor}.0", 0.2) for minor in range(12)]
    found += [(f"ostiary/0.1.0 (Linux x86_64; host{number})", 0.02) for number in range(100)]
    return [agent for agent, _ in found], [share for _, share in found]


def generate(number: int, users: int, now: datetime) -> Iterator[tuple[Any, ...]]:
    """Rows of `COLUMNS`, oldest first. Who is signed in from where follows networks, of which some are large."""
    chance = random.Random(SEED)
    known, shares = agents()
    parsed = {agent: (browser_key(agent), system_key(agent), device_key(agent)) for agent in known}
    networks = [f"{chance.randrange(1, 224)}.{chance.randrange(256)}" for _ in range(4000)]
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    applications = [f"app-{n}" for n in range(40)]
    weights = [1 / (n + 1) for n in range(40)]
    tenants = ["default"] * 80 + [f"t{n}" for n in range(20)]
    span = timedelta(days=180)  # a lifetime, and as long again until what ended is purged
    for index in range(number):
        created = now - span + span * (index / number)
        used = min(now, created + timedelta(days=chance.expovariate(1 / 12)))
        revoked = used + timedelta(minutes=chance.random() * 60) if chance.random() < 0.3 else None
        revoked = None if revoked is None or revoked > now else revoked
        agent = chance.choices(known, shares)[0] if index % 8 else known[index // 8 % len(known)]
        far = chance.random()
        if far < 0.9:
            network = networks[int(len(networks) * chance.random() ** 2)]
            ip = f"{network}.{chance.randrange(256)}.{chance.randrange(1, 255)}"
        elif far < 0.95:
            ip = f"10.{chance.randrange(4)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"
        else:
            ip = f"2001:db8:{chance.randrange(65536):x}::{chance.randrange(1, 65536):x}"
        label = chance.choice(("Laptop", "Work laptop", "Phone", "Kitchen tablet")) if chance.random() < 0.1 else None
        yield (
            "sess_" + "".join(chance.choices(letters, k=26)), b"x" * 32, f"user_{chance.randrange(users):06}",
            "browser", created, created, used, created + timedelta(days=90), ip, agent, label,
            chance.choices(applications, weights)[0], chance.choice(tenants),
            "pwd", None, None, revoked,
            chance.choices(("logout", "user", "user_others", "admin", "password_change"), (60, 10, 10, 5, 15))[0]
            if revoked else None,
            "somebody" if revoked else None,
            address_key(ip), *parsed[agent], label_key(label), None,
        )  # fmt: skip


COLUMNS = [
    "id", "secret_hash", "user_id", "kind", "created_at", "auth_time", "last_used_at", "expires_at", "ip", "user_agent",
    "label", "application_id", "tenant", "amr", "issued_by", "client_id", "revoked_at", "revoked_reason", "revoked_by",
    "address", "browser", "system", "device", "label_key", "undo_plan_id",
]  # fmt: skip
USER_COLUMNS = ["id", "username", "username_key", "password_hash", "roles", "created_at", "password_changed_at"]


def people(users: int, now: datetime, hashed: str) -> Iterator[tuple[Any, ...]]:
    """Their accounts."""
    for number in range(users):
        name = _name(number)
        yield f"user_{number:06}", name, name, hashed, "member", now, now


def _name(number: int) -> str:
    names = ("ada", "bob", "eve", "grace", "linus", "mary", "noor", "olga", "pat", "quinn")
    return f"{names[number % len(names)]}.{number // len(names):05}"


async def load(url: str, number: int, users: int, now: datetime) -> None:
    """Rows in bulk: COPY on PostgreSQL, one transaction on SQLite; then what a database does by itself in time."""
    settings = Settings(database_url=url)
    hashed = await Passwords(settings.password_memory_kib, settings.password_time_cost).hash(PASSWORD)
    authority = Authority(settings)
    await migrate.upgrade(authority.database)
    path = str(authority.database.file)
    if authority.database.is_sqlite:
        db = sqlite3.connect(path)
        db.execute("PRAGMA synchronous = OFF")
        for name, columns, rows in _tables(number, users, now, hashed):
            marks = ", ".join("?" * len(columns))
            plain = (tuple(_for_sqlite(value) for value in row) for row in rows)
            db.executemany(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})", plain)
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        await look_at_contents(authority.database)  # as a server does every hour
        await authority.close()
        return
    await authority.close()
    connection = await asyncpg.connect(url)
    for name, columns, rows in _tables(number, users, now, hashed):
        while chunk := [row for _, row in zip(range(50_000), rows, strict=False)]:
            await connection.copy_records_to_table(name, columns=columns, records=chunk)
    await connection.execute("VACUUM (ANALYZE) sessions")
    await connection.execute("VACUUM (ANALYZE) users")
    await connection.execute("CHECKPOINT")
    await connection.close()


def _tables(
    number: int, users: int, now: datetime, hashed: str
) -> Iterator[tuple[str, list[str], Iterator[tuple[Any, ...]]]]:
    yield "users", USER_COLUMNS, people(users, now, hashed)
    yield "sessions", COLUMNS, generate(number, users, now)


def _for_sqlite(value: Any) -> Any:
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


def searches(now: datetime) -> dict[str, dict[str, str]]:
    """Each filter alone, narrow and wide, and ten together."""
    month, week = ((now - timedelta(days=days)).isoformat() for days in (30, 7))
    single: list[dict[str, str]] = [
        {}, {"user": "ada.00042"}, {"ip": "10.1.0.0/16"}, {"ip": "10.0.0.0/8"}, {"ip": "2001:db8::/32"},
        {"ip": "64.0.0.0/2"}, {"user_agent": "chrome"}, {"user_agent": "curl"}, {"device": "desktop"},
        {"device": "phone"}, {"device": "windows"}, {"application_id": "app-0"}, {"application_id": "app-39"},
        {"tenant": "default"}, {"tenant": "t7"}, {"status": "active"}, {"status": "stale"}, {"status": "expired"},
        {"status": "revoked"}, {"status": "live"}, {"created_after": month}, {"created_before": month},
        {"last_used_before": month}, {"reason": "logout"}, {"reason": "admin"}, {"q": "ada.0004"}, {"q": "work"},
        {"q": "sess_abc"},
    ]  # fmt: skip
    together: list[dict[str, str]] = [
        {"user": "ada.00042", "status": "live"},
        {"ip": "10.0.0.0/8", "status": "live"},
        {"device": "phone", "status": "active"},
        {"user_agent": "firefox", "application_id": "app-3"},
        {"application_id": "app-0", "created_after": week},
        {"status": "stale", "tenant": "default"},
        {"reason": "admin", "created_after": month},
        {"ip": "10.2.0.0/16", "user_agent": "chrome", "status": "live"},
        {"user_agent": "chrome", "device": "desktop", "status": "live", "last_used_before": week},
        {"tenant": "t7", "application_id": "app-1", "status": "expired"},
    ]
    return {", ".join(f"{name} {value}" for name, value in one.items()) or "(all)": one for one in single + together}


@dataclass
class Measured:
    """What one search took."""

    title: str
    found: int
    median: float
    p95: float
    plan: str = ""


async def measure(authority: Authority, now: datetime, rounds: int, url: str) -> tuple[list[Measured], list[Measured]]:
    """First pages with counts; deep pages and own lists."""
    results = []
    for title, filters in searches(now).items():
        where = parse(filters)
        times, found = [], 0
        for _ in range(rounds):
            began = time.perf_counter()
            found = (await authority.administration.search(where, by=OPERATOR)).count
            times.append((time.perf_counter() - began) * 1000)
        results.append(_measured(title, found, times))
        results[-1].plan = await _explain(authority, where, now, url)
        print(f"  {title:70} {found:>9} {results[-1].median:8.1f} {results[-1].p95:8.1f}", flush=True)
    return results, [*await _deep(authority, now, rounds), await _own(authority, rounds)]


def _measured(title: str, found: int, times: list[float]) -> Measured:
    ordered = sorted(times)
    return Measured(title, found, ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))])


async def _deep(authority: Authority, now: datetime, rounds: int) -> list[Measured]:
    found = []
    for filters in ({}, {"device": "phone"}, {"tenant": "default", "status": "live"}):
        where = parse(filters)
        async with authority.database.reading_through() as db:
            await selecting.prepare(db)
            chosen = await selecting.chosen(db, where, authority.policy, now)
            for depth, at in (("first", None), ("deep", (now - timedelta(days=70), "sess_m"))):
                times = []
                for _ in range(rounds):
                    began = time.perf_counter()
                    await selecting.page(db, chosen, sort="-created_at", after=at, limit=101)
                    times.append((time.perf_counter() - began) * 1000)
                title = ", ".join(f"{name} {value}" for name, value in filters.items()) or "(all)"
                found.append(_measured(f"{depth} page alone: {title}", 101, times))
    return found


async def _own(authority: Authority, rounds: int) -> Measured:
    times = []
    for number in range(rounds * 5):
        ada = Caller(User(f"user_{number * 97 % 10_000:06}", "somebody"))
        began = time.perf_counter()
        await authority.sessions.list(by=ada)
        times.append((time.perf_counter() - began) * 1000)
    return _measured("a user's own list", SESSIONS_EACH, times)


async def _explain(authority: Authority, where: Any, now: datetime, url: str) -> str:
    """How the database answers: the page, then the count."""
    async with authority.database.reading_through() as db:
        await selecting.prepare(db)
        chosen = await selecting.chosen(db, where, authority.policy, now)
        key = (table.c.created_at.desc(), table.c.id.desc())
        page = selecting.select(table.c.id).where(chosen).order_by(*key).limit(101)
        count = selecting.select(selecting.func.count()).select_from(table).where(chosen)
        lines = []
        for query in (page, count):
            dialect = sqlite.dialect() if authority.database.is_sqlite else postgresql.dialect()  # type: ignore[no-untyped-call]
            with contextlib.suppress(Exception):
                text = str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
                word = "EXPLAIN QUERY PLAN" if authority.database.is_sqlite else "EXPLAIN (COSTS OFF)"
                rows = await db.exec_driver_sql(f"{word} {text}")
                lines += [str(row[-1]) for row in rows]
    return "\n".join(lines)


async def plan(authority: Authority, number: int, users: int) -> list[str]:
    """A plan of so many sessions, and what signing in takes beside it, some times a second."""

    async def sign_in() -> float:
        name = _name(random.randrange(users))
        began = time.perf_counter()
        await authority.sign_in.with_password(name, PASSWORD, client=seen("192.0.2.1", "curl/8.5.0"))
        return (time.perf_counter() - began) * 1000

    async def people_until(done: asyncio.Event) -> list[float]:
        """Sign-ins begin at their times, however long earlier ones take."""
        under_way = []
        while not done.is_set():
            under_way.append(asyncio.create_task(sign_in()))
            await asyncio.sleep(1 / SIGN_INS)
        return await asyncio.gather(*under_way)

    alone = asyncio.Event()
    asyncio.get_running_loop().call_later(20, alone.set)
    before = await people_until(alone)
    where = parse({"status": "live", "created_after": await _newest(authority, number)})
    began = time.perf_counter()
    made = await authority.plans.make(where, by=OPERATOR)
    planned = time.perf_counter()
    applied = await authority.plans.apply(made.plan.id, by=OPERATOR, tolerance=1_000_000)
    ended = time.perf_counter()
    undone = await authority.plans.undo(made.plan.id, by=OPERATOR)
    back = time.perf_counter()
    again = await authority.plans.make(where, by=OPERATOR)
    done = asyncio.Event()
    task = asyncio.create_task(people_until(done))
    began_again = time.perf_counter()
    await authority.plans.apply(again.plan.id, by=OPERATOR, tolerance=1_000_000)
    ended_again = time.perf_counter()
    done.set()
    beside = await task
    one, other = _measured("", 0, before), _measured("", 0, beside)
    p99 = [sorted(times)[int(len(times) * 0.99)] for times in (before, beside)]
    return [
        f"| plan of {made.plan.count} sessions of {made.plan.users} users | {planned - began:.1f} s |",
        f"| apply: {applied.ended} ended, with an event each | {ended - planned:.1f} s |",
        f"| undo: {undone.restored} restored | {back - ended:.1f} s |",
        f"| apply of as many beside {SIGN_INS} sign-ins a second | {ended_again - began_again:.1f} s |",
        f"| sign-in with a password alone: median, p99 of {len(before)} | {one.median:.1f} ms, {p99[0]:.1f} ms |",
        f"| sign-in meanwhile: median, p99 of {len(beside)} | {other.median:.1f} ms, {p99[1]:.1f} ms |",
    ]


async def _newest(authority: Authority, number: int) -> str:
    async with authority.database.reading() as db:
        is_live = live.live(authority.policy, authority.clock())
        query = selecting.select(table.c.created_at).where(is_live).order_by(table.c.created_at.desc())
        found = (await db.execute(query.offset(number).limit(1))).scalar_one_or_none()
    return (found or authority.clock() - timedelta(days=365)).isoformat()


@contextlib.asynccontextmanager
async def databases(options: argparse.Namespace) -> AsyncIterator[list[tuple[str, str]]]:
    """Where to measure; removed afterwards."""
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        found = [("SQLite", f"sqlite:///{directory}/bench.db")]
        name = f"ostiary_bench_{uuid.uuid4().hex[:8]}"
        if options.postgres:
            await execute(options.postgres, f'CREATE DATABASE "{name}"')
            found.append(("PostgreSQL", f"{options.postgres}/{name}"))
        try:
            yield [one for one in found if options.only in ("", one[0])]
        finally:
            if options.postgres:
                await execute(options.postgres, f'DROP DATABASE "{name}" WITH (FORCE)')


async def run(options: argparse.Namespace) -> str:
    """Measure on each database: the page about it."""
    now = datetime.now(UTC)
    parts = []
    async with databases(options) as urls:
        for kind, url in urls:
            began = time.perf_counter()
            await load(url, options.sessions, options.sessions // SESSIONS_EACH, now)
            loaded = time.perf_counter() - began
            print(f"{kind}: {options.sessions} sessions loaded in {loaded:.0f} s", flush=True)
            async with Authority(Settings(database_url=url)) as authority:
                results, others = await measure(authority, now, options.rounds, url)
                acted = await plan(authority, options.plan, options.sessions // SESSIONS_EACH) if options.plan else []
            parts.append(_part(kind, results, others, acted))
    return _page(options, parts)


def _part(kind: str, results: list[Measured], others: list[Measured], acted: list[str]) -> str:
    budget = BUDGET[kind]
    rows = [
        f"| {one.title} | {one.found} | {one.median:.1f} | {one.p95:.1f}{'' if one.p95 <= budget else ' (over)'} |"
        for one in results
    ]
    more = [f"| {one.title} | | {one.median:.1f} | {one.p95:.1f} |" for one in others]
    lines = [f"## {kind}", "", "First page of 100 and exact count, in milliseconds.", ""]
    lines += ["| Filters | Found | Median | p95 |", "| --- | --- | --- | --- |", *rows, *more, ""]
    if acted:
        lines += ["| Act | Took |", "| --- | --- |", *acted, ""]
    lines += [f"### How {kind} answers", "", "Of each search the page, then the count.", ""]
    for one in results:
        lines += [f"`{one.title}`", "", "```text", one.plan, "```", ""]
    return "\n".join(lines)


def _page(options: argparse.Namespace, parts: list[str]) -> str:
    command = f"python -m bench.million {' '.join(sys.argv[1:])}".strip()
    head = [
        "# A million sessions",
        "",
        f"{options.sessions} sessions of {options.sessions // SESSIONS_EACH} users, ended ones among them, made by a",
        f"seeded generator. Each search was asked {options.rounds} times through the authority; the budget is",
        "100 ms on PostgreSQL and 200 ms on SQLite at the 95th percentile, and 10 ms for a user's own list.",
        "",
        f"Machine: {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, SQLite",
        f"{sqlite3.sqlite_version}. Load when it began: {os.getloadavg()[0]:.1f}. Command:",
        "",
        "```text",
        command,
        "```",
        "",
    ]
    return "\n".join([*head, *parts])


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--plan", type=int, default=0, help="sessions to plan, end and restore; 0: none")
    parser.add_argument("--only", default="", help="SQLite or PostgreSQL")
    parser.add_argument("--postgres", default="postgresql://postgres@127.0.0.1:5432", help="empty: SQLite only")
    parser.add_argument("--directory", help="where the SQLite file is made")
    parser.add_argument("--write", help="the page to write")
    options = parser.parse_args()
    page = asyncio.run(run(options))
    if options.write:
        Path(options.write).write_text(page, encoding="utf-8")
    else:
        print(page)


if __name__ == "__main__":
    main()
