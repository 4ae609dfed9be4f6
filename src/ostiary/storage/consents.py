"""Statements about consents: which third-party client a user has agreed to, and to what."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text, cast, delete, insert, select, update

from ostiary.storage.database import Connection
from ostiary.storage.oauth_schema import consents


async def find(db: Connection, user_id: str, client_id: str) -> tuple[str, ...]:
    """The scopes that the user agreed to; empty for none."""
    query = select(consents.c.scopes).where(consents.c.user_id == user_id, consents.c.client_id == client_id)
    return (await db.execute(query)).scalar_one_or_none() or ()


async def replace(db: Connection, user_id: str, client_id: str, scopes: tuple[str, ...], now: datetime) -> None:
    """Write what the user agrees to now. Hold the user's subject first, so that two do not write at once."""
    await db.execute(delete(consents).where(consents.c.user_id == user_id, consents.c.client_id == client_id))
    await db.execute(insert(consents).values(user_id=user_id, client_id=client_id, scopes=scopes, granted_at=now))


async def list_of_user(db: Connection, user_id: str) -> list[tuple[str, tuple[str, ...], datetime]]:
    """Every consent of a user, the latest first: client id, scopes, and since when."""
    query = (
        select(consents.c.client_id, consents.c.scopes, consents.c.granted_at)
        .where(consents.c.user_id == user_id)
        .order_by(consents.c.granted_at.desc(), consents.c.client_id)
    )
    return [(row.client_id, row.scopes, row.granted_at) for row in await db.execute(query)]


async def remove(db: Connection, user_id: str, client_id: str) -> bool:
    """Forget one consent. False if there was none."""
    where = (consents.c.user_id == user_id, consents.c.client_id == client_id)
    return (await db.execute(delete(consents).where(*where))).rowcount == 1


async def forget_resource(db: Connection, resource: str) -> None:
    """Forget what everybody agreed to at a resource, by its URI (see `Resource.consent_to`).

    Many have agreed to the same words, so that these are few to go through, however many people there are.
    """
    words = cast(consents.c.scopes, Text)
    query = select(consents.c.scopes).where(words.contains(f"{resource}#", autoescape=True)).distinct()
    for scopes in (await db.execute(query)).scalars().all():
        kept = tuple(word for word in scopes if word.partition("#")[0] != resource)
        where = consents.c.scopes == scopes
        await db.execute(update(consents).where(where).values(scopes=kept) if kept else delete(consents).where(where))


async def remove_of_client(db: Connection, client_id: str) -> None:
    """Forget all consents to a client."""
    await db.execute(delete(consents).where(consents.c.client_id == client_id))
