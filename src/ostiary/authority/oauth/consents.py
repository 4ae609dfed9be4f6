"""What a user has agreed to: which third-party clients, for what; and taking it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ostiary.authority.acting import Acts, act
from ostiary.authority.ending import end_sessions
from ostiary.core.caller import Caller
from ostiary.core.event import Detail
from ostiary.core.needs import fresh, person
from ostiary.core.oauth.client import OAuthClient
from ostiary.core.oauth.resource import ResourceScope, in_words
from ostiary.errors import ClientNotFound
from ostiary.storage import clients, codes, consents, events, resources, sessions, subjects
from ostiary.storage.database import Connection


@dataclass(frozen=True, slots=True)
class AtResource:
    """What a user agreed to at one resource.

    Attributes:
        name: what it is called; its URI where it was removed since.
    """

    uri: str
    name: str
    scopes: tuple[ResourceScope, ...]


@dataclass(frozen=True, slots=True)
class Consent:
    """One agreement of a user.

    Attributes:
        scopes: what the client may ask for here without the user being asked again.
        resources: the same, at servers of others.
        sessions: how many live sessions of the user it holds now.
    """

    client: OAuthClient
    scopes: tuple[str, ...]
    granted_at: datetime
    sessions: int
    resources: tuple[AtResource, ...] = ()


class Consents(Acts):
    """List, find, withdraw (ASVS 5.0 10.7.3). All of them are the user's own."""

    async def list(self, *, by: Caller) -> list[Consent]:
        """What the caller has agreed to, the latest first.

        Raises:
            NotAllowed: the caller is not somebody who signed in.
        """
        by.ensure_person()
        async with self.database.reading() as db:
            return [await self._consent(db, by, *given) for given in await consents.list_of_user(db, by.user.id)]

    async def find(self, client_id: str, *, by: Caller) -> Consent:
        """One of them.

        Raises:
            NotAllowed: the caller is not somebody who signed in.
            ClientNotFound: no such client, or the caller has not agreed to it: the same answer.
        """
        for consent in await self.list(by=by):
            if consent.client.id == client_id:
                return consent
        raise ClientNotFound

    @act(person, fresh, with_user=True)
    async def withdraw(self, db: Connection, client_id: str, *, by: Caller) -> int:
        """Take an agreement back: the client's sessions of the caller end, and it has to ask again. How many ended.

        Raises:
            NotAllowed: the caller is not somebody who signed in.
            ClientNotFound: the caller has not agreed to it.
            ReauthenticationRequired: the sign-in is too old for the policy.
        """
        user_id, now = by.user.id, self._clock()
        # Whoever agrees, and whatever starts a session, holds the user too: it comes before this, or finds it done.
        await subjects.hold(db, user_id)
        if not await consents.remove(db, user_id, client_id):
            raise ClientNotFound
        await codes.remove_of(db, user_id, client_id)  # one that is under way must not become a session
        chosen = sessions.of_client(client_id, user_id)
        ended = await end_sessions(db, chosen, reason="user", by=by, now=now)
        detail: Detail = {"client_id": client_id, "sessions": len(ended)}
        await events.add(db, [by.did("consent.withdrawn", now, user_id=by.user.id, detail=detail)])
        return len(ended)

    async def _consent(
        self, db: Connection, by: Caller, client_id: str, scopes: tuple[str, ...], granted_at: datetime
    ) -> Consent:
        found = await clients.find(db, client_id)
        if found is None:
            raise ClientNotFound  # removing a client removes the consents in the same transaction
        held = await sessions.count_of_client(db, client_id, by.user.id, self.policy, self._clock())
        plain = tuple(scope for scope in scopes if "#" not in scope)
        return Consent(found.client, plain, granted_at, held, await _at_resources(db, scopes))


async def _at_resources(db: Connection, consented: tuple[str, ...]) -> tuple[AtResource, ...]:
    """What was agreed to at each resource (see `Resource.consent_to`)."""
    by_uri: dict[str, list[str]] = {}
    for word in consented:
        uri, separator, scope = word.partition("#")
        if separator:
            by_uri.setdefault(uri, []).append(scope)
    known = await resources.find_all(db, list(by_uri)) if by_uri else {}
    return tuple(
        AtResource(uri, known[uri].name if uri in known else uri, in_words(names, known.get(uri)))
        for uri, names in by_uri.items()
    )
