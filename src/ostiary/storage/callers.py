"""The row of whoever acts, read and held inside the transaction of the act (rule 2)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from ostiary.core.account import User
from ostiary.core.credential import CliToken
from ostiary.storage import accounts, cli_tokens, sessions
from ostiary.storage.database import Connection
from ostiary.storage.hot import SessionRow, TokenRow
from ostiary.storage.schema import cli_tokens as tokens
from ostiary.storage.schema import sessions as rows
from ostiary.storage.schema import subjects, users

_WHOSE = [rows.c[name] for name in accounts.NOBODYS]


async def hold_session(db: Connection, session_id: str, user_id: str, *, with_user: bool = False) -> SessionRow | None:
    """A session of that user with its secret's hash and its user, held until the transaction ends.

    FOR NO KEY UPDATE is what an ending's UPDATE takes: it waits for us, or we see what it did.

    Args:
        with_user: take the user's row, too, and before it: who ends several sessions of a user takes them in this
            order, so two of them cannot wait for each other.
    """
    query = select(*sessions.COLUMNS, rows.c.secret_hash, *_WHOSE).where(
        rows.c.id == session_id, rows.c.user_id == user_id
    )
    row = (await db.execute(_held(db, query, rows, user_id if with_user else None))).one_or_none()
    if row is None:
        return None
    *fields, secret_hash, username, email, roles = row
    session = sessions.as_session_fields(fields)
    return SessionRow(session, secret_hash, User(user_id, username, email, roles or ()))


async def hold_token(db: Connection, token_id: str, user_id: str, *, with_user: bool = False) -> TokenRow | None:
    """A CLI token of that user, likewise. None also for a user who is gone or disabled."""
    query = select(*cli_tokens.COLUMNS, tokens.c.secret_hash).where(
        tokens.c.id == token_id, tokens.c.user_id == user_id
    )
    row = (await db.execute(_held(db, query, tokens, user_id if with_user else None))).one_or_none()
    if row is None:
        return None
    theirs = select(*accounts.COLUMNS).where(users.c.id == user_id, users.c.disabled_at.is_(None))
    account = (await db.execute(theirs.with_for_update(read=True))).one_or_none()
    if account is None:
        return None
    values = dict(row._mapping)
    secret_hash: bytes = values.pop("secret_hash")
    return TokenRow(CliToken(**values), secret_hash, accounts.as_user(account))


def _held(db: Connection, query: Select[Any], table: Any, user_id: str | None) -> Select[Any]:
    if db.dialect.name == "sqlite":  # one writer at a time: the transaction itself holds everything
        return query
    if user_id is None:
        return query.with_for_update(key_share=True, of=table)
    # In one statement: the condition on it is evaluated, and takes the user's row, before the row itself is locked.
    subject = select(subjects.c.user_id).where(subjects.c.user_id == user_id).with_for_update(key_share=True)
    taken = select(func.count()).select_from(subject.cte("subject")).scalar_subquery()
    return query.where(taken >= 0).with_for_update(key_share=True, of=table)
