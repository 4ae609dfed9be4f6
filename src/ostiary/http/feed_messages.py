"""What the feed writes: server-sent events with JSON in them."""

from __future__ import annotations

from typing import Final

import msgspec

from ostiary.contract.feed import ChangedData, EndedData, EndedManyData, HeartbeatData
from ostiary.core.endings import Changed, Ended, EndedMany, Entry
from ostiary.feed import Update

_encode: Final = msgspec.json.Encoder().encode


def message(update: Update, position: str) -> bytes:
    """An update as server-sent events, with the heartbeat at its end."""
    heartbeat = _event("heartbeat", HeartbeatData(update.poll.time, position))
    return b"".join(map(_entry, update.entries)) + b"id: " + position.encode() + b"\n" + heartbeat


def _entry(entry: Entry) -> bytes:
    if isinstance(entry, Ended):
        return _event("ended", EndedData.of(entry))
    if isinstance(entry, EndedMany):
        return _event("ended", EndedManyData.of(entry))
    if isinstance(entry, Changed):
        return _event("changed", ChangedData.of(entry))
    return b"event: lost\ndata: {}\n\n"


def _event(name: str, data: msgspec.Struct) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + _encode(data) + b"\n\n"
