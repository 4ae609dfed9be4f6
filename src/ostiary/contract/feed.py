"""The feed: what ends, told to services as server-sent events with JSON in them."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from ostiary.contract.answer import Answer
from ostiary.contract.calling import W
from ostiary.contract.operation import Namespace, Stream, Takes
from ostiary.contract.shapes import Instant
from ostiary.contract.tolerant import tolerant
from ostiary.core.endings import Changed, Ended, EndedMany, Entry, Lost
from ostiary.errors import Conflict

MAXIMUM_HOLD: Final = 300.0  # seconds


class EndedData(Answer):
    """One session."""

    session_id: str
    user_id: str | None
    reason: str | None
    at: Instant
    suspended_until: Instant | None


class EndedManyData(Answer, omit_defaults=True):
    """Many sessions: of a user, or of everybody."""

    cut_off: Instant
    count: int
    user_id: str | None = None


class ChangedData(Answer, omit_defaults=True):
    """What to ask about again: one of these."""

    session_id: str | None = None
    user_id: str | None = None
    token_id: str | None = None
    keys: bool = False


class HeartbeatData(Answer):
    """Everything committed until `time` was told."""

    time: Instant
    position: str


def read_told(name: str, data: bytes) -> Entry | HeartbeatData:
    """What an event tells. What an older reader does not know could be an ending, so it reads as `Lost`.

    Raises:
        ValueError: not as an authority writes it.
    """
    if name == "heartbeat":
        return msgspec.json.decode(data, type=HeartbeatData)
    if name == "changed":
        changed = msgspec.json.decode(data, type=ChangedData)
        return Changed(changed.session_id, changed.user_id, changed.token_id, changed.keys)
    if name != "ended":
        return Lost()
    members = msgspec.json.decode(data, type=dict[str, Any])
    if "cut_off" in members:
        many = msgspec.convert(members, EndedManyData)
        return EndedMany(many.user_id, many.cut_off, many.count)
    one = msgspec.convert(members, tolerant(EndedData))
    return Ended(one.session_id, one.user_id, one.reason, one.at, one.suspended_until)


class FollowFeed(Takes, kw_only=True):
    """Every session that ends, and what else a program that remembers sessions has to hear of.

    Each answer begins with what happened since `after`, and a heartbeat: with it the reader knows everything that was
    committed before its request arrived. For OAuth clients by their own credentials and CLI tokens of administrators,
    with the scope `feed:read`.
    """

    hold: Annotated[
        Annotated[float, Meta(ge=0, le=MAXIMUM_HOLD)] | None,
        Meta(description="Seconds that the answer stays open. Left out: until the server ends it."),
    ] = None
    after: Annotated[
        Annotated[str, Meta(max_length=128)] | None,
        Meta(description="The `position` of a heartbeat: everything since then comes first. Or `Last-Event-ID`."),
    ] = None
    reader: Annotated[
        Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}$", examples=["shop-3-a81f"])] | None,
        Meta(
            description="The reader's own id, the same in all its requests. It is then known as a verifier, and an "
            "answer that told something ends at once, so that the next request can acknowledge it.",
        ),
    ] = None
    name: Annotated[
        Annotated[str, Meta(pattern=r"^[^\u0000-\u001f\u007f]{1,64}$")] | None,
        Meta(description="What people call the reader."),
    ] = None
    max_staleness: Annotated[
        Annotated[float, Meta(ge=0.5, le=3600)] | None,
        Meta(description="Seconds that the reader trusts what it remembers. Default 5."),
    ] = None
    applied: Annotated[
        Annotated[str, Meta(max_length=128)] | None,
        Meta(description="The `position` of the last heartbeat that the reader has applied."),
    ] = None


class Feed(Namespace[W]):
    """What programs follow that remember sessions."""

    tag = "services"

    follow = Stream(
        "/api/v1/feed",
        FollowFeed,
        read_told,
        summary="Follow what ends",
        who="service",
        errors=(Conflict,),
        headers={"X-Accel-Buffering": "Asks nginx not to hold events back."},
    )
