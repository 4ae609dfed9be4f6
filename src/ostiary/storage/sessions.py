"""Statements about sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Row, and_, bindparam, func, insert, not_, or_, select, true, update

from ostiary.core.policy import Policy
from ostiary.core.session import STALE_AFTER_DAYS, Revocation, Session, Status
from ostiary.storage.database import Connection
from ostiary.storage.schema import sessions

Chosen: TypeAlias = ColumnElement[bool]  # which sessions: made by the functions below, never by a door

COLUMNS = [column for column in sessions.c if column.name != "secret_hash"]


async def add(db: Connection, session: Session, secret_hash: bytes) -> None:
    """Write a new session."""
    await db.execute(insert(sessions).values(secret_hash=secret_hash, **_values(session)))


async def find(db: Connection, session_id: str, user_id: str | None = None) -> Session | None:
    """The session; with `user_id`, only if it is that user's, so that missing and foreign are one path (rule 6)."""
    query = select(*COLUMNS).where(sessions.c.id == session_id)
    if user_id is not None:
        query = query.where(sessions.c.user_id == user_id)
    row = (await db.execute(query)).one_or_none()
    return _session(row) if row else None


async def revoke(db: Connection, chosen: Chosen, end: Revocation) -> list[Session]:
    """Mark the chosen sessions ended: the one guarded UPDATE (rule 2). Returns those it ended, as they were before.

    A session that was ended already is not touched: its first reason stays.
    """
    ended = await db.execute(
        update(sessions)
        .where(sessions.c.revoked_at.is_(None), chosen)
        .values(revoked_at=end.at, revoked_reason=end.reason, revoked_by=end.by)
        .returning(*(column for column in COLUMNS if not column.name.startswith("revoked_")))
    )
    return [_session(row, ended=False) for row in ended]


def by_id(session_id: str, user_id: str | None = None) -> Chosen:
    """One session, for `revoke`; with `user_id`, only if it is that user's."""
    chosen = sessions.c.id == session_id
    return chosen if user_id is None else and_(chosen, sessions.c.user_id == user_id)


def of_user(user_id: str, now: datetime, but: str | None = None, application_id: str | None = None) -> Chosen:
    """Every session of a user (in one application) that has not outlived its lifetime, for `revoke`; but one, if given.

    One that is only idle is included: a longer idle timeout must not bring it back after "log out everywhere".
    """
    chosen = and_(sessions.c.user_id == user_id, sessions.c.expires_at > now)
    if application_id is not None:
        chosen = and_(chosen, sessions.c.application_id == application_id)
    return chosen if but is None else and_(chosen, sessions.c.id != but)


def of_client(client_id: str, now: datetime) -> Chosen:
    """Every session that an OAuth client holds, for `revoke`."""
    return and_(sessions.c.client_id == client_id, sessions.c.expires_at > now)


async def list_of_user(
    db: Connection,
    user_id: str,
    policy: Policy,
    now: datetime,
    *,
    ended: bool = False,
    application_id: str | None = None,
    limit: int = 1000,
) -> list[Session]:
    """A user's sessions, most recently used first; only those that would be accepted now, unless `ended`."""
    query = select(*COLUMNS).where(sessions.c.user_id == user_id)
    if application_id is not None:
        query = query.where(sessions.c.application_id == application_id)
    if not ended:
        query = query.where(live(policy, now))
    rows = await db.execute(query.order_by(sessions.c.last_used_at.desc(), sessions.c.id).limit(limit))
    return [_session(row) for row in rows]


def live(policy: Policy, now: datetime) -> Chosen:
    """`Session.ensure_live` as SQL; a test holds the two together."""
    conditions = [
        sessions.c.revoked_at.is_(None),
        sessions.c.expires_at > now,
        sessions.c.created_at > now - policy.lifetime,
    ]
    if policy.idle_timeout is not None:
        conditions.append(sessions.c.last_used_at > now - policy.idle_timeout)
    return and_(*conditions)


async def search(
    db: Connection,
    where: Chosen,
    *,
    after: tuple[datetime, str] | None,
    descending: bool,
    limit: int,
) -> list[Session]:
    """One page by start time and id, after a key: as fast on the thousandth page as on the first."""
    key = (sessions.c.created_at, sessions.c.id)
    query = select(*COLUMNS).where(where)
    if after is not None:
        at, last_id = after
        beyond = key[0] < at if descending else key[0] > at
        same = and_(key[0] == at, key[1] < last_id if descending else key[1] > last_id)
        query = query.where(or_(beyond, same))
    order = [column.desc() for column in key] if descending else list(key)
    return [_session(row) for row in await db.execute(query.order_by(*order).limit(limit))]


async def count(db: Connection, where: Chosen) -> int:
    """How many."""
    return (await db.execute(select(func.count()).select_from(sessions).where(where))).scalar_one()


async def count_live(db: Connection, user_id: str, policy: Policy, now: datetime) -> int:
    """How many of a user's sessions would be accepted now."""
    return await count(db, and_(sessions.c.user_id == user_id, live(policy, now)))


