"""Statements about resources: servers of others that tokens can be for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.exc import IntegrityError

from ostiary.core.oauth.resource import Resource, key_of, read_scopes, written_scopes
from ostiary.storage.database import Connection
from ostiary.storage.oauth_schema import resources

COLUMNS = [resources.c[name] for name in Resource.__slots__]


async def add(db: Connection, resource: Resource) -> bool:
    """Write a new resource. False if there is one with this URI, in whatever spelling."""
    values = {name: getattr(resource, name) for name in Resource.__slots__}
    values |= {"scopes": written_scopes(resource.scopes), "uri_key": key_of(resource.uri)}
    try:
        async with db.begin_nested():
            await db.execute(insert(resources).values(**values))
    except IntegrityError:
        return False
    return True


async def find(db: Connection, resource_id: str, *, hold: bool = False) -> Resource | None:
    """The resource with this id. `hold` keeps it from being removed until the transaction ends."""
    query = select(*COLUMNS).where(resources.c.id == resource_id)
    if hold:
        query = query.with_for_update(read=True, key_share=True)
    row = (await db.execute(query)).one_or_none()
    return _resource(row) if row else None


async def find_all(db: Connection, uris: Sequence[str]) -> dict[str, Resource]:
    """Those that are registered under exactly these URIs, by URI."""
    rows = await db.execute(select(*COLUMNS).where(resources.c.uri.in_(uris)))
    return {row.uri: _resource(row) for row in rows}


async def named(db: Connection, uri: str, *, hold: bool = False) -> Resource | None:
    """The resource that a URI names, in whatever spelling; `hold` as `find`."""
    key = key_of(uri)
    if key is None:
        return None
    query = select(*COLUMNS).where(resources.c.uri_key == key)
    if hold:
        query = query.with_for_update(read=True, key_share=True)
    row = (await db.execute(query)).one_or_none()
    return _resource(row) if row else None


async def list_all(db: Connection, limit: int) -> list[Resource]:
    """All of them, oldest first."""
    query = select(*COLUMNS).order_by(resources.c.created_at, resources.c.id).limit(limit)
    return [_resource(row) for row in await db.execute(query)]


async def remove(db: Connection, resource_id: str) -> bool:
    """Remove it. False if it was not there."""
    return (await db.execute(delete(resources).where(resources.c.id == resource_id))).rowcount == 1


def _resource(row: Row[Any]) -> Resource:
    values = dict(row._mapping)
    return Resource(**values | {"scopes": read_scopes(values["scopes"])})
