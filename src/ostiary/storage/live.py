"""Where a session stands in its life, as SQL: the core's `Session.life`, written once for every statement.

SQLAlchemy's statements take the conditions as they are; those of the bare drivers are compiled from the same ones
(`storage.hot`). A property test holds them to the core, on both databases.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, and_, false, or_

from ostiary.core.policy import Policy
from ostiary.core.selector import Wanted
from ostiary.core.session import STALE_AFTER_DAYS
from ostiary.storage.schema import sessions

Chosen: TypeAlias = ColumnElement[bool]  # which sessions: made in `storage`, never by a door

_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)  # nothing of ours is older


class Since(NamedTuple):
    """What these columns of a live session lie after.

    Attributes:
        device_since: where there is one.
        browser_used_at: `last_used_at`, where its cookie dies with the browser.
    """

    expires_at: datetime
    created_at: datetime
    last_used_at: datetime
    device_since: datetime
    browser_used_at: datetime


def since(policy: Policy, now: datetime) -> Since:
    """The instants that `live_since` compares with, for what is live at `now`."""
    idle, began = policy.idle_timeout, now - policy.lifetime
    return Since(now, began, now - idle if idle is not None else _EVER, began, now - policy.browser_idle)


def live_since(instants: Iterable[Any]) -> Chosen:
    """Nobody ended or suspended it, and no limit has passed.

    Args:
        instants: what `since` gives, in its order; or SQL that stands for it.
    """
    expires_at, created_at, last_used_at, device_since, browser_used_at = instants
    return and_(
        sessions.c.revoked_at.is_(None),
        sessions.c.expires_at > expires_at,
        sessions.c.created_at > created_at,
        sessions.c.last_used_at > last_used_at,
        or_(sessions.c.device_since.is_(None), sessions.c.device_since > device_since),
        or_(sessions.c.stays.is_distinct_from(false()), sessions.c.last_used_at > browser_used_at),
    )


def live(policy: Policy, now: datetime) -> Chosen:
    """`Session.life` is `live`."""
    return live_since(since(policy, now))


def expired(policy: Policy, now: datetime) -> Chosen:
    """A limit has passed, and nobody had ended or suspended it."""
    line = since(policy, now)
    return and_(
        sessions.c.revoked_at.is_(None),
        or_(
            sessions.c.expires_at <= line.expires_at,
            sessions.c.created_at <= line.created_at,
            sessions.c.last_used_at <= line.last_used_at,
            sessions.c.device_since <= line.device_since,
            and_(sessions.c.stays.is_(False), sessions.c.last_used_at <= line.browser_used_at),
        ),
    )


def suspended(now: datetime) -> Chosen:
    """`Session.life` is `suspended`."""
    return and_(sessions.c.revoked_at.is_not(None), sessions.c.suspended_until > now)


def revoked(now: datetime) -> Chosen:
    """Somebody ended it, for good."""
    final = or_(sessions.c.suspended_until.is_(None), sessions.c.suspended_until <= now)
    return and_(sessions.c.revoked_at.is_not(None), final)


def ended(policy: Policy, now: datetime) -> Chosen:
    """`Session.life` is `ended`."""
    return or_(revoked(now), expired(policy, now))


def in_state(state: Wanted, policy: Policy, now: datetime) -> Chosen:
    """What the filter `status` of a selector stands for."""
    stale_line = now - timedelta(days=STALE_AFTER_DAYS)
    match state:
        case "live":
            return live(policy, now)
        case "active":
            return and_(live(policy, now), sessions.c.last_used_at >= stale_line)
        case "stale":
            return and_(live(policy, now), sessions.c.last_used_at < stale_line)
        case "suspended":
            return suspended(now)
        case "revoked":
            return revoked(now)
        case "expired":
            return expired(policy, now)
        case "ended":
            return ended(policy, now)
