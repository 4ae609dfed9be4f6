"""Who calls with an access token. At these doors it is the only credential: no cookie, and no other kind of token."""

from __future__ import annotations

from ostiary.core.caller import Caller
from ostiary.core.oauth.jws import looks_like_jwt
from ostiary.errors import NoCredentials, SessionInvalid
from ostiary.http.callers import Identified, presented
from ostiary.http.exchange import Exchange


async def identify_holder(exchange: Exchange) -> Caller:
    """Put the holder of the access token of a request into its exchange, read from its session's row now.

    Raises:
        NoCredentials: no bearer was sent.
        SessionInvalid, SessionExpired, SessionRevoked: as `Authority.verify`; any other kind of token is invalid.
    """
    text = presented(exchange.scope["headers"], ()).bearer
    if text is None:
        raise NoCredentials
    if not looks_like_jwt(text):
        raise SessionInvalid
    caller = await exchange.authority.verify(text, exchange.client)
    exchange.identified = Identified(caller, by_cookie=False)
    return caller
