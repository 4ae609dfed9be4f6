"""What is measured: contenders, each with some works, and what every round of a work came to."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.running import LOAD_CORES, Failed, Running
from bench.wire import Answer, Client, Measured, Script, drive

HERE = Path(__file__).parent
CONNECTIONS = 64
CHECKED = 512  # answers read of one work, before the first round and in the last


@dataclass
class Work:
    """One thing that a contender does again and again.

    Attributes:
        requests: with their credentials, each another one; what wrk sends in turn.
        expected: what the body of each answer must contain, in the same order.
        scripts: makes the scripts of one round, for work that wrk cannot drive; `requests` is empty then.
        right: whether an answer of such a script is one.
        bare: does, for so many seconds, only what the work cannot do without, and says how often a second.
    """

    name: str
    requests: list[bytes] = field(default_factory=list)
    expected: list[bytes] = field(default_factory=list)
    scripts: Callable[[], list[Script]] | None = None
    right: Callable[[Answer], bool] = lambda answer: answer.status in (200, 201, 204)
    bare: Callable[[float], float] | None = None
    rounds: list[Measured] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)  # microseconds of the server's CPU a request
    of_bare: list[float] = field(default_factory=list)  # the rate of each round, of the bare one's after it
    failure: str = ""

    def check(self, server: Running) -> None:
        """A credential is answered with its own session: all of them, or as many all over them. Raises Failed."""
        client = Client(server.address)
        pairs = list(zip(self.requests, self.expected, strict=True))
        for sent, expected in pairs[:: len(pairs) // CHECKED + 1]:
            answer = client.ask(sent)
            if answer.status != 200 or expected not in answer.body:
                raise Failed(f"{self.name}: a wrong answer, {answer.status} {answer.body[:120]!r} for {expected!r}")
        client.close()

    def warm_up(self, server: Running, directory: Path) -> None:
        """A round that does not count; on a busy machine it may end before the first answer."""
        if self.scripts is None and self._by_wrk(server, directory, 2).wrong:
            raise Failed(f"{self.name}: wrong answers while warming up")

    def measure(self, server: Running, directory: Path, seconds: float) -> None:
        """One round. Raises Failed if any answer was no success."""
        scripts = self.scripts() if self.scripts is not None else []
        before = server.cpu_seconds()
        if scripts:
            measured = drive(server.address, scripts, seconds, self.right)
        else:
            measured = self._by_wrk(server, directory, seconds)
        if measured.wrong or not measured.requests:
            raise Failed(f"{self.name}: {measured.wrong} of {measured.requests} answers were not right")
        self.rounds.append(measured)
        self.costs.append((server.cpu_seconds() - before) / measured.requests * 1e6)
        if self.bare is not None:
            self.of_bare.append(measured.rps / self.bare(seconds))

    def _by_wrk(self, server: Running, directory: Path, seconds: float) -> Measured:
        file = directory / "requests"
        file.write_bytes(b"".join(sent + b"\0" for sent in self.requests))
        command = ["taskset", "-c", ",".join(map(str, LOAD_CORES)), "wrk", "-t1", f"-c{CONNECTIONS}"]
        done = subprocess.run(
            [*command, f"-d{seconds:.0f}s", "--timeout", "10s", "--latency", "-s", HERE / "requests.lua", server.url],
            env={**os.environ, "REQUESTS": str(file)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        number, rate = re.search(r"(\d+) requests in", said), re.search(r"Requests/sec:\s+([\d.]+)", said)
        if number is None or rate is None:
            raise Failed(f"{self.name}: wrk said {said[-200:]!r}")
        wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
        lost = int(wrong[1]) if wrong else 0
        lost += sum(map(int, errors.groups())) if errors else 0
        return Measured(
            float(rate[1]), _milliseconds(said, "50%"), _milliseconds(said, "99%"), int(number[1]), lost, seconds
        )

    @property
    def rps(self) -> float:
        return statistics.median(one.rps for one in self.rounds)


def _milliseconds(said: str, quantile: str) -> float:
    found = re.search(rf"{quantile}\s+([\d.]+)(us|ms|s|m)\b", said)
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[found[2]] if found else 0.0


@dataclass
class Race:
    """How to end one session, and how to ask whether it has ended."""

    ask: bytes
    revoke: bytes


@dataclass
class Contender:
    """One server on one store.

    Attributes:
        start: brings it up in a directory; entered on the stack of the run.
        note: what differs from the others, in a few words.
    """

    name: str
    store: str
    note: str = ""
    server: Running | None = None
    works: list[Work] = field(default_factory=list)
    races: list[Race] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)  # milliseconds
    memory_mib: float = 0.0
    failure: str = ""

    @property
    def title(self) -> str:
        return f"{self.name}, {self.store}" if self.store else self.name
