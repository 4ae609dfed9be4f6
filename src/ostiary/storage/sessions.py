"""Statements about sessions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Row, Update, and_, case, func, insert, literal_column, select, update

from ostiary.core.address import address_key
from ostiary.core.likeness import browser_key, device_key, label_key, system_key
from ostiary.core.policy import Policy
from ostiary.core.session import Bound, Revocation, Session
from ostiary.storage import accounts
from ostiary.storage.among import one_of
from ostiary.storage.database import Connection
from ostiary.storage.live import Chosen, live
from ostiary.storage.schema import REVOKED, sessions

_is_unbound: Final = func.length(sessions.c.path) == 0
FIELDS: Final = [sessions.c[name] for name in Session.__slots__ if name != "revoked"]
COLUMNS: Final = FIELDS + [sessions.c[name] for name in REVOKED]


_BOUND: Final = [sessions.c[name] for name in Bound._fields]


class Whose(NamedTuple):
    """A session's id and its user's: what an event names."""

    id: str
    user_id: str


async def add(db: Connection, session: Session, secret_hash: bytes) -> None:
    """Write a new session, with what its user's account says. Hold the user's row first: the account may change."""
    values = values_of(session) | accounts.copied(session.user_id)
    await db.execute(insert(sessions).values(secret_hash=secret_hash, **values))


async def find(db: Connection, session_id: str, user_id: str | None = None) -> Session | None:
    """The session; with `user_id`, only if it is that user's, so that missing and foreign are one path (rule 6)."""
    query = select(*COLUMNS).where(sessions.c.id == session_id)
    if user_id is not None:
        query = query.where(sessions.c.user_id == user_id)
    row = (await db.execute(query)).one_or_none()
    return as_session(row) if row else None


async def revoke(db: Connection, chosen: Chosen, end: Revocation) -> tuple[list[Session], bool]:
    """Mark the chosen live sessions ended. Those it changed, as they were before; and if anything is bound to them.

    The second half is only sure of those that were held before (`tree.take`): nothing has joined these meanwhile.
    """
    child = sessions.alias("child")
    itself: ColumnElement[str] = literal_column(
        f"{sessions.fullname}.id"
    )  # SQLAlchemy writes columns without their table in RETURNING
    bound = select(child.c.id).where(child.c.parent_id == itself, func.length(child.c.path) > 0)
    ended = (await db.execute(revoking(chosen, end).returning(*FIELDS, bound.exists()))).all()
    return [Session(*row[:-1]) for row in ended], any(row[-1] for row in ended)


async def revoke_bound(db: Connection, session_ids: Collection[str], end: Revocation) -> list[Bound]:
    """The same for what is bound to them, of which less is asked: there may be many."""
    ended = await db.execute(revoking(ids(session_ids), end).returning(*_BOUND))
    return [Bound(*row) for row in ended]


def revoking(chosen: Chosen, end: Revocation) -> Update:
    """The one guarded UPDATE (rule 2): a session that was ended already is not touched, its first reason stays."""
    return update(sessions).where(sessions.c.revoked_at.is_(None), chosen).values(written(end))


def written(end: Revocation) -> dict[str, Any]:
    """An ending or a suspension, as it stands in the row."""
    return {
        "revoked_at": end.at,
        "revoked_reason": end.reason,
        "revoked_by": end.by,
        "suspended_until": end.suspended_until,
    }


def by_id(session_id: str, user_id: str | None = None) -> Chosen:
    """One session, for `revoke`; with `user_id`, only if it is that user's."""
    chosen = sessions.c.id == session_id
    return chosen if user_id is None else and_(chosen, sessions.c.user_id == user_id)


# What is chosen to be ended is chosen by no clock: another node's may be behind, and would still accept what has
# outlived its lifetime by ours (docs/decisions/0034).


def of_user(user_id: str, spare: Collection[str] = (), application_id: str | None = None) -> Chosen:
    """Every session of a user (in one application), for `revoke`; but these."""
    chosen = sessions.c.user_id == user_id
    if application_id is not None:
        chosen = and_(chosen, sessions.c.application_id == application_id)
    return and_(chosen, ~ids(spare)) if spare else chosen


