"""Statements about OAuth clients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from ostiary.core.oauth.client import OAuthClient
from ostiary.storage.database import Connection
from ostiary.storage.oauth_schema import clients


@dataclass(frozen=True, slots=True)
class Registered:
    """A client and what its secret is checked against; None for a public one, and for one that signs."""

    client: OAuthClient
    secret_hash: bytes | None


async def add(db: Connection, client: OAuthClient, secret_hash: bytes | None) -> None:
    """Write a new client."""
    values = {name: getattr(client, name) for name in OAuthClient.__slots__ if name != "is_public"}
    await db.execute(insert(clients).values(secret_hash=secret_hash, **values))


async def find(db: Connection, client_id: str, *, hold: bool = False) -> Registered | None:
    """The client. `hold` keeps it from being removed until the transaction ends, without getting in others' way."""
    query = select(clients).where(clients.c.id == client_id)
    if hold:
        query = query.with_for_update(read=True, key_share=True)
    row = (await db.execute(query)).one_or_none()
    return _registered(row) if row else None


async def find_all(db: Connection, client_ids: Sequence[str]) -> dict[str, Registered]:
    """Those that exist among these, by id."""
    rows = await db.execute(select(clients).where(clients.c.id.in_(client_ids)))
    return {row.id: _registered(row) for row in rows}


async def redirect_uris_of_public(db: Connection) -> list[str]:
    """Where the codes of all public clients go."""
    rows = await db.execute(
        select(clients.c.redirect_uris).where(clients.c.secret_hash.is_(None), clients.c.jwks.is_(None))
    )
    return [uri for uris in rows.scalars() for uri in uris]


async def any_exist(db: Connection) -> bool:
    """True once there is a client: from then on tokens are signed."""
    return (await db.execute(select(clients.c.id).limit(1))).first() is not None


async def list_all(db: Connection, limit: int) -> list[OAuthClient]:
    """All clients, oldest first."""
    query = select(clients).order_by(clients.c.created_at, clients.c.id).limit(limit)
    return [_registered(row).client for row in await db.execute(query)]


async def set_secret(db: Connection, client_id: str, secret_hash: bytes) -> bool:
    """Replace the secret of a confidential client. False if there is no such client, or it is public."""
    statement = update(clients).where(clients.c.id == client_id, clients.c.secret_hash.is_not(None))
    return (await db.execute(statement.values(secret_hash=secret_hash))).rowcount == 1


async def remove(db: Connection, client_id: str) -> bool:
    """Remove it. False if it was not there."""
    return (await db.execute(delete(clients).where(clients.c.id == client_id))).rowcount == 1


def _registered(row: Row[Any]) -> Registered:
    values = dict(row._mapping)
    secret_hash = values.pop("secret_hash")
    is_public = secret_hash is None and values["jwks"] is None
    return Registered(OAuthClient(is_public=is_public, **values), secret_hash)
