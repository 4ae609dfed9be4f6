"""Statements about CLI tokens."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, case, func, insert, or_, select, update

from ostiary.core.credential import CliToken
from ostiary.storage.among import one_of
from ostiary.storage.database import Connection
from ostiary.storage.schema import cli_tokens, events

COLUMNS = [column for column in cli_tokens.c if column.name != "secret_hash"]


async def add(db: Connection, token: CliToken, secret_hash: bytes) -> None:
    """Write a new token."""
    values = {name: getattr(token, name) for name in CliToken.__slots__}
    await db.execute(insert(cli_tokens).values(secret_hash=secret_hash, **values))


async def find(db: Connection, token_id: str, user_id: str) -> CliToken | None:
    """The token, if it is that user's."""
    where = and_(cli_tokens.c.id == token_id, cli_tokens.c.user_id == user_id)
    row = (await db.execute(select(*COLUMNS).where(where))).one_or_none()
    return _token(row) if row else None


async def find_any(db: Connection, token_id: str) -> tuple[CliToken, bytes] | None:
    """The token, whoever's it is, and its secret's hash: for administrators."""
    query = select(*COLUMNS, cli_tokens.c.secret_hash).where(cli_tokens.c.id == token_id)
    row = (await db.execute(query)).one_or_none()
    if row is None:
        return None
    values = dict(row._mapping)
    secret_hash: bytes = values.pop("secret_hash")
    return CliToken(**values), secret_hash


async def find_many(db: Connection, token_ids: Collection[str], user_id: str) -> list[CliToken]:
    """Those of that user, oldest first."""
    where = and_(one_of(cli_tokens.c.id, token_ids), cli_tokens.c.user_id == user_id)
    rows = await db.execute(select(*COLUMNS).where(where).order_by(cli_tokens.c.created_at, cli_tokens.c.id))
    return [_token(row) for row in rows]


async def made_with(
    db: Connection, user_id: str, session_ids: Collection[str], token_ids: Collection[str]
) -> dict[str, str]:
    """Tokens of that user that were made in one of the sessions or by one of the tokens: each with its maker."""
    maker = case((one_of(cli_tokens.c.session_id, session_ids), cli_tokens.c.session_id), else_=cli_tokens.c.minted_by)
    made = or_(one_of(cli_tokens.c.session_id, session_ids), one_of(cli_tokens.c.minted_by, token_ids))
    query = select(cli_tokens.c.id, maker.label("maker")).where(cli_tokens.c.user_id == user_id, made)
    return {row.id: row.maker for row in await db.execute(query.order_by(cli_tokens.c.created_at))}


async def makers_among(db: Connection, session_ids: Collection[str], user_ids: Collection[str]) -> set[str]:
    """Those of these sessions, of these users, in which a token was made, or its new secret shown."""
    made = select(cli_tokens.c.session_id).where(
        one_of(cli_tokens.c.user_id, user_ids), one_of(cli_tokens.c.session_id, session_ids)
    )
    shown = select(events.c.session_id).where(
        one_of(events.c.session_id, session_ids), events.c.kind == "token.created"
    )
    return set((await db.execute(made.union_all(shown))).scalars())


async def list_of_user(db: Connection, user_id: str, limit: int = 1000) -> list[CliToken]:
    """A user's tokens, newest first."""
    query = select(*COLUMNS).where(cli_tokens.c.user_id == user_id)
    rows = await db.execute(query.order_by(cli_tokens.c.created_at.desc(), cli_tokens.c.id).limit(limit))
    return [_token(row) for row in rows]


async def count_live(db: Connection, user_id: str, now: datetime) -> int:
    """How many of a user's tokens still work."""
    query = select(func.count()).select_from(cli_tokens).where(cli_tokens.c.user_id == user_id, _live(now))
    return (await db.execute(query)).scalar_one()


async def revoke(db: Connection, user_id: str, at: datetime, token_id: str | None = None) -> list[str]:
    """Mark one token of a user, or all of them, revoked. The ids of those it revoked; the first time stays.

    One that has expired is revoked, too: by another node's clock it may not have (docs/decisions/0034).
    """
    where = [cli_tokens.c.user_id == user_id, cli_tokens.c.revoked_at.is_(None)]
    if token_id is not None:
        where.append(cli_tokens.c.id == token_id)
    done = await db.execute(update(cli_tokens).where(*where).values(revoked_at=at).returning(cli_tokens.c.id))
    return list(done.scalars())


async def replace_secret(db: Connection, token_id: str, secret_hash: bytes) -> bool:
    """Put a new secret under the same id. False if it was revoked."""
    done = await db.execute(
        update(cli_tokens)
        .where(cli_tokens.c.id == token_id, cli_tokens.c.revoked_at.is_(None))
        .values(secret_hash=secret_hash)
    )
    return done.rowcount == 1


async def touch(db: Connection, used: Mapping[str, datetime]) -> None:
    """Record use."""
    if not used:
        return
    unused = or_(cli_tokens.c.last_used_at.is_(None), cli_tokens.c.last_used_at < bindparam("at"))
    statement = update(cli_tokens).where(cli_tokens.c.id == bindparam("token_id"), unused)
    await db.execute(
        statement.values(last_used_at=bindparam("at")),
        [{"token_id": token_id, "at": at} for token_id, at in sorted(used.items())],
    )


def _live(now: datetime) -> ColumnElement[bool]:
    unexpired = or_(cli_tokens.c.expires_at.is_(None), cli_tokens.c.expires_at > now)
    return and_(cli_tokens.c.revoked_at.is_(None), unexpired)


def _token(row: Row[Any]) -> CliToken:
    return CliToken(**row._mapping)