def of_client(client_id: str, user_id: str | None = None) -> Chosen:
    """Every session that an OAuth client holds (for one user), for `revoke`."""
    chosen = sessions.c.client_id == client_id
    return chosen if user_id is None else and_(chosen, sessions.c.user_id == user_id)


def for_resource(uri: str) -> Chosen:
    """Every session whose tokens are for a resource, for `revoke`."""
    return sessions.c.resource == uri


def among(session_ids: Sequence[str], user_id: str) -> Chosen:
    """Those of the sessions that are that user's, for `revoke`."""
    return and_(ids(session_ids), sessions.c.user_id == user_id)


async def find_many(db: Connection, session_ids: Collection[str], user_id: str) -> list[Session]:
    """Those of that user, oldest first."""
    query = select(*COLUMNS).where(ids(session_ids), sessions.c.user_id == user_id)
    return [as_session(row) for row in await db.execute(query.order_by(sessions.c.created_at, sessions.c.id))]


async def issued_to(db: Connection, user_id: str, makers: Collection[str]) -> dict[str, str]:
    """Sessions of a user that one of these CLI tokens minted: each with the token."""
    query = select(sessions.c.id, sessions.c.issued_by).where(
        sessions.c.user_id == user_id, one_of(sessions.c.issued_by, makers)
    )
    rows = await db.execute(query.order_by(sessions.c.created_at))
    return {row.id: row.issued_by for row in rows}


async def minted_among(db: Connection, session_ids: Collection[str]) -> list[Session]:
    """Those of the sessions that an administrator made."""
    query = select(*COLUMNS).where(ids(session_ids), sessions.c.issued_by.is_not(None))
    return [as_session(row) for row in await db.execute(query)]


async def issued_by(db: Connection, makers: Collection[str], *, spare: str, limit: int = 1000) -> list[Session]:
    """Sessions that one of these CLI tokens minted for other users than `spare`, oldest first."""
    if not makers:  # nearly always: no index helps here, so nothing is asked
        return []
    query = select(*COLUMNS).where(one_of(sessions.c.issued_by, makers), sessions.c.user_id != spare)
    return [as_session(row) for row in await db.execute(query.order_by(sessions.c.created_at).limit(limit))]


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
    return [as_session(row) for row in rows]


async def all_of_user(db: Connection, user_id: str, limit: int) -> list[Session]:
    """A user's sessions, ended ones too, oldest first."""
    query = select(*COLUMNS).where(sessions.c.user_id == user_id).order_by(sessions.c.created_at, sessions.c.id)
    return [as_session(row) for row in await db.execute(query.limit(limit))]


async def count_live(
    db: Connection, user_id: str, policy: Policy, now: datetime, *, spare: Collection[str] = ()
) -> int:
    """How many of a user's sessions would be accepted now; but these."""
    query = select(func.count()).select_from(sessions).where(of_user(user_id, spare), live(policy, now))
    return (await db.execute(query)).scalar_one()


async def count_unbound(db: Connection, user_id: str, policy: Policy, now: datetime) -> int:
    """How many of a user's live sessions end by themselves: devices, and what acts while its person is away."""
    where = and_(sessions.c.user_id == user_id, _is_unbound, live(policy, now))
    return (await db.execute(select(func.count()).select_from(sessions).where(where))).scalar_one()


async def count_of_client(db: Connection, client_id: str, user_id: str, policy: Policy, now: datetime) -> int:
    """How many live sessions of a user a client holds."""
    where = and_(sessions.c.user_id == user_id, sessions.c.client_id == client_id, live(policy, now))
    return (await db.execute(select(func.count()).select_from(sessions).where(where))).scalar_one()


async def list_revoked(db: Connection, user_id: str, most: int) -> list[Session]:
    """A user's sessions that somebody ended, oldest first. Of more than `most`, `most + 1`, the last ended first."""
    query = select(*COLUMNS).where(sessions.c.user_id == user_id, sessions.c.revoked_at.is_not(None))
    newest = query.order_by(sessions.c.revoked_at.desc(), sessions.c.created_at.desc(), sessions.c.id).limit(most + 1)
    found = [as_session(row) for row in await db.execute(newest)]
    return found if len(found) > most else sorted(found, key=lambda session: (session.created_at, session.id))


