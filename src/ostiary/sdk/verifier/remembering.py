"""From an answer to what is remembered of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from ostiary.contract.verifications import FoundSession
from ostiary.contract.verify import VerifiedUser
from ostiary.sdk.verifier.memory import NEVER, Known
from ostiary.sdk.verifier.verified import packed

T = TypeVar("T")

MAXIMUM: Final = 4096  # different values that are kept once

_once: dict[Any, Any] = {}


def known_from(
    user: VerifiedUser,
    session: FoundSession,
    client_id: str | None,
    digest: bytes,
    now: datetime | None = None,
    scopes: tuple[str, ...] | None = None,
) -> Known:
    """A live session, as `Knowledge.learn` takes it. What most sessions have in common is kept once.

    `now` is the server's clock when it answered.
    """
    ends_at = None if now is None else now + timedelta(seconds=session.remaining_s)
    return Known(
        session.id,
        user.id,
        user.username,
        _one(user.roles),
        _one(session.kind),
        _one(session.tenant),
        _one(session.application_id),
        _one(session.amr),
        _one(client_id),
        packed(session.created_at, session.expires_at, session.auth_time, ends_at),
        digest,
        0.0,
        NEVER,
        _one(scopes),
    )


def _one(value: T) -> T:
    """The same value, and the same object each time."""
    if len(_once) >= MAXIMUM:
        _once.clear()
    found: T = _once.setdefault(value, value)
    return found
