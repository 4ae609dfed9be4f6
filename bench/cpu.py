"""What each operation of the API costs the server's process, beside another version of Ostiary: CPU microseconds.

    python -m bench.cpu --before /path/to/other/.venv/bin/python

Two servers, one of each version, take turns with the same requests, over 16 keep-alive connections: what other work the
machine has at that moment hits both alike. It is the time of the process, by its own clock. What SQLite's statements
and argon2 take in it is counted apart and left out; what PostgreSQL does is in another process anyway. What a driver
needs to send a statement and to read its rows is the server's. Of several rounds the least stands: what others do only
adds.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.cpu_works import NONE, WORKS
from bench.cpu_world import CONNECTIONS, World, world
from bench.running import Failed, machine
from bench.stores import postgres_database
from bench.wire import Answer, Script, drive, each_once
from ostiary.contract.api import operations

MEMORY = Path("/dev/shm")  # where SQLite waits for no disk: the wait is no CPU, and only takes time
SETTLE = 0.3  # seconds in which what the preparation left behind is written
AIM = 0.5  # of the CPU before


@dataclass
class Cost:
    """Of one operation on one store: microseconds a request, a round each."""

    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    failure: str = ""

    def cells(self, *, compared: bool) -> list[str]:
        before, after = (min(one) if one else None for one in (self.before, self.after))
        ratio = f"{after / before:.2f}" if before and after else ""
        shown = ["" if one is None else f"{one:,.0f}" for one in (before, after)]
        return [shown[0], shown[1], ratio] if compared else [shown[1]]


def main() -> None:
    """Run all, print a table."""
    options = _options()
    chosen = [name for name in WORKS if not options.only or name in options.only]
    costs: dict[str, dict[str, Cost]] = {}
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory:
        for store in options.stores.split(","):
            print(f"{store} …", file=sys.stderr, flush=True)
            costs[store] = _measure(store, chosen, options, Path(directory))
    print(_report(chosen, costs, options))
    if options.json:
        rows = {store: {name: vars(cost) for name, cost in found.items()} for store, found in costs.items()}
        options.json.write_text(json.dumps(rows, indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", metavar="PYTHON", help="the interpreter of an environment with the other version")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--requests", type=int, default=128, help="of one operation in one round; fewer where it counts"
    )
    parser.add_argument("--only", action="append", metavar="OPERATION", help="its id; can be given again")
    parser.add_argument("--stores", default="SQLite,PostgreSQL")
    parser.add_argument("--postgres", default="postgresql://postgres@127.0.0.1:5432", help="where to make databases")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write each round there, too")
    options = parser.parse_args()
    missing = {one.id for one in operations()} - WORKS.keys() - NONE.keys()
    if missing:
        parser.error(f"bench/cpu_works.py says nothing of {', '.join(sorted(missing))}")
    return options


def _measure(store: str, chosen: list[str], options: argparse.Namespace, directory: Path) -> dict[str, Cost]:
    costs = {name: Cost() for name in chosen}
    with contextlib.ExitStack() as stack:
        worlds = {
            which: stack.enter_context(_world(python, store, which, options, directory))
            for which, python in (("before", options.before), ("after", sys.executable))
            if python
        }
        for name, cost in costs.items():
            for number in range(options.rounds):
                # By turns, and each goes first as often.
                for which in sorted(worlds, reverse=bool(number % 2)):
                    try:
                        getattr(cost, which).append(_round(worlds[which], name, options.requests))
                    except Failed as why:
                        cost.failure = f"{which}: {why}"
            print(f"  {name:28} {cost.cells(compared=True)} {cost.failure}", file=sys.stderr, flush=True)
    return costs


@contextlib.contextmanager
def _world(python: str, store: str, which: str, options: argparse.Namespace, directory: Path) -> Iterator[World]:
    home = directory / f"{store}-{which}"
    with contextlib.ExitStack() as stack:
        url = f"sqlite:///{home / 'bench.db'}"
        if store == "PostgreSQL":
            url = stack.enter_context(postgres_database(options.postgres))
        yield stack.enter_context(world(python, url, home))


def _round(there: World, name: str, number: int) -> float:
    """Microseconds of CPU a request."""
    asked = WORKS[name](there, number)
    first: list[Answer] = []

    def right(answer: Answer) -> bool:
        if answer.status >= 300 and not first:
            first.append(answer)
        return answer.status < 300

    time.sleep(SETTLE)
    began = there.seconds()
    measured = drive(there.server.address, _scripts(asked), 120, right)
    took = there.seconds() - began
    if measured.wrong or not measured.requests:
        said = f"{first[0].status} {first[0].body[:100]!r}" if first else "no answer"
        raise Failed(f"{measured.wrong} of {measured.requests}: {said}")
    return took / measured.requests * 1e6


def _scripts(asked: list[bytes] | list[Script]) -> list[Script]:
    requests = [one for one in asked if isinstance(one, bytes)]
    scripts = [one for one in asked if not isinstance(one, bytes)]
    if requests:
        supply = iter(requests)
        scripts += [each_once(supply)] * CONNECTIONS
    return scripts


def _report(chosen: list[str], costs: dict[str, dict[str, Cost]], options: argparse.Namespace) -> str:
    compared = bool(options.before)
    heads = ("before", "after", "ratio") if compared else ("CPU µs",)
    columns = [f"{store}: {head}" for store in costs for head in heads]
    lines = [f"Measured {time.strftime('%Y-%m-%d')} on {machine()}.", ""]
    lines += ["| Operation | " + " | ".join(columns) + " |", "| --- |" + " ---: |" * len(columns)]
    for name in chosen:
        cells = [cell for found in costs.values() for cell in found[name].cells(compared=compared)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    if compared:
        for store, found in costs.items():
            pairs = [(min(one.before), min(one.after)) for one in found.values() if one.before and one.after]
            reached = sum(after <= AIM * before for before, after in pairs)
            lines += ["", f"{store}: {reached} of {len(pairs)} at most {AIM:g} of before."]
    failed = [f"{store}, {name}: {one.failure}" for store in costs for name, one in costs[store].items() if one.failure]
    return "\n".join([*lines, *failed])


if __name__ == "__main__":
    main()
