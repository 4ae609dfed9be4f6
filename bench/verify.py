"""`/verify` on SQLite and on PostgreSQL, beside a raw ASGI "hello" on the same uvicorn: requests a second, one process.

Rounds of all contenders are interleaved, so that whatever else the machine does hits them alike. The server has one
core and the load (wrk, 64 keep-alive connections, another session with every request) has the other ones.

    python -m bench.verify --rounds 5 --seconds 5
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.client import seen
from ostiary.settings import Settings
from ostiary.storage import migrate

HERE = Path(__file__).parent
TARGETS = {"verify, SQLite": 0.60, "verify, PostgreSQL": 0.75}
SERVER_CORE, LOAD_CORES = "0", f"1-{max(1, (os.cpu_count() or 2) - 1)}"
USERS, SESSIONS_EACH = 64, 8


@dataclass
class Contender:
    """One server under load, and what it did in each round."""

    name: str
    url: str
    cookies: Path
    rates: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    def load(self, connections: int, seconds: float) -> None:
        """One round."""
        found = subprocess.run(
            ["taskset", "-c", LOAD_CORES, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
             "-s", str(HERE / "sessions.lua"), self.url],
            env={**os.environ, "COOKIES": str(self.cookies)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout  # fmt: skip
        if "Non-2xx" in found or "Socket errors" in found:
            sys.exit(f"{self.name}: not every answer was 200\n{found}")
        self.rates.append(float(re.search(r"Requests/sec:\s+([\d.]+)", found)[1]))  # type: ignore[index]
        amount, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", found).groups()  # type: ignore[union-attr]
        self.latencies.append(float(amount) * {"us": 0.001, "ms": 1, "s": 1000}[unit])


def main() -> None:
    """Run all, print a table, and exit with 1 if a target was missed."""
    options = _options()
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        contenders = [
            stack.enter_context(contender)
            for contender in (
                _hello(directory),
                _verify("verify, SQLite", f"sqlite:///{directory / 'bench.db'}", directory),
                *([_postgres(options.postgres, directory)] if options.postgres else []),
            )
        ]
        for contender in contenders:
            contender.load(options.connections, 1)  # warms up
            contender.rates.clear()
            contender.latencies.clear()
        for _ in range(options.rounds):
            for contender in contenders:
                contender.load(options.connections, options.seconds)
        for contender in contenders[1:]:
            _check(contender)
    sys.exit(_report(contenders, options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of load in one round of one contender")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument(
        "--postgres", default="postgresql://postgres@127.0.0.1:5432", help="where to make a database; empty: none"
    )
    for tool in ("wrk", "taskset"):
        if shutil.which(tool) is None:
            sys.exit(f"error: {tool} is needed (Debian: apt-get install wrk util-linux)")
    return parser.parse_args()


@contextlib.contextmanager
def _hello(directory: Path) -> Iterator[Contender]:
    command = [sys.executable, "-m", "uvicorn", "bench.hello:app", "--port", "0", "--loop", "uvloop"]
    command += ["--http", "httptools", "--ws", "none", "--no-access-log", "--no-server-header", "--interface", "asgi3"]
    cookies = directory / "hello"
    cookies.write_text(f"__Host-session=sess_{'a' * 26}.{'b' * 43}\n" * USERS)
    with server(command, dict(os.environ)) as url:
        yield Contender("raw ASGI hello", url, cookies)


@contextlib.contextmanager
def _verify(name: str, database_url: str, directory: Path) -> Iterator[Contender]:
    cookies = directory / name.replace(", ", "-")
    cookies.write_text(asyncio.run(_populate(database_url)))
    command = [sys.executable, "-m", "ostiary", "serve", "--port", "0"]
    with server(command, {**os.environ, "OSTIARY_DATABASE_URL": database_url}) as url:
        contender = Contender(name, f"{url}/verify", cookies)
        _check(contender)
        yield contender


@contextlib.contextmanager
def _postgres(at: str, directory: Path) -> Iterator[Contender]:
    database = f"ostiary_bench_{uuid.uuid4().hex[:8]}"
    asyncio.run(execute(at, f'CREATE DATABASE "{database}"'))
    try:
        with _verify("verify, PostgreSQL", f"{at}/{database}", directory) as contender:
            yield contender
    finally:
        asyncio.run(execute(at, f'DROP DATABASE "{database}" WITH (FORCE)'))


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(f"{url}/postgres")
    await connection.execute(statement)
    await connection.close()


async def _populate(database_url: str) -> str:
    """Users with sessions; the cookie of each, a line each."""
    operator = Caller.operator("bench")
    async with Authority(Settings(database_url=database_url, password_memory_kib=19456)) as authority:
        await migrate.upgrade(authority.database)
        tokens = []
        for number in range(USERS):
            user = await authority.accounts.add(f"user{number}", "correct horse battery", by=operator)
            for _ in range(SESSIONS_EACH):
                started = await authority.sessions.start(user.id, client=seen("203.0.113.7", "wrk"), amr=("pwd",))
                tokens.append(started.token)
    return "".join(f"__Host-session={token}\n" for token in tokens)


@contextlib.contextmanager
def server(command: list[str], environment: dict[str, str]) -> Iterator[str]:
    """Run a server on one core; yields the URL that it says."""
    process = subprocess.Popen(
        ["taskset", "-c", SERVER_CORE, *command],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=HERE.parent,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"http://[\d.]+:\d+", line):
                yield found[0]
                break
        else:
            sys.exit(f"error: {' '.join(command)} did not start")
    finally:
        process.terminate()
        process.wait(10)


def _check(contender: Contender) -> None:
    """Each cookie is answered with its own session, and a wrong secret with 401."""
    cookies = contender.cookies.read_text().split()
    for cookie in cookies[:: len(cookies) // 16]:
        session_id = cookie.partition("=")[2].partition(".")[0]
        with _ask(contender.url, cookie) as answer:
            if json.load(answer)["session"]["id"] != session_id or answer.headers["Ostiary-Session"] != session_id:
                sys.exit(f"{contender.name}: a wrong answer")
    try:
        _ask(contender.url, cookies[0][:-4] + "AAAA")
    except urllib.error.HTTPError as refusal:
        if refusal.code == 401:
            return
    sys.exit(f"{contender.name}: a wrong secret was not refused")


def _ask(url: str, cookie: str):  # type: ignore[no-untyped-def]
    return urllib.request.urlopen(urllib.request.Request(url, headers={"Cookie": cookie}), timeout=10)


def _report(contenders: list[Contender], options: argparse.Namespace) -> int:
    print(f"{options.rounds} rounds of {options.seconds} s, {options.connections} connections, one process, ", end="")
    print(time.strftime("%Y-%m-%d"))
    print(f"{'':22}{'req/s, median':>14}{'lowest':>9}{'highest':>9}{'p99 ms':>8}{'ratio':>7}{'target':>8}")
    ceiling = statistics.median(contenders[0].rates)
    missed = 0
    for one in contenders:
        rate = statistics.median(one.rates)
        target = TARGETS.get(one.name)
        missed += target is not None and rate / ceiling < target
        print(
            f"{one.name:22}{rate:14,.0f}{min(one.rates):9,.0f}{max(one.rates):9,.0f}"
            f"{statistics.median(one.latencies):8.1f}{rate / ceiling:7.2f}{f'{target:.2f}' if target else '':>8}"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    main()
