"""Authorization requests that clients push before they send their user (RFC 9126)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ostiary.authority.acting import Acting, Acts
from ostiary.authority.counting import Counting
from ostiary.authority.oauth.authorization import Authorization
from ostiary.authority.throttle import SITE_FACTOR
from ostiary.core.client import Client
from ostiary.core.oauth.client import OAuthClient
from ostiary.core.oauth.fields import written
from ostiary.core.token import mint, parse
from ostiary.errors import ClientNotFound, InvalidClient, InvalidRequest, TooManyRequests
from ostiary.storage import pushed_requests
from ostiary.storage.database import Connection, in_transaction

PREFIX: Final = "urn:ietf:params:oauth:request_uri:"  # RFC 9126 2.2
LIFE: Final = timedelta(seconds=90)  # the browser is on its way; what follows travels without it
MAXIMUM_PUSHED: Final = 1000  # of one client that proves itself, at once
MAXIMUM_FROM: Final = 200  # from one address, of public clients together: anybody can push in their name


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

    def __init__(self, acting: Acting, authorization: Authorization, counting: Counting) -> None:
        """Part of an `OAuth`."""
        super().__init__(acting)
        self._counting = counting
        self._authorization = authorization

    async def push(self, asked: Mapping[str, str], *, client: OAuthClient, at: Client) -> Pushed:
        """Keep a request, once it is known to be one that could be answered.

        Args:
            at: where the client called from.

        Raises:
            InvalidRequest: a request_uri in it, longer than any that we take, a redirect URI that is not the client's,
                or as for any request.
            OAuthError: as for any request (`core.oauth.request.read_request`).
            InvalidClient: the client was removed meanwhile.
            TooManyRequests: too many wait already: of this client, or of public ones from there.
        """
        if "request_uri" in asked:
            raise InvalidRequest("request_uri", "cannot be pushed")
        parameters = {**asked, "client_id": client.id}
        written(parameters)
        try:
            destination = await self._authorization.destination(parameters)
        except ClientNotFound:
            raise InvalidClient from None
        destination.read(parameters)
        networks = (await self._counting.names()).networks(at) if client.is_public else None
        pushed = await self._push(parameters, client, networks)
        if pushed is None:
            raise TooManyRequests(int(LIFE.total_seconds()))
        return pushed

    @in_transaction
    async def _push(
        self, db: Connection, parameters: dict[str, str], client: OAuthClient, networks: tuple[str, str | None] | None
    ) -> Pushed | None:
        """None where too many wait; what has expired is forgotten by that, too."""
        now, token = self._clock(), mint("par")
        await pushed_requests.forget_expired(db, now)
        if networks is None:
            is_full = await pushed_requests.count(db, client.id, now) >= MAXIMUM_PUSHED
        else:
            of_address, of_site = await pushed_requests.count_from(db, *networks, now)
            is_full = of_address >= MAXIMUM_FROM or of_site >= MAXIMUM_FROM * SITE_FACTOR
        if is_full:
            return None
        await pushed_requests.add(
            db, token.id, token.digest, client.id, parameters, now + LIFE, *(networks or (None, None))
        )
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
