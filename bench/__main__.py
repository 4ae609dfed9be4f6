"""Ostiary beside what people would pick instead, in one run on one machine: `make bench`.

Every contender's server has the first core, the load (wrk, 64 keep-alive connections, another session with every
request) the others; rounds are interleaved, so that whatever else the machine does hits all alike. Answers are checked.
A contender that fails is said so in the table, and stops nobody else.

    make bench                                   everything, less than 40 minutes on two cores
    make bench ARGS="--quick"                    one short round each, a few minutes
    make bench ARGS="--only better-auth"         one peer beside Ostiary and the ceiling
    make bench ARGS="--growth 1000,1000000"      how cost grows with the number of sessions, on PostgreSQL
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench import growth, ours, race, report, startup, verifier
from bench.contender import Contender
from bench.peers import Peer, peers
from bench.running import CORES, LOAD_CORES, Failed
from bench.stores import postgres_database, tidy
from bench.wire import at_rate

ALWAYS = ("raw ASGI hello", "Ostiary")
STRICT_RATE = 5000  # requests a second, at which the p99 is aimed at


def main() -> None:
    """Run, print, write."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by the way out that stops servers and drops databases
    os.sched_setaffinity(0, LOAD_CORES)  # the driver's part of the load, too
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ostiary-bench-")))
        contenders = _start(options, directory, stack)
        _run(contenders, options, directory)
        more = _at_fixed_rate(contenders, options)
        _race(contenders, options)
        more |= _on_the_side(contenders, options)
    ceiling = next((c.works[0].rps for c in contenders if c.name == ALWAYS[0] and c.works[0].rounds), 0.0)
    rows = report.rows_of(contenders, ceiling)
    extra: list[str] = []
    if options.growth:
        grown, told = growth.measure(options.postgres, options.growth, max(2, options.seconds), options.rounds)
        more |= grown
        extra += told
    more |= _sign_ins(contenders)
    text = report.as_text(rows, report.aims(rows, more), extra, _command())
    print(text)
    report.write(rows, text)
    sys.exit(1 if any(c.failure for c in contenders if c.name in ALWAYS) else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one short round of each")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int, help="of load in one round of one work")
    parser.add_argument("--only", action="append", help="a peer's name, or 'ours'; can be given again")
    parser.add_argument("--growth", help="numbers of sessions, such as 1000,1000000,10000000; 'none' for none")
    parser.add_argument(
        "--postgres", default="postgresql://postgres@127.0.0.1:5432", help="where to make databases; empty: none"
    )
    options = parser.parse_args()
    for tool in ("wrk", "taskset"):
        if shutil.which(tool) is None:
            sys.exit(f"error: {tool} is needed (Debian: apt-get install wrk util-linux)")
    if len(CORES) < 2:
        sys.exit("error: at least two cores are needed: one for the server and one for the load")
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (2 if options.quick else 5)
    if options.growth is None:
        options.growth = "none" if options.quick or options.only else "1000,1000000"
    options.growth = [] if options.growth == "none" else [int(size) for size in options.growth.split(",")]
    return options


def _start(options: argparse.Namespace, directory: Path, stack: contextlib.ExitStack) -> list[Contender]:
    """All that can be started; a contender that cannot has `failure`."""
    found = [stack.enter_context(ours.hello(directory))]
    for store, context in (
        ("SQLite", contextlib.nullcontext(f"sqlite:///{directory / 'ostiary.db'}")),
        ("PostgreSQL", postgres_database(options.postgres)),
    ):
        found.append(_one("Ostiary", store, stack, context, directory))
    for peer in peers():
        if options.only and peer.name not in options.only:
            continue
        found.append(_peer(peer, options, directory, stack))
    return found


def _one(name: str, store: str, stack: contextlib.ExitStack, context: object, directory: Path) -> Contender:
    own = contextlib.ExitStack()
    try:
        url = own.enter_context(context)  # type: ignore[arg-type]
        contender = own.enter_context(ours.ostiary(store, url, directory))
    except Exception as why:
        own.close()
        return Contender(name, store, failure=_words(why))
    stack.push(own)
    return contender


def _peer(peer: Peer, options: argparse.Namespace, directory: Path, stack: contextlib.ExitStack) -> Contender:
    _say(f"starting {peer.name}, {peer.store}")
    own = contextlib.ExitStack()
    try:
        contender = own.enter_context(peer.start(options.postgres, directory))
    except Exception as why:
        own.close()
        return Contender(peer.name, peer.store, peer.note, failure=f"skipped: {_words(why)}")
    stack.push(own)
    return contender


def _run(contenders: list[Contender], options: argparse.Namespace, directory: Path) -> None:
    """A warm-up of each, with every answer checked; then the rounds, all contenders in each."""
    pairs = [(one, work) for one in contenders for work in one.works if one.server]
    for turn in range(options.rounds + 1):
        _say(f"round {turn} of {options.rounds}" if turn else "warming up, checking answers")
        tidy()
        for one, work in pairs:
            if work.failure or one.server is None:
                continue
            try:
                if turn in (0, options.rounds):
                    work.check(one.server)
                if turn:
                    work.measure(one.server, directory, options.seconds)
                else:
                    work.warm_up(one.server, directory)
            except (Failed, OSError) as why:
                work.failure = _words(why)
                work.rounds.clear()
                _say(f"{one.title}: {work.failure}")
            one.memory_mib = max(one.memory_mib, one.server.memory_mib())


def _at_fixed_rate(contenders: list[Contender], options: argparse.Namespace) -> dict[str, float]:
    """The p99 of ours at a fixed rate, whatever the answers do."""
    found = {}
    for one in contenders:
        if one.name == "Ostiary" and one.server is not None:
            _say(f"{one.title} at {STRICT_RATE}/s")
            requests = one.works[0].requests
            rounds = [
                at_rate(one.server.address, requests, STRICT_RATE, options.seconds) for _ in range(options.rounds)
            ]
            found[f"p99 {one.store}"] = statistics.median(measured.p99_ms for measured in rounds)
    return found


def _on_the_side(contenders: list[Contender], options: argparse.Namespace) -> dict[str, float]:
    """What is no request to a server: a verifier's hit, and the start of a command."""
    found = {"verifier": verifier.times_es256(4 if options.quick else 20)}
    for one in contenders:
        if one.name == "Ostiary" and one.server is not None:
            _say(f"session list, from {one.title}")
            token = ours.token_in(one.works[0].requests[0])
            rounds = 5 if options.quick else 20
            found["session list"] = startup.ratio(one.server, "user0", ours.PASSWORD, token, rounds)
            break
    return found


def _race(contenders: list[Contender], options: argparse.Namespace) -> None:
    for one in contenders:
        if one.server is None or not one.races:
            continue
        _say(f"lag race: {one.title}")
        try:
            race.run(one, 10 if options.quick else 50)
        except (Failed, OSError) as why:
            one.works[0].failure = _words(why)


def _sign_ins(contenders: list[Contender]) -> dict[str, float]:
    """Sign-ins a second, of what bare argon2id does at the same parameters on the same core."""
    return {
        f"sign-in {one.store}": statistics.median(work.of_bare)
        for one in contenders for work in one.works if work.rounds and work.of_bare
    }  # fmt: skip


def _words(why: BaseException) -> str:
    if isinstance(why, Failed):
        return str(why)
    return f"{type(why).__name__}: {why}".splitlines()[0][:240]


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def _command() -> str:
    arguments = " ".join(sys.argv[1:])
    return f'make bench ARGS="{arguments}"' if arguments else "make bench"


if __name__ == "__main__":
    main()