async def least_recently_used(db: Connection, user_id: str, policy: Policy, now: datetime, count: int) -> list[str]:
    """The ids of a user's `count` live sessions that were used longest ago."""
    query = (
        select(sessions.c.id)
        .where(sessions.c.user_id == user_id, live(policy, now))
        .order_by(sessions.c.last_used_at, sessions.c.id)
        .limit(count)
    )
    return list((await db.execute(query)).scalars())


async def renew(
    db: Connection, session_id: str, *, old: bytes, new: bytes, auth_time: datetime | None, now: datetime
) -> bool:
    """Put a new secret under the same id. False if it ended, or if another renewal was first."""
    values: dict[str, Any] = {"secret_hash": new, "last_used_at": now}
    if auth_time is not None:
        values["auth_time"] = auth_time
    done = await db.execute(
        update(sessions)
        .where(sessions.c.id == session_id, sessions.c.secret_hash == old, sessions.c.revoked_at.is_(None))
        .values(**values)
    )
    return done.rowcount == 1


async def secret_hash(db: Connection, session_id: str) -> bytes | None:
    """The stored hash: for renewal by a caller who was verified already."""
    return (await db.execute(select(sessions.c.secret_hash).where(sessions.c.id == session_id))).scalar_one_or_none()


async def label(db: Connection, session_id: str, user_id: str, text: str | None) -> bool:
    """Name a device. False if the session is not that user's."""
    done = await db.execute(update(sessions).where(by_id(session_id, user_id)).values(label=text))
    return done.rowcount == 1


@dataclass(frozen=True, slots=True)
class Use:
    """A session's newest use: when, and from where."""

    at: datetime
    ip: str | None
    user_agent: str | None


async def touch(db: Connection, used: Mapping[str, Use], idle_since: datetime | None) -> None:
    """Record use. Never revives: not an ended session, and not one unused since before `idle_since`."""
    if not used:
        return
    conditions = [
        sessions.c.id == bindparam("session_id"),
        sessions.c.revoked_at.is_(None),
        sessions.c.last_used_at < bindparam("at"),
    ]
    if idle_since is not None:
        conditions.append(sessions.c.last_used_at > idle_since)
    statement = (
        update(sessions)
        .where(*conditions)
        .values(last_used_at=bindparam("at"), ip=bindparam("from_ip"), user_agent=bindparam("agent"))
    )
    # In one order everywhere, so that two nodes cannot wait for each other.
    await db.execute(
        statement,
        [
            {"session_id": session_id, "at": use.at, "from_ip": use.ip, "agent": use.user_agent}
            for session_id, use in sorted(used.items(), key=lambda item: item[0])
        ],
    )


async def use(db: Connection, session: Session, use: Use) -> bool:
    """Record use at once. False if it ended; if not, whoever wants to end it waits until the transaction ends."""
    done = await db.execute(
        update(sessions)
        .where(sessions.c.id == session.id, sessions.c.revoked_at.is_(None))
        .values(last_used_at=max(use.at, session.last_used_at), ip=use.ip, user_agent=use.user_agent)
    )
    return done.rowcount == 1


async def newest_of_client(
    db: Connection, client_id: str, user_id: str, policy: Policy, now: datetime
) -> Session | None:
    """The newest live session that a client holds for a user; for a service, the user is the client itself."""
    where = and_(sessions.c.client_id == client_id, sessions.c.user_id == user_id, live(policy, now))
    row = (await db.execute(select(*COLUMNS).where(where).order_by(sessions.c.created_at.desc()).limit(1))).first()
    return _session(row) if row else None


def _values(session: Session) -> dict[str, Any]:
    values = {name: getattr(session, name) for name in Session.__slots__ if name != "revoked"}
    if session.revoked is not None:
        end = session.revoked
        values |= {"revoked_at": end.at, "revoked_reason": end.reason, "revoked_by": end.by}
    return values


def _session(row: Row[Any], *, ended: bool = True) -> Session:
    values = dict(row._mapping)
    at, reason, by = (values.pop(f"revoked_{name}", None) for name in ("at", "reason", "by"))
    revoked = Revocation(at, reason, by) if ended and at is not None else None
    return Session(**values, revoked=revoked)


def ids(chosen: Sequence[str]) -> Chosen:
    """These sessions, for `revoke`."""
    return sessions.c.id.in_(chosen)


def revoked_of(user_id: str) -> Chosen:
    """A user's sessions that somebody ended."""
    return and_(sessions.c.user_id == user_id, sessions.c.revoked_at.is_not(None))


def matching(policy: Policy, now: datetime, *, user_id: str | None, status: Status | None) -> Chosen:
    """For `search` and `count`: of one user or of all, in one state or in any."""
    conditions: list[Chosen] = [true()]
    if user_id is not None:
        conditions.append(sessions.c.user_id == user_id)
    stale = sessions.c.last_used_at < now - timedelta(days=STALE_AFTER_DAYS)
    match status:
        case "active":
            conditions += [live(policy, now), not_(stale)]
        case "stale":
            conditions += [live(policy, now), stale]
        case "expired":
            conditions += [sessions.c.revoked_at.is_(None), not_(live(policy, now))]
        case "revoked":
            conditions.append(sessions.c.revoked_at.is_not(None))
    return and_(*conditions)
