"""From the acknowledgement of a revocation to its last acceptance anywhere: two nodes, many verifiers, one PostgreSQL.

Each verifier is a process of its own and looks at every session all the time. After each acknowledgement both nodes are
asked at once. Meanwhile other requests keep the nodes busy. `--fault` does something to them halfway:

* `pause`: one node stands still for some seconds (SIGSTOP)
* `kill`: one node is killed while it acknowledges (SIGKILL), and started again
* `disconnect`: PostgreSQL ends every connection of the nodes, again and again
* `cut`, `stall`: half of the verifiers lose their node for a minute: connections break, or nothing arrives any more

    python -m bench.lag --verifiers 20 --revocations 2000 [--without-notify] [--fault pause] [--seed N]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2

from bench.watching import HEADER, notes_in
from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.client import seen
from ostiary.settings import Settings
from tests.sdk.verifier.proxy import Proxy
from tests.support import databases
from tests.support.processes import Server

OPERATOR = Caller.operator("bench")
PATIENCE = 3.0  # seconds for one answer of a node; then another one is asked
CUT_FOR = 60.0  # seconds
SETTLE = 1.0  # seconds after the last revocation, beyond `max_staleness`


@dataclass
class Plan:
    """What to measure."""

    verifiers: int = 20
    revocations: int = 2000
    workers: int = 4
    load: int = 2
    max_staleness: float = 5.0
    with_notify: bool = True
    fault: str | None = None
    seed: int = field(default_factory=lambda: random.randrange(2**32))


@dataclass
class Result:
    """Seconds from each acknowledgement to the last acceptance by a verifier; 0 if that was before.

    Attributes:
        lags: of each revocation, the latest of all verifiers.
        accepted_by_nodes: questions to a node, asked after an acknowledgement, that were accepted.
        asked_of_nodes: such questions that were answered.
        ghosts: sessions that a verifier still had in memory at the end.
    """

    lags: list[float]
    accepted_by_nodes: int
    asked_of_nodes: int
    ghosts: int
    seconds: float


class Run:
    """One measurement."""

    def __init__(self, plan: Plan, url: str, home: Path) -> None:
        """On an empty, migrated database."""
        self.plan = plan
        self.url = url
        self.home = home
        self.dice = random.Random(plan.seed)
        module = "ostiary" if plan.with_notify else "bench.without_notify"
        self.nodes = [Server(url, home, module=module) for _ in range(2)]
        self.proxy: Proxy | None = None  # before the second node, for its verifiers
        self.acknowledged: dict[int, float] = {}
        self.accepted_by_nodes = self.asked_of_nodes = 0
        self.under_way, self.over = asyncio.Event(), asyncio.Event()

    async def measure(self) -> Result:
        """Everything."""
        admin, credential, pairs, others = await self._populate()
        tokens = [token for _, token in pairs]
        (self.home / "tokens").write_text("\n".join(tokens))
        notes_file = self.home / "notes"
        notes_file.write_bytes(bytes(8 * (HEADER + self.plan.verifiers * len(tokens))))
        notes = notes_in(notes_file)
        for node in self.nodes:
            await asyncio.to_thread(node.start)
        began = time.monotonic()
        try:
            async with (
                self._proxied(),
                self._watching(credential) as watchers,
                httpx2.AsyncClient(timeout=PATIENCE) as http,
            ):
                loads = [asyncio.create_task(self._load(http, others)) for _ in range(self.plan.load)]
                fault = asyncio.create_task(self._fault())
                order = list(range(len(pairs)))
                async with asyncio.TaskGroup() as group:
                    for _ in range(self.plan.workers):
                        group.create_task(self._revoke(http, admin, pairs, order, notes))
                self.over.set()
                await asyncio.gather(fault, *loads)
                took = time.monotonic() - began
                await asyncio.sleep(self.plan.max_staleness + SETTLE)
                notes[1] = 1.0
                said = [(await watcher.stdout.readline()).split() for watcher in watchers if watcher.stdout]
        finally:
            for node in self.nodes:
                with contextlib.suppress(Exception):
                    await asyncio.to_thread(node.stop, signal.SIGKILL)
        ghosts = sum(int(line[0]) for line in said if line)
        if not all(said):
            raise RuntimeError("a verifier ended early")
        return Result(self._lags(notes), self.accepted_by_nodes, self.asked_of_nodes, ghosts, took)

    def _lags(self, notes: Any) -> list[float]:
        count = self.plan.revocations
        return [
            max(0.0, *(notes[HEADER + one * count + index] - at for one in range(self.plan.verifiers)))
            for index, at in self.acknowledged.items()
        ]

    async def _populate(self) -> tuple[str, str, list[tuple[str, str]], list[str]]:
        settings = Settings(database_url=self.url, password_memory_kib=19456, password_time_cost=2)
        async with Authority(settings) as authority:
            accounts = authority.accounts
            root = await accounts.add("root", "correct horse battery", by=OPERATOR, roles=("admin", "member"))
            started = await authority.sessions.start(root.id, client=seen("127.0.0.1", "bench"))
            by = await authority.verify(started.token)
            made = await authority.tokens.create(name="verifier", by=by, scopes=("feed:read",))
            users = [
                await accounts.add(f"user{number}", "correct horse battery", by=OPERATOR, roles=("member",))
                for number in range(20)
            ]
            pairs, others = [], []
            for number in range(self.plan.revocations + 50):
                one = await authority.sessions.start(users[number % 20].id, client=seen("127.0.0.1", "bench"))
                if number < self.plan.revocations:
                    pairs.append((one.session.id, one.token))
                else:
                    others.append(one.token)
        return started.token, made.secret, pairs, others

    @contextlib.asynccontextmanager
    async def _proxied(self) -> AsyncIterator[None]:
        if self.plan.fault not in ("cut", "stall"):
            yield
            return
        async with Proxy(self.nodes[1].port) as self.proxy:
            yield

    @contextlib.asynccontextmanager
    async def _watching(self, credential: str) -> AsyncIterator[list[asyncio.subprocess.Process]]:
        watchers = []
        doors = [self.nodes[0].url, self.proxy.url if self.proxy else self.nodes[1].url]
        try:
            for number in range(self.plan.verifiers):
                words = [doors[number % 2], credential, str(self.home / "tokens"), str(self.home / "notes")]
                watchers.append(
                    await asyncio.create_subprocess_exec(
                        sys.executable,
                        "-m",
                        "bench.watching",
                        *words,
                        str(number),
                        str(self.plan.max_staleness),
                        stdout=subprocess.PIPE,
                    )
                )
                if number % 4 == 3:  # a few at a time: all at once would only measure how long they wait to begin
                    await _ready(watchers[-4:])
            await _ready(watchers[self.plan.verifiers // 4 * 4 :])
            yield watchers
        finally:
            for watcher in watchers:
                with contextlib.suppress(ProcessLookupError):
                    watcher.kill()
                await watcher.wait()

    async def _revoke(
        self, http: httpx2.AsyncClient, admin: str, pairs: list[tuple[str, str]], order: list[int], notes: Any
    ) -> None:
        """Revoke one after the other, on any node, until one acknowledges; then ask both nodes at once."""
        while order:
            index = order.pop(0)
            session_id, token = pairs[index]
            notes[0] = max(notes[0], float(index + 1))
            headers = {"Authorization": f"Bearer {admin}"}
            while True:
                node = self.dice.choice(self.nodes)
                path = f"{node.url}/api/v1/admin/sessions/{session_id}/revoke"
                status = await self._status(http.post(path, headers=headers))
                if status == 200:
                    self.acknowledged[index] = time.monotonic()
                    if len(self.acknowledged) > self.plan.revocations // 3:
                        self.under_way.set()
                    break
                await asyncio.sleep(0.05)
            bearer = {"Authorization": f"Bearer {token}"}
            answers = await asyncio.gather(
                *(self._status(http.get(f"{node.url}/verify", headers=bearer)) for node in self.nodes)
            )
            self.accepted_by_nodes += answers.count(200)
            self.asked_of_nodes += answers.count(200) + answers.count(401)

    async def _load(self, http: httpx2.AsyncClient, tokens: list[str]) -> None:
        while not self.over.is_set():
            headers = {"Authorization": f"Bearer {self.dice.choice(tokens)}"}
            await self._status(http.get(f"{self.dice.choice(self.nodes).url}/verify", headers=headers))
            await asyncio.sleep(0.005)

    async def _status(self, answer: Awaitable[httpx2.Response]) -> int | None:
        try:
            return (await answer).status_code
        except httpx2.RequestError:
            return None

    async def _fault(self) -> None:
        faults: dict[str | None, Callable[[], Awaitable[None]]] = {
            "pause": self._pause, "kill": self._kill, "disconnect": self._disconnect,
            "cut": self._cut, "stall": self._cut,
        }  # fmt: skip
        if self.plan.fault is None:
            return
        await self.under_way.wait()
        await faults[self.plan.fault]()

    async def _pause(self) -> None:
        process = self.nodes[1].process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(self.plan.max_staleness + 2)
        process.send_signal(signal.SIGCONT)

    async def _cut(self) -> None:
        assert self.proxy is not None and self.plan.fault is not None
        getattr(self.proxy, self.plan.fault)()
        await asyncio.sleep(CUT_FOR)
        self.proxy.mend()

    async def _kill(self) -> None:
        await asyncio.to_thread(self.nodes[1].stop, signal.SIGKILL)
        await asyncio.to_thread(self.nodes[1].start)

    async def _disconnect(self) -> None:
        name = self.url.rsplit("/", 1)[1]
        admin = await asyncpg.connect(f"{databases.POSTGRES}/postgres")
        try:
            for _ in range(10):
                await admin.fetch("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
                await asyncio.sleep(0.2)
        finally:
            await admin.close()


async def _ready(watchers: list[asyncio.subprocess.Process]) -> None:
    for watcher in watchers:
        assert watcher.stdout is not None
        async with asyncio.timeout(120):
            if (await watcher.stdout.readline()).strip() != b"ready":
                raise RuntimeError("a verifier did not begin")


async def measure(plan: Plan) -> Result:
    """One measurement, on a database of its own."""
    url = await databases.new_postgres()
    try:
        with tempfile.TemporaryDirectory() as home:
            return await Run(plan, url, Path(home)).measure()
    finally:
        await databases.drop_postgres(url)


def main() -> None:
    """Measure, print, and exit with 1 if something was accepted that must not be."""
    plan = _plan()
    print(f"seed {plan.seed}")
    try:
        result = asyncio.run(measure(plan))
    finally:
        asyncio.run(databases.drop_template())
    lags = sorted(result.lags)
    cuts = statistics.quantiles(lags, n=100)
    print(f"{len(lags)} revocations in {result.seconds:.0f} s, 2 nodes, {plan.verifiers} verifiers, "
          f"{'with' if plan.with_notify else 'without'} NOTIFY, fault: {plan.fault or 'none'}")  # fmt: skip
    print(f"nodes: {result.accepted_by_nodes} of {result.asked_of_nodes} questions accepted after the acknowledgement")
    print(f"verifiers: last acceptance anywhere after the acknowledgement: p50 {cuts[49] * 1000:.0f} ms, "
          f"p99 {cuts[98] * 1000:.0f} ms, max {lags[-1] * 1000:.0f} ms; bound {plan.max_staleness:.0f} s")  # fmt: skip
    if result.accepted_by_nodes or result.ghosts or lags[-1] > plan.max_staleness:
        sys.exit(f"violated: {result.accepted_by_nodes} by nodes, {result.ghosts} ghosts, max {lags[-1]:.3f} s")


def _plan() -> Plan:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verifiers", type=int, default=20)
    parser.add_argument("--revocations", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=4, help="revocations under way at once")
    parser.add_argument("--load", type=int, default=2, help="others who ask all the time")
    parser.add_argument("--max-staleness", type=float, default=5.0)
    parser.add_argument("--without-notify", dest="with_notify", action="store_false")
    parser.add_argument("--fault", choices=["pause", "kill", "disconnect", "cut", "stall"])
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    return Plan(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
