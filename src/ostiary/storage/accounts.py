"""Statements about the local directory of people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from ostiary.core.account import User, username_key
from ostiary.storage.among import one_of
from ostiary.storage.database import Connection
from ostiary.storage.schema import sessions, users

COLUMNS = [users.c[name] for name in ("id", "username", "email", "roles", "created_at", "disabled_at", "updated_at")]
# What a session's row says of its user's account, for one that has none (decision 0023).
NOBODYS: Final[dict[str, Any]] = {"username": None, "email": None, "roles": ()}


@dataclass(frozen=True, slots=True)
class Account:
    """A user and what their password is checked against."""

    user: User
    password_hash: str


async def add(db: Connection, user: User, password_hash: str) -> bool:
    """Write a new user. False if the name is taken."""
    if await find(db, user.username or "") is not None:
        return False
    try:
        async with db.begin_nested():
            await db.execute(
                insert(users).values(
                    id=user.id,
                    username=user.username,
                    username_key=username_key(user.username or ""),
                    email=user.email,
                    roles=user.roles,
                    created_at=user.created_at,
                    password_changed_at=user.created_at,
                    password_hash=password_hash,
                )
            )
    except IntegrityError:  # somebody else took the name between the two statements
        return False
    return True


async def find(db: Connection, username: str) -> Account | None:
    """The account of that name, whatever its case."""
    return await _account(db, users.c.username_key == username_key(username))


async def named(db: Connection, name: str) -> Account | None:
    """The account that an administrator names: by its username, else by its id."""
    return await find(db, name) or await find_by_id(db, name)


async def find_by_id(db: Connection, user_id: str) -> Account | None:
    """The account behind a user id."""
    return await _account(db, users.c.id == user_id)


async def _account(db: Connection, where: Any) -> Account | None:
    row = (await db.execute(select(*COLUMNS, users.c.password_hash).where(where))).one_or_none()
    return Account(as_user(row), row.password_hash) if row else None


async def is_disabled(db: Connection, user_id: str) -> bool:
    """True for an account that is disabled; False for one that is not, and for users who have none here."""
    query = select(users.c.id).where(users.c.id == user_id, users.c.disabled_at.is_not(None))
    return (await db.execute(query)).first() is not None


async def any_exist(db: Connection) -> bool:
    """True once there is an account: the set-up link is of no use any more."""
    return (await db.execute(select(users.c.id).limit(1))).first() is not None


async def list_all(db: Connection, after: str | None, limit: int) -> list[User]:
    """One page by name, after a name."""
    query = select(*COLUMNS).order_by(users.c.username_key).limit(limit)
    if after is not None:
        query = query.where(users.c.username_key > username_key(after))
    return [as_user(row) for row in await db.execute(query)]


async def names(db: Connection, user_ids: set[str]) -> dict[str, str]:
    """The usernames of these ids, where we know them."""
    if not user_ids:
        return {}
    rows = await db.execute(select(users.c.id, users.c.username).where(one_of(users.c.id, user_ids)))
    return {row.id: row.username for row in rows}


async def set_password(db: Connection, user_id: str, *, old: str | None, new: str, now: datetime) -> bool:
    """Change the hash; with `old`, only if it is still that one. False if it was not."""
    statement = update(users).where(users.c.id == user_id).values(password_hash=new, password_changed_at=now)
    if old is not None:
        statement = statement.where(users.c.password_hash == old)
    return (await db.execute(statement)).rowcount == 1


async def improve_hash(db: Connection, user_id: str, *, old: str, new: str) -> None:
    """The same password under newer parameters; nothing else changes."""
    await db.execute(update(users).where(users.c.id == user_id, users.c.password_hash == old).values(password_hash=new))


async def set_disabled(db: Connection, user_id: str, at: datetime | None) -> None:
    """Disable at a time, or enable with None. The first time stays."""
    statement = update(users).where(users.c.id == user_id).values(disabled_at=at)
    if at is not None:
        statement = statement.where(users.c.disabled_at.is_(None))
    await db.execute(statement)


async def set_roles(db: Connection, user_id: str, roles: tuple[str, ...], now: datetime) -> None:
    """Replace the roles, in the account and in its sessions. Hold the user's row first."""
    await db.execute(update(users).where(users.c.id == user_id).values(roles=roles, updated_at=now))
    await db.execute(update(sessions).where(sessions.c.user_id == user_id).values(roles=roles))


async def remove(db: Connection, user_id: str) -> None:
    """Remove the account; its sessions stay as history, without its name. Hold the user's row first."""
    await db.execute(delete(users).where(users.c.id == user_id))
    await db.execute(update(sessions).where(sessions.c.user_id == user_id).values(NOBODYS))


def copied(user_id: str) -> dict[str, Any]:
    """Values for a new session: what its row says of the account, so that a verification reads one row."""
    return {name: select(users.c[name]).where(users.c.id == user_id).scalar_subquery() for name in NOBODYS}


async def enabled_admins(db: Connection) -> int:
    """How many administrators could sign in. Hold the lease `ADMINISTRATORS`: others may be about to remove one."""
    padded = " " + users.c.roles.cast(users.c.username.type) + " "
    query = select(func.count()).select_from(users).where(users.c.disabled_at.is_(None), padded.like("% admin %"))
    return (await db.execute(query)).scalar_one()


def as_user(row: Any) -> User:
    """A row of `COLUMNS`."""
    return User(row.id, row.username, row.email, row.roles, row.created_at, row.disabled_at, row.updated_at)
