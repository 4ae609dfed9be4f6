"""What the feed writes: server-sent events with JSON in them."""

from __future__ import annotations

from typing import Final

import msgspec
from litestar.openapi import ResponseSpec

from ostiary.core.endings import Changed, Ended, EndedMany, Entry
from ostiary.feed import Told
from ostiary.server.shapes import Instant

RESPONSES: Final = {
    200: ResponseSpec(
        data_container=str,
        generate_examples=False,
        media_type="text/event-stream",
        description="Server-sent events: ended, changed, lost and heartbeat.",
    )
}

_encode: Final = msgspec.json.Encoder().encode


class EndedData(msgspec.Struct):
    """One session."""

    session_id: str
    user_id: str | None
    reason: str | None
    at: Instant
    suspended_until: Instant | None


class EndedManyData(msgspec.Struct, omit_defaults=True):
    """Many sessions: of a user, or of everybody."""

    cut_off: Instant
    count: int
    user_id: str | None = None


class ChangedData(msgspec.Struct, omit_defaults=True):
    """What to ask about again: one of these."""

    session_id: str | None = None
    user_id: str | None = None
    token_id: str | None = None
    keys: bool = False


class HeartbeatData(msgspec.Struct):
    """Everything committed until `time` was told."""

    time: Instant
    position: str


def message(told: Told, position: str) -> bytes:
    """What is told at once, with the heartbeat at its end."""
    heartbeat = _event("heartbeat", HeartbeatData(told.poll.time, position))
    return b"".join(map(_entry, told.entries)) + b"id: " + position.encode() + b"\n" + heartbeat


def _entry(entry: Entry) -> bytes:
    if isinstance(entry, Ended):
        return _event("ended", EndedData(*(getattr(entry, name) for name in EndedData.__struct_fields__)))
    if isinstance(entry, EndedMany):
        return _event("ended", EndedManyData(entry.cut_off, entry.count, entry.user_id))
    if isinstance(entry, Changed):
        return _event("changed", ChangedData(entry.session_id, entry.user_id, entry.token_id, entry.keys))
    return b"event: lost\ndata: {}\n\n"


def _event(name: str, data: msgspec.Struct) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + _encode(data) + b"\n\n"
