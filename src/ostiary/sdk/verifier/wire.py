"""What travels between a verifier and its authority: questions and answers as JSON, the feed as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from ostiary.core.endings import Changed, Ended, EndedMany, Entry, Lost

MAXIMUM_EVENT: Final = 64 * 1024  # bytes of one event; ours stay under one KiB


class FoundUser(Struct):
    """Whose."""

    id: str
    username: str | None
    roles: tuple[str, ...]


class FoundSession(Struct):
    """By which session."""

    id: str
    created_at: datetime
    expires_at: datetime
    auth_time: datetime | None
    kind: str
    tenant: str
    application_id: str | None
    amr: tuple[str, ...]
    remaining_s: float


class FoundToken(Struct):
    """By which CLI token."""

    id: str
    scopes: tuple[str, ...]
    expires_at: datetime | None


class Answer(Struct):
    """One answer: `error`, or the rest."""

    error: dict[str, Any] | None = None
    user: FoundUser | None = None
    session: FoundSession | None = None
    token: FoundToken | None = None
    client_id: str | None = None
    scopes: tuple[str, ...] | None = None
    audience: tuple[str, ...] | None = None


class Answers(Struct):
    """In the order of the questions."""

    now: datetime
    answers: list[Answer]


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat: everything committed before the server's clock showed `time` has been told."""

    time: datetime
    position: str


Message: TypeAlias = Entry | Beat


class _EndedData(Struct):
    session_id: str | None = None
    user_id: str | None = None
    reason: str | None = None
    at: datetime | None = None
    suspended_until: datetime | None = None
    cut_off: datetime | None = None
    count: int = 0


class _ChangedData(Struct):
    session_id: str | None = None
    user_id: str | None = None
    token_id: str | None = None
    keys: bool = False


class _BeatData(Struct):
    time: datetime
    position: str


async def messages(content: AsyncIterator[bytes]) -> AsyncGenerator[Message, None]:
    """Read server-sent events (HTML Living Standard 9.2.6), as far as an authority writes them.

    Raises:
        ValueError: not that.
    """
    rest = b""
    async for chunk in content:
        rest += chunk.replace(b"\r\n", b"\n") if b"\r" in chunk else chunk
        *events, rest = rest.split(b"\n\n")
        for event in events:
            message = read_event(event)
            if message is not None:
                yield message
        if len(rest) > MAXIMUM_EVENT:
            raise ValueError("an event of the feed is too long")


def read_event(event: bytes) -> Message | None:
    """One event; None for a comment.

    What an older verifier does not know could be an ending, so an unknown event reads as `Lost`.

    Raises:
        ValueError: not as an authority writes it.
    """
    fields: dict[bytes, bytes] = {}
    for line in event.split(b"\n"):
        name, _, value = line.partition(b":")
        if name:
            fields[name] = value.removeprefix(b" ")
    if b"data" not in fields:
        return None
    kind, data = fields.get(b"event"), fields[b"data"]
    if kind == b"ended":
        return _ended(msgspec.json.decode(data, type=_EndedData))
    if kind == b"changed":
        changed = msgspec.json.decode(data, type=_ChangedData)
        return Changed(changed.session_id, changed.user_id, changed.token_id, changed.keys)
    if kind == b"heartbeat":
        beat = msgspec.json.decode(data, type=_BeatData)
        return Beat(beat.time, beat.position)
    return Lost()


def _ended(data: _EndedData) -> Entry:
    if data.cut_off is not None:
        return EndedMany(data.user_id, data.cut_off, data.count)
    if data.session_id is None or data.at is None:
        raise ValueError("an ending names neither a session nor a cut-off")
    return Ended(data.session_id, data.user_id, data.reason, data.at, data.suspended_until)
