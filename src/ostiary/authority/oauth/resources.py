"""The acts on resources, an administrator's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ostiary.authority.acting import Acting, Acts, act
from ostiary.authority.batch import Batch
from ostiary.authority.ending import end_sessions
from ostiary.core.caller import Caller
from ostiary.core.event import Detail
from ostiary.core.needs import admin, power
from ostiary.core.oauth.resource import NewResource, Resource
from ostiary.core.token import new_id
from ostiary.errors import Conflict, ResourceNotFound
from ostiary.errors.translatable import translatable
from ostiary.storage import codes, consents, events, resources, sessions
from ostiary.storage.database import Connection

MAXIMUM_RESOURCES: Final = 1000
LANES: Final = 2  # reads under way at once


class Resources(Acts):
    """Add, find, list, remove."""

    def __init__(self, acting: Acting, issuer: str) -> None:
        """Part of an `OAuth`."""
        super().__init__(acting)
        self._issuer = issuer
        self._rows: Batch[Resource] = Batch(self._find_all, LANES)

    async def add(self, wanted: NewResource, *, by: Caller) -> Resource:
        """Register a resource.

        Raises:
            NotAllowed: the caller is not an administrator.
            ReauthenticationRequired: the sign-in is too old to give power.
            InvalidRequest: a field cannot be.
            Conflict: there is one with this URI, or too many.
        """
        self.acting.ensure(by, admin, power)
        resource = wanted.check(new_id("res"), self._issuer, self._clock())
        await self._add(resource, by=by)
        return resource

    @act(admin, power)
    async def _add(self, db: Connection, resource: Resource, *, by: Caller) -> None:
        if len(await resources.list_all(db, MAXIMUM_RESOURCES)) == MAXIMUM_RESOURCES:
            raise Conflict(translatable("there are %(most)s resources; remove one first", most=MAXIMUM_RESOURCES))
        if not await resources.add(db, resource):
            raise Conflict(translatable("there is a resource with the URI %(uri)s", uri=resource.uri), field="uri")
        await consents.forget_resource(db, resource.uri)  # nobody has agreed to what is asked here
        detail: Detail = {"resource": resource.uri, "scopes": " ".join(resource.scope_names)}
        await events.add(db, [by.did("resource.added", self._clock(), detail=detail)])

    async def find(self, resource_id: str, *, by: Caller) -> Resource:
        """One resource.

        Raises:
            NotAllowed: the caller is not an administrator.
            ResourceNotFound: no such resource.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            found = await resources.find(db, resource_id)
        if found is None:
            raise ResourceNotFound
        return found

    async def registered(self, uri: str) -> Resource | None:
        """The resource with exactly this URI, by a read that many share (see `batch`): it is asked for all the time.

        Raises:
            StoreUnavailable: nothing is known.
        """
        return await self._rows.get(uri)

    async def _find_all(self, uris: Sequence[str]) -> Mapping[str, Resource]:
        async with self.database.reading() as db:
            return await resources.find_all(db, uris)

    async def list(self, *, by: Caller) -> list[Resource]:
        """All resources, oldest first.

        Raises:
            NotAllowed: the caller is not an administrator.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            return await resources.list_all(db, MAXIMUM_RESOURCES)

    @act(admin, power)
    async def remove(self, db: Connection, resource_id: str, *, by: Caller) -> int:
        """Remove a resource, end every session whose tokens are for it, and forget what people agreed to there.

        Returns how many sessions those were.

        Raises:
            NotAllowed: the caller is not an administrator.
            ReauthenticationRequired: the sign-in is too old to take power.
            ResourceNotFound: no such resource.
        """
        # First the resource: a grant under way holds it, so that what it starts is ended below or refused there.
        found = await resources.find(db, resource_id)
        if found is None or not await resources.remove(db, resource_id):
            raise ResourceNotFound
        now = self._clock()
        await codes.remove_for(db, found.uri)  # one that is under way is not for what takes its place
        await consents.forget_resource(db, found.uri)
        ended = await end_sessions(db, sessions.for_resource(found.uri), reason="admin", by=by, now=now)
        detail: Detail = {"resource": found.uri, "sessions": len(ended)}
        await events.add(db, [by.did("resource.removed", now, detail=detail)])
        return len(ended)
