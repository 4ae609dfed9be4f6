"""Authorization requests that clients push before they send their user (RFC 9126)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ostiary.authority.acting import Acting, Acts
from ostiary.authority.oauth.authorization import Authorization
from ostiary.core.oauth.client import OAuthClient
from ostiary.core.token import mint, parse
from ostiary.errors import ClientNotFound, InvalidClient, InvalidRequest, TooManyRequests
from ostiary.storage import pushed_requests
from ostiary.storage.database import Connection, in_transaction

PREFIX: Final = "urn:ietf:params:oauth:request_uri:"  # RFC 9126 2.2
LIFE: Final = timedelta(seconds=90)  # the browser is on its way; what follows travels without it
MAXIMUM_PUSHED: Final = 1000  # of one client, at once


@dataclass(frozen=True, slots=True)
class Pushed:
    """Where a request waits.

    Attributes:
        expires_in: seconds.
    """

    request_uri: str
    expires_in: int


class Pushing(Acts):
    """Push; expand."""

    def __init__(self, acting: Acting, authorization: Authorization) -> None:
        """Part of an `OAuth`."""
        super().__init__(acting)
        self._authorization = authorization

    async def push(self, asked: Mapping[str, str], *, client: OAuthClient) -> Pushed:
        """Keep a request, once it is known to be one that could be answered.

        Raises:
            InvalidRequest: a request_uri in it, a redirect URI that is not the client's, or as for any request.
            OAuthError: as for any request (`core.oauth.request.read_request`).
            InvalidClient: the client was removed meanwhile.
            TooManyRequests: of this client too many wait already.
        """
        if "request_uri" in asked:
            raise InvalidRequest("request_uri", "cannot be pushed")
        parameters = {**asked, "client_id": client.id}
        try:
            destination = await self._authorization.destination(parameters)
        except ClientNotFound:
            raise InvalidClient from None
        destination.read(parameters)
        return await self._push(parameters, client)

    @in_transaction
    async def _push(self, db: Connection, parameters: dict[str, str], client: OAuthClient) -> Pushed:
        now, token = self._clock(), mint("par")
        if await pushed_requests.count(db, client.id, now) >= MAXIMUM_PUSHED:
            raise TooManyRequests(int(LIFE.total_seconds()))
        await pushed_requests.add(db, token.id, token.digest, client.id, parameters, now + LIFE)
        return Pushed(f"{PREFIX}{token.text}", int(LIFE.total_seconds()))

    async def expand(self, asked: dict[str, str]) -> dict[str, str]:
        """What was pushed under the `request_uri` of a request; any other request as it is.

        It may be asked for again until it expires: people load pages anew (RFC 9126 4).

        Raises:
            InvalidRequest: unknown, expired, or pushed by another client.
        """
        uri = asked.get("request_uri", "")
        if not uri.startswith(PREFIX):
            return asked
        token = parse(uri.removeprefix(PREFIX))
        async with self.database.reading() as db:
            found = await pushed_requests.find(db, token.id) if token is not None else None
        is_right = (token or mint("par")).matches(found.secret_hash if found is not None else None)
        if found is None or not is_right or found.client_id != asked.get("client_id"):
            raise InvalidRequest("request_uri", "is unknown here, or of another application")
        if self._clock() >= found.expires_at:
            raise InvalidRequest("request_uri", "has expired; go back to the application and try again")
        return found.parameters
