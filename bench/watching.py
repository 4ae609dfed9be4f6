"""A verifier in a process of its own. It looks all the time at sessions that are about to end, and notes when it last
accepted each. Started by `bench.lag`; the notes are in a file that both processes map.

    python -m bench.watching URL CREDENTIAL TOKENS NOTES NUMBER MAX_STALENESS
"""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import sys
import time
from pathlib import Path
from typing import Any

from ostiary.errors import Unauthenticated
from ostiary.sdk.verifier import CannotProve, Verifier

AHEAD = 8  # sessions that are looked at before their revocation is sent
LOOK_EVERY = 0.01  # seconds: what is measured is right to this
HEADER = 2  # numbers in front of the notes: how many revocations were sent, and whether all is over


def notes_in(path: Path) -> Any:
    """The notes, as numbers: the header, then for each verifier the last acceptance of each session."""
    with path.open("r+b") as file:
        return memoryview(mmap.mmap(file.fileno(), 0)).cast("d")


def main() -> None:
    """Read the arguments, and watch."""
    url, credential, tokens, notes, number, max_staleness = sys.argv[1:]
    options = {"name": f"bench-{number}", "max_staleness": float(max_staleness), "remember": 3600.0}
    verifier = Verifier(url, token=credential, **options)  # type: ignore[arg-type]
    asyncio.run(watch(verifier, Path(tokens).read_text().split(), notes_in(Path(notes)), int(number)))


async def watch(verifier: Verifier, tokens: list[str], notes: Any, number: int) -> None:
    """Ask about every session, say that it is ready, then look until all is over."""
    mine = HEADER + number * len(tokens)
    async with verifier:
        await verifier.wait_until_fresh(30)
        for token in tokens:
            while verifier.recall(token) is None:
                with contextlib.suppress(CannotProve):  # the nodes may be busy with many who begin
                    await asyncio.gather(*(verifier.verify(one) for one in tokens))
        print("ready", flush=True)
        accepted: set[int] = set()
        looked_at = 0
        while not notes[1]:
            while looked_at < min(int(notes[0]) + AHEAD, len(tokens)):
                accepted.add(looked_at)
                looked_at += 1
            unknown = []
            for index in accepted:
                # From memory first, as everybody would: tasks for what needs none would only keep the machine busy.
                if verifier.recall(tokens[index]) is not None:
                    notes[mine + index] = time.monotonic()
                else:
                    unknown.append(index)
            if unknown:
                await asyncio.gather(*(look(verifier, tokens, index, notes, mine, accepted) for index in unknown))
            await asyncio.sleep(LOOK_EVERY)
        ghosts = 0  # refused once, and accepted again: there must be none
        for token in tokens:
            ghosts += verifier.recall(token) is not None
        print(ghosts, len(accepted), flush=True)


async def look(verifier: Verifier, tokens: list[str], index: int, notes: Any, mine: int, accepted: set[int]) -> None:
    """Is it still accepted?"""
    try:
        await verifier.verify(tokens[index])
    except Unauthenticated:
        accepted.discard(index)
    except CannotProve:
        pass  # refused for now
    else:
        notes[mine + index] = time.monotonic()


if __name__ == "__main__":
    main()
