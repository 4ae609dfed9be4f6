"""Statements about the keys that sign tokens. Private keys come here encrypted, and leave so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, or_, select, update

from ostiary.storage.database import Connection
from ostiary.storage.oauth_schema import signing_keys


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One row.

    Attributes:
        public_key: a JWK (RFC 7517), as it is published.
        private_key: encrypted; None once it is retired, so that nobody can sign with it any more.
    """

    kid: str
    alg: str
    public_key: dict[str, Any]
    private_key: bytes | None
    created_at: datetime
    retired_at: datetime | None = None


async def add(db: Connection, keys: Sequence[StoredKey]) -> None:
    """Write new keys."""
    await db.execute(insert(signing_keys), [{name: getattr(key, name) for name in StoredKey.__slots__} for key in keys])


async def published(db: Connection, since: datetime) -> list[StoredKey]:
    """The keys in use and those retired after `since`, newest first."""
    query = select(signing_keys).where(or_(signing_keys.c.retired_at.is_(None), signing_keys.c.retired_at > since))
    rows = await db.execute(query.order_by(signing_keys.c.created_at.desc(), signing_keys.c.kid))
    return [StoredKey(**row._mapping) for row in rows]


async def retire_all(db: Connection, at: datetime) -> list[str]:
    """Retire every key in use, and forget its private part. Which they were."""
    done = await db.execute(
        update(signing_keys)
        .where(signing_keys.c.retired_at.is_(None))
        .values(retired_at=at, private_key=None)
        .returning(signing_keys.c.kid)
    )
    return list(done.scalars())


async def remove_retired(db: Connection, before: datetime) -> None:
    """Remove the keys that were retired before `before`: nothing that they signed is still valid."""
    await db.execute(delete(signing_keys).where(signing_keys.c.retired_at < before))
