"""Processes whose clock is wrong: Debian's libfaketime before their own."""

from __future__ import annotations

from pathlib import Path

from tests.support.databases import skip

PLACES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib/faketime/libfaketime.so.1")


def environment(offset: str) -> dict[str, str]:
    """What a process is started with whose clock is `offset` from the truth, such as `+61m` or `-100d`; "" is right."""
    if not offset:
        return {}
    found = [path for place in PLACES for path in Path("/").glob(place.lstrip("/"))]
    if not found:
        skip("no libfaketime: install the package faketime")
    # The monotonic clock stays: a machine whose clock is wrong still counts seconds, and event loops wait by them.
    return {"LD_PRELOAD": str(found[0]), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
