"""Who calls with an access token. At these doors it is the only credential: no cookie, and no other kind of token."""

from __future__ import annotations

from ostiary.core.caller import Caller
from ostiary.core.oauth.jws import looks_like_jwt
from ostiary.errors import NoCredentials, SessionInvalid
from ostiary.server.bodies import ApiRequest
from ostiary.server.callers import Identified, presented
from ostiary.server.context import context_of
from ostiary.server.exchange import exchange_of


async def holder_of(request: ApiRequest) -> Caller:
    """The holder of the access token of a request, read from its session's row now.

    Raises:
        NoCredentials: no bearer was sent.
        SessionInvalid, SessionExpired, SessionRevoked: as `Authority.verify`; any other kind of token is invalid.
    """
    text = presented(request.scope["headers"], ()).bearer
    if text is None:
        raise NoCredentials
    if not looks_like_jwt(text):
        raise SessionInvalid
    exchange = exchange_of(request.scope)
    caller = await context_of(request).authority.verify(text, exchange.client)
    exchange.identified = Identified(caller, by_cookie=False)
    return caller
