"""Which program asks: for what only trusted services may hear, the feed and the verifications.

An administrator's CLI token with the scope `admin` or `feed:read`, an OAuth client's own id and secret by HTTP Basic,
or an access token that a client got for itself. A session is refused: it is a
person's, and persons have their own doors.
"""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection

from ostiary.authority import Authority
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.errors import InvalidClient, NotAllowed
from ostiary.server.callers import identify, presented
from ostiary.server.context import context_of
from ostiary.server.cookies import accepted_names
from ostiary.server.exchange import exchange_of
from ostiary.server.oauth.parameters import client_credentials


async def identify_machine(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller:
    """The program that sent this request.

    Raises:
        NoCredentials: nothing was sent.
        InvalidClient: by HTTP Basic, and the client is unknown, its secret is wrong, or it is public and has none.
        NotAllowed: somebody, but no trusted program.
        SessionInvalid, SessionExpired, SessionRevoked, TokenExpired, TokenRevoked: a bearer that does not work.
    """
    context, exchange = context_of(connection), exchange_of(connection.scope)
    if connection.headers.get("authorization", "").strip().lower().startswith("basic "):
        return await _client(connection, context.authority, exchange.client)
    given = presented(connection.scope["headers"], accepted_names(context.settings))
    caller = (await identify(context.authority, given, exchange.client)).caller
    caller.ensure_machine()
    return caller


async def _client(connection: ASGIConnection[Any, Any, Any, Any], authority: Authority, at: Client) -> Caller:
    client_id, secret = client_credentials(connection.headers, {})
    client = await authority.oauth.clients.authenticate(client_id, secret)
    if client.is_public:
        raise InvalidClient  # it has proven nothing: its id is no secret
    if client.third_party and "feed:read" not in client.scopes:
        raise NotAllowed("this third-party client lacks the scope feed:read", scope="feed:read")
    return Caller(User(client.id), client=at, granted=client.scopes)
