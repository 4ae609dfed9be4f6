"""What we sign about the trail: receipts of endings and checkpoints of the chain. Neither is a token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from ostiary.core.chain import Link
from ostiary.core.event import Event
from ostiary.core.trail_check import Checkpoint
from ostiary.core.verifier import Verifier

RECEIPT: Final = "ostiary-receipt+jwt"  # `typ`: by it no door can take one for a token (RFC 8725 3.11)
CHECKPOINT: Final = "ostiary-checkpoint+jwt"
MAXIMUM_SESSIONS: Final = 1000  # of one act, named in one receipt; more are counted


def receipt(
    ending: Event, act: Sequence[Event], link: Link | None, places: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The claims of a receipt: who ended which sessions, when and why; its place in the chain; who has applied it.

    Args:
        act: the endings that were one act with this one.
        link: None while the event is not sealed yet.
        places: who answers from memory, and what is known of when they applied it.
    """
    return {
        "sub": ending.session_id,
        "ending": {
            "position": ending.position,
            "session_id": ending.session_id,
            "user_id": ending.user_id,
            "at": written(ending.at),
            "reason": ending.reason,
            "by": ending.by,
            "request_id": ending.request_id,
            # Of one that a plan had suspended before: it was refused from then on.
            "suspended_at": ending.detail.get("suspended_at"),
        },
        "act": {
            "count": len(act),
            "is_complete": len(act) <= MAXIMUM_SESSIONS,
            "sessions": [event.session_id for event in act[:MAXIMUM_SESSIONS]],
        },
        "chain": None if link is None else {"number": link.number, "hash": link.hash.hex()},
        # Nodes read the row with every question, so they have applied an ending when it is committed: at `at`.
        "applied": {"nodes": written(ending.at), "verifiers": list(places)},
    }


def place(verifier: Verifier, ended_at: datetime, now: datetime) -> dict[str, Any]:
    """What is known of one verifier: until when it has applied everything, and since when it refuses at the latest."""
    return {
        "id": verifier.id,
        "name": verifier.name,
        "refuses": verifier.refuses(ended_at, now),
        "applied_through": written(verifier.applied_at) if verifier.applied_at else None,
        "refuses_at_the_latest": written(verifier.trusts_until(ended_at)),
    }


def checkpoint(point: Checkpoint) -> dict[str, Any]:
    """The claims of a checkpoint."""
    return {"number": point.number, "position": point.position, "at": written(point.at), "hash": point.hash.hex()}


def read_checkpoint(claims: Mapping[str, Any]) -> Checkpoint:
    """Back from `checkpoint`.

    Raises:
        ValueError: these are no claims of one.
    """
    try:
        return Checkpoint(
            int(claims["number"]),
            int(claims["position"]),
            datetime.fromisoformat(str(claims["at"])),
            bytes.fromhex(str(claims["hash"])),
        )
    except (KeyError, TypeError) as why:
        raise ValueError(f"it lacks {why}") from None


def written(at: datetime) -> str:
    """RFC 3339 with a `Z`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
