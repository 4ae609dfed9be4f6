"""The acts on OAuth clients: an administrator's, and proving to be one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ostiary.authority.acting import Acting, Acts, act
from ostiary.authority.batch import Batch
from ostiary.authority.ending import end_sessions
from ostiary.authority.oauth.client_keys import ensure_usable
from ostiary.authority.oauth.keys import Keys
from ostiary.core.caller import Caller
from ostiary.core.event import Detail, EventKind
from ostiary.core.needs import admin, power
from ostiary.core.oauth.client import OAuthClient, Registration
from ostiary.core.oauth.redirect_uri import origin_of
from ostiary.core.token import Token, is_id, mint, new_id, parse
from ostiary.errors import ClientNotFound, ConfigurationError, Conflict, InvalidClient
from ostiary.storage import clients, consents, events, sessions
from ostiary.storage.clients import Registered
from ostiary.storage.database import Connection

MAXIMUM_CLIENTS: Final = 1000
LANES: Final = 2  # reads under way at once
_NOBODYS_SECRET: Final = mint("client")


@dataclass(frozen=True, slots=True)
class Added:
    """A client and its secret, which is shown once; None for a public one, and for one that signs."""

    client: OAuthClient
    secret: str | None = field(repr=False)


class Clients(Acts):
    """Add, find, list, rotate the secret, remove; authenticate."""

    def __init__(self, acting: Acting, keys: Keys) -> None:
        """Part of an `OAuth`."""
        super().__init__(acting)
        self._keys = keys
        self._rows: Batch[Registered] = Batch(self._find_all, LANES)

    async def add(self, registration: Registration, *, by: Caller) -> Added:
        """Register a client.

        Raises:
            NotAllowed: the caller is not an administrator.
            ReauthenticationRequired: the sign-in is too old to give power.
            InvalidRequest: a field cannot be.
            Conflict: too many clients, or the server has no key to protect signing keys with; says how to give one.
        """
        self.acting.ensure(by, admin, power)
        client = registration.check(new_id("client"), self._clock())
        try:
            await self._keys.ensure()
        except ConfigurationError as why:
            raise Conflict(why.message) from None
        if client.jwks is not None:
            ensure_usable(client.jwks)
        has_secret = not client.is_public and client.jwks is None
        token = mint("client", client.id) if has_secret else None
        await self._add(client, token, by=by)
        return Added(client, _shown(token))

    @act(admin, power)
    async def _add(self, db: Connection, client: OAuthClient, token: Token | None, *, by: Caller) -> None:
        if len(await clients.list_all(db, MAXIMUM_CLIENTS)) == MAXIMUM_CLIENTS:
            raise Conflict(f"there are {MAXIMUM_CLIENTS} clients; remove one first")
        await clients.add(db, client, token.digest if token else None)
        await self._tell(db, "client.added", client.id, by, {"name": client.name, "scopes": " ".join(client.scopes)})

    async def find(self, client_id: str, *, by: Caller) -> OAuthClient:
        """One client.

        Raises:
            NotAllowed: the caller is not an administrator.
            ClientNotFound: no such client.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            found = await clients.find(db, client_id)
        if found is None:
            raise ClientNotFound
        return found.client

    async def names(self, client_ids: Iterable[str | None]) -> dict[str, str]:
        """What these clients are called, where they are known: to say whose session it is."""
        wanted = {client_id for client_id in client_ids if client_id is not None}
        if not wanted:
            return {}
        async with self.database.reading() as db:
            found = await clients.find_all(db, sorted(wanted))
        return {client_id: registered.client.name for client_id, registered in found.items()}

    async def list(self, *, by: Caller) -> list[OAuthClient]:
        """All clients, oldest first.

        Raises:
            NotAllowed: the caller is not an administrator.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            return await clients.list_all(db, MAXIMUM_CLIENTS)

    @act(admin, power)
    async def rotate_secret(self, db: Connection, client_id: str, *, by: Caller) -> Added:
        """Give a client a new secret; the old one is refused from now on. Its sessions live on.

        Raises:
            NotAllowed: the caller is not an administrator.
            ReauthenticationRequired: the sign-in is too old to give or take power.
            ClientNotFound: no such client.
            Conflict: a public client has no secret.
        """
        found = await clients.find(db, client_id)
        if found is None:
            raise ClientNotFound
        token = mint("client", client_id)
        if not await clients.set_secret(db, client_id, token.digest):
            raise Conflict("this client has no secret")
        await self._tell(db, "client.secret_rotated", client_id, by, {})
        return Added(found.client, _shown(token))

    @act(admin, power)
    async def remove(self, db: Connection, client_id: str, *, by: Caller) -> int:
        """Remove a client and end every session that it holds. How many those were.

        Raises:
            NotAllowed: the caller is not an administrator.
            ReauthenticationRequired: the sign-in is too old to give or take power.
            ClientNotFound: no such client.
        """
        # First the client: a grant under way holds it, so that what it starts is ended below or refused there.
        if not await clients.remove(db, client_id):
            raise ClientNotFound
        now = self._clock()
        ended = await end_sessions(db, sessions.of_client(client_id), reason="client", by=by, now=now)
        await consents.remove_of_client(db, client_id)
        await self._tell(db, "client.removed", client_id, by, {"sessions": len(ended)})
        return len(ended)

    async def authenticate(self, client_id: str, secret: str | None) -> OAuthClient:
        """The client that sends these credentials; a public one sends its id alone (RFC 6749 2.3, 3.2.1).

        Raises:
            InvalidClient: unknown, wrong secret, none where one is needed, or one where there is none: one answer.
        """
        known = is_id(client_id) and client_id.startswith("client_")
        found = await self.registered(client_id) if known else None
        if found is not None and found.client.is_public and not secret:
            return found.client
        given = parse(f"{client_id}.{secret}") if known and secret else None
        right = (given or _NOBODYS_SECRET).matches(found.secret_hash if found else None)
        if found is None or given is None or not right:
            raise InvalidClient
        return found.client

    async def registered(self, client_id: str) -> Registered | None:
        """The client and its secret's hash, by a read that many share (see `batch`): it is asked for all the time.

        Raises:
            StoreUnavailable: nothing is known.
        """
        return await self._rows.get(client_id)

    async def is_origin(self, origin: str) -> bool:
        """True for the exact origin of a public client's redirect URI: an application that runs in a browser.

        Raises:
            StoreUnavailable: nothing is known.
        """
        async with self.database.reading() as db:
            uris = await clients.redirect_uris_of_public(db)
        return any(origin == origin_of(uri) for uri in uris)

    async def _find_all(self, client_ids: Sequence[str]) -> Mapping[str, Registered]:
        async with self.database.reading() as db:
            return await clients.find_all(db, client_ids)

    async def _tell(self, db: Connection, kind: EventKind, client_id: str, by: Caller, detail: Detail) -> None:
        event = by.did(kind, self._clock(), detail={"client_id": client_id, **detail})
        await events.add(db, [event])


def _shown(token: Token | None) -> str | None:
    return token.secret if token else None
