"""Clients that prove themselves by a signature (RFC 7523): once by each assertion, whichever node it comes to."""

from __future__ import annotations

import hashlib

from ostiary.authority.acting import Acting, Acts
from ostiary.authority.oauth.client_keys import claims_of, subject_of
from ostiary.authority.oauth.clients import Clients
from ostiary.core.oauth.assertion import Assertion, read_assertion
from ostiary.core.oauth.client import OAuthClient
from ostiary.errors import InvalidClient
from ostiary.storage import assertions
from ostiary.storage.database import Connection, in_transaction


class Assertions(Acts):
    """Authenticate."""

    def __init__(self, acting: Acting, clients: Clients, issuer: str) -> None:
        """Part of an `OAuth`."""
        super().__init__(acting)
        self._clients = clients
        self._issuer = issuer

    async def authenticate(self, text: str, *, client_id: str | None, path: str) -> OAuthClient:
        """The client that signed an assertion.

        Args:
            client_id: as it was sent beside it, if it was.
            path: of the endpoint that was called: clients name that, the token endpoint, or the issuer as the audience.

        Raises:
            InvalidClient: unknown, not signed by a key of the client, not for us, not now, or used before.
            StoreUnavailable: nothing is known.
        """
        named = subject_of(text)
        if named is None or (client_id is not None and client_id != named):
            raise InvalidClient
        found = await self._clients.registered(named)
        if found is None or found.client.jwks is None:
            raise InvalidClient
        audience = {self._issuer, f"{self._issuer}{path}", f"{self._issuer}/oauth/token"}
        assertion = read_assertion(claims_of(text, found.client.jwks), named, audience, self._clock())
        if not await self._use(assertion):
            raise InvalidClient("the assertion was used before")
        return found.client

    @in_transaction
    async def _use(self, db: Connection, assertion: Assertion) -> bool:
        digest = hashlib.sha256(assertion.jti.encode(errors="surrogatepass")).digest()
        return await assertions.use(db, assertion.client_id, digest, assertion.expires_at)
