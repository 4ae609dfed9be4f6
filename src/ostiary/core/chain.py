"""The hash chain over the trail: what is hashed, and what a look at it can find.

Each sealed event has a link. Its `hash` covers the link before it, so a chain up to some number cannot be changed
without changing every hash after. What is personal in an event (address, agent, a name) is covered by a salted digest
of its own: forgetting it takes the salt away too, and the chain still holds. Without the salt the digest says nothing,
not even about an address, of which there are few enough to try them all.

Who can write to the database can compute a whole new chain. What they cannot do is make it agree with a checkpoint that
was written down elsewhere before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias

from ostiary.core.event import Event

SALT_BYTES: Final = 16  # 128 bits: nobody tries them all
GENESIS: Final = bytes(32)  # what comes before the first link
PERSONAL_DETAIL: Final = "username"  # the member of `detail` that names a person
OUT_OF_TIME: Final = timedelta(hours=1)  # more than the clocks of two nodes should ever differ

Fault: TypeAlias = Literal["altered", "removed", "inserted", "misdated", "forgotten", "link_altered", "link_missing"]

FAULTS: Final[Mapping[Fault, str]] = {
    "altered": "what it says is not what was sealed",
    "removed": "it was sealed, and is not there; no retention took it away",
    "inserted": "it was put in at a place that had been sealed without it",
    "misdated": "it claims a time more than an hour before events that were sealed earlier",
    "forgotten": "its address and agent are gone; no retention and no erasure took them away",
    "link_altered": "its link in the chain was changed",
    "link_missing": "its link in the chain was taken away",
}


@dataclass(frozen=True, slots=True)
class Link:
    """One row of the chain.

    Attributes:
        number: 1, 2, 3, … in the order of sealing.
        position: of the event in the trail.
        salt: of `personal`; None once that was forgotten.
        personal: digest of the salt and of what is personal in the event.
        body: digest of everything else in the event, and of `personal`.
        hash: of the link before, and of all of this but the salt.
    """

    number: int
    position: int
    at: datetime
    kind: str
    salt: bytes | None
    personal: bytes
    body: bytes
    hash: bytes


def seal(event: Event, number: int, previous: bytes, salt: bytes) -> Link:
    """The link of an event that was written, after the link with the hash `previous`."""
    personal = personal_digest(event, salt)
    body = body_digest(event, personal)
    position = event.position or 0
    return Link(
        number,
        position,
        event.at,
        event.kind,
        salt,
        personal,
        body,
        link_hash(previous, number, position, event.at, event.kind, body),
    )


def personal_digest(event: Event, salt: bytes) -> bytes:
    """The digest of what may be forgotten."""
    return _digest(salt, [event.ip, event.user_agent, event.detail.get(PERSONAL_DETAIL)])


def body_digest(event: Event, personal: bytes) -> bytes:
    """The digest of what stays, and of the digest of what may go."""
    detail = {name: value for name, value in event.detail.items() if name != PERSONAL_DETAIL}
    kept = [event.user_id, event.session_id, event.by, event.reason, event.request_id, detail]
    return _digest(personal, [event.position, _time(event.at), event.kind, *kept])


def link_hash(previous: bytes, number: int, position: int, at: datetime, kind: str, body: bytes) -> bytes:
    """The running hash."""
    return _digest(previous + body, [number, position, _time(at), kind])


def follows(link: Link, previous: bytes) -> bool:
    """True if the link is what was sealed after the one with this hash."""
    return link.hash == link_hash(previous, link.number, link.position, link.at, link.kind, link.body)


def is_forgotten(event: Event) -> bool:
    """True if nothing personal is left in it (or never was)."""
    return event.ip is None and event.user_agent is None and PERSONAL_DETAIL not in event.detail


def agrees(link: Link, event: Event) -> bool:
    """True if the event is what was sealed; what was forgotten cannot be looked at, but must be gone entirely."""
    if link.salt is None:
        return is_forgotten(event) and body_digest(event, link.personal) == link.body
    return personal_digest(event, link.salt) == link.personal and body_digest(event, link.personal) == link.body


def _digest(before: bytes, values: object) -> bytes:
    text = json.dumps(values, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(before + text.encode()).digest()


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
