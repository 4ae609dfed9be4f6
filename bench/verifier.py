"""A verifier's hit, token hashing included, beside PyJWT's ES256 verification in the same run; and what it remembers.

The rounds of both are interleaved, so that whatever else the machine does hits them alike.

    python -m bench.verifier --rounds 20 --calls 2000 --sessions 100000
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import platform
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from ostiary.contract.verifications import FoundSession
from ostiary.contract.verify import VerifiedUser
from ostiary.core.token import mint, new_id
from ostiary.sdk.verifier import Verifier
from ostiary.sdk.verifier.knowledge import Bounds, Knowledge
from ostiary.sdk.verifier.remembering import known_from

MEBIBYTE = 1024 * 1024
TARGET_P50 = 10.0  # microseconds
TARGET_TIMES = 20.0  # as fast as ES256
TARGET_MEMORY = 64.0  # MiB for 100,000 sessions


def main() -> None:
    """Run all, print a table, and exit with 1 if a target was missed."""
    options = _options()
    hit, es256 = asyncio.run(_race(options.rounds, options.calls))
    _, each = memory_of(options.sessions)
    resident = _resident_of(options.sessions)
    print(f"{platform.python_implementation()} {platform.python_version()}, {_processor()}")
    for name, times in (("verifier, hit", hit), ("PyJWT, ES256", es256)):
        print(f"{name:16} p50 {_percentile(times, 50):8.2f} µs   p99 {_percentile(times, 99):8.2f} µs")
    ratio = _percentile(es256, 50) / _percentile(hit, 50)
    mebibytes = each * 100_000 / MEBIBYTE
    print(f"as fast as ES256: {ratio:.1f} times")
    print(f"{options.sessions} sessions: {each:.0f} bytes each, {mebibytes:.1f} MiB for 100,000")
    print(f"resident memory grew by {resident * 100_000 / options.sessions / MEBIBYTE:.1f} MiB for 100,000")
    missed = [
        what
        for what, is_missed in (
            (f"p50 above {TARGET_P50} µs", _percentile(hit, 50) > TARGET_P50),
            (f"less than {TARGET_TIMES} times as fast as ES256", ratio < TARGET_TIMES),
            (f"more than {TARGET_MEMORY} MiB", mebibytes > TARGET_MEMORY),
        )
        if is_missed
    ]
    if missed:
        sys.exit("missed: " + "; ".join(missed))


def times_es256(rounds: int) -> float:
    """How many times as fast as a verification of ES256 by PyJWT a hit is, by medians."""
    hit, es256 = asyncio.run(_race(rounds, 2000))
    return _percentile(es256, 50) / _percentile(hit, 50)


async def _race(rounds: int, calls: int) -> tuple[list[float], list[float]]:
    """Microseconds of single calls, of both."""
    verifier = Verifier("https://auth.example.org", token=mint("ost").text)
    known = verifier._known
    now = time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
    known.begin(now + 3000, datetime.now(UTC))
    tokens = [fill(known, number, now + 3000) for number in range(1000)]
    key = ec.generate_private_key(ec.SECP256R1())
    claims = {"sub": "user", "aud": "client", "iss": "https://auth.example.org", "exp": time.time() + 3600, "sid": "s"}
    signed, public = jwt.encode(claims, key, algorithm="ES256"), key.public_key()

    def es256() -> None:
        jwt.decode(signed, public, algorithms=["ES256"], audience="client", issuer="https://auth.example.org")

    hits: list[float] = []
    others: list[float] = []
    for _ in range(rounds):
        for number in range(calls):
            token = tokens[number % len(tokens)]
            began = time.perf_counter_ns()
            await verifier.verify(token)
            hits.append((time.perf_counter_ns() - began) / 1000)
        others += _timed(es256, max(1, calls // 10))
    await verifier.close()
    return hits, others


def _timed(act: Callable[[], None], calls: int) -> list[float]:
    found = []
    for _ in range(calls):
        began = time.perf_counter_ns()
        act()
        found.append((time.perf_counter_ns() - began) / 1000)
    return found


def fill(known: Knowledge, number: int, now: float) -> str:
    """Let a verifier know one more session, of one more user. Its token."""
    token = mint("sess", new_id("sess"))
    started = datetime(2026, 1, 15, 12, tzinfo=UTC) + timedelta(seconds=number)
    session = FoundSession(
        id=token.id,
        created_at=started,
        expires_at=started + timedelta(days=90),
        auth_time=started,
        kind="browser",
        tenant="default",
        application_id=None,
        amr=("pwd",),
        remaining_s=1e6,
        limit="idle",
    )
    user = VerifiedUser(new_id("user"), f"person{number}", ("member",))
    digest = hashlib.sha256(token.text.encode()).digest()
    known.learn(known_from(user, session, None, digest), known.ask(now), session.remaining_s)
    return token.text


def memory_of(sessions: int) -> tuple[int, float]:
    """Bytes that so many sessions take, as Python counts them, in all and for each."""
    gc.collect()
    tracemalloc.start()
    known = _filled(sessions)
    gc.collect()
    traced = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return traced, traced / len(known.memory)


def _resident_of(sessions: int) -> int:
    """Bytes by which a new process grows, as the operating system counts them."""
    program = f"from bench.verifier import grown; print(grown({sessions}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return int(done.stdout)


def grown(sessions: int) -> int:
    """By how many bytes this process grows for so many sessions."""
    _filled(10)
    gc.collect()
    before = _resident()
    known = _filled(sessions)
    gc.collect()
    return (_resident() - before) * len(known.memory) // sessions


def _filled(sessions: int) -> Knowledge:
    known = Knowledge(Bounds(maximum=sessions))
    known.begin(0.0, datetime.now(UTC))
    for number in range(sessions):
        fill(known, number, 0.0)
    return known


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def _percentile(times: list[float], percent: int) -> float:
    return statistics.quantiles(times, n=100)[percent - 1]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--calls", type=int, default=2000, help="hits in a round; a tenth of it for ES256")
    parser.add_argument("--sessions", type=int, default=100_000)
    return parser.parse_args()


if __name__ == "__main__":
    main()