async def least_recently_used(db: Connection, user_id: str, policy: Policy, now: datetime, count: int) -> list[str]:
    """The ids of the `count` that were used longest ago among those that `count_unbound` counts."""
    query = (
        select(sessions.c.id)
        .where(sessions.c.user_id == user_id, _is_unbound, live(policy, now))
        .order_by(sessions.c.last_used_at, sessions.c.id)
        .limit(count)
    )
    return list((await db.execute(query)).scalars())


async def renew(
    db: Connection, session_id: str, *, old: bytes, new: bytes, auth_time: datetime | None, now: datetime
) -> bool:
    """Put a new secret under the same id. False if it ended, or if another renewal was first."""
    values: dict[str, Any] = {"secret_hash": new, "last_used_at": later(now)}
    if auth_time is not None:
        values["auth_time"] = auth_time
    done = await db.execute(
        update(sessions)
        .where(sessions.c.id == session_id, sessions.c.secret_hash == old, sessions.c.revoked_at.is_(None))
        .values(**values)
    )
    return done.rowcount == 1


def later(at: datetime | ColumnElement[datetime]) -> ColumnElement[datetime]:
    """When a session was last used, if that was at `at`: never earlier than before, whatever the clocks say."""
    return case((sessions.c.last_used_at < at, at), else_=sessions.c.last_used_at)


async def secret_hash(db: Connection, session_id: str) -> bytes | None:
    """The stored hash: for renewal by a caller who was verified already."""
    return (await db.execute(select(sessions.c.secret_hash).where(sessions.c.id == session_id))).scalar_one_or_none()


async def label(db: Connection, session_id: str, user_id: str, text: str | None) -> bool:
    """Name a device. False if the session is not that user's."""
    named = update(sessions).where(by_id(session_id, user_id)).values(label=text, label_key=label_key(text))
    done = await db.execute(named)
    return done.rowcount == 1


async def continue_grant(db: Connection, session_id: str, auth_time: datetime, amr: Sequence[str]) -> None:
    """Let a client's grant go on with a newer sign-in; where and when it is used is recorded beside this."""
    values = {"auth_time": auth_time, "amr": tuple(amr)}
    await db.execute(update(sessions).where(sessions.c.id == session_id).values(values))


async def newest_of_client(
    db: Connection, client_id: str, user_id: str, policy: Policy, now: datetime, resource: str | None = None
) -> Session | None:
    """The newest live session that a client holds for a user (and a resource); of a service that is the client."""
    where = and_(sessions.c.client_id == client_id, sessions.c.user_id == user_id, live(policy, now))
    where = and_(where, sessions.c.resource.is_(None) if resource is None else sessions.c.resource == resource)
    row = (await db.execute(select(*COLUMNS).where(where).order_by(sessions.c.created_at.desc()).limit(1))).first()
    return as_session(row) if row else None


def values_of(session: Session) -> dict[str, Any]:
    """A session as its row, without the secret's hash."""
    values = {name: getattr(session, name) for name in Session.__slots__ if name != "revoked"}
    values |= {"label_key": label_key(session.label), **place(session.ip, session.user_agent)}
    if session.revoked is not None:
        values |= written(session.revoked)
    return values


PLACE: Final = ("ip", "user_agent", "address", "browser", "system", "device")


def place(ip: str | None, user_agent: str | None) -> dict[str, Any]:
    """Where a session is, with what search reads of it."""
    found = (address_key(ip), browser_key(user_agent), system_key(user_agent), device_key(user_agent))
    return dict(zip(PLACE, (ip, user_agent, *found), strict=True))


def as_session(row: Row[Any]) -> Session:
    """A row of `COLUMNS`."""
    return as_session_fields(list(row))


def as_session_fields(fields: list[Any]) -> Session:
    """The fields of a session in their order, then its ending."""
    ending = fields[-len(REVOKED) :]
    fields[-len(REVOKED) :] = [None if ending[0] is None else Revocation(*ending)]
    return Session(*fields)


def ids(chosen: Collection[str]) -> Chosen:
    """These sessions, for `revoke`."""
    return one_of(sessions.c.id, chosen)
