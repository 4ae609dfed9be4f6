"""The endpoints that clients prove themselves at: token, revocation, introspection."""

from __future__ import annotations

from msgspec import structs

from ostiary.authority.oauth.issuing import Issued
from ostiary.contract import oauth as contract
from ostiary.contract.answer import LEFT_OUT
from ostiary.contract.oauth import OAuth
from ostiary.contract.oauth_answers import Introspection, PushedRequest, TokenAnswer
from ostiary.errors import InvalidRequest, UnsupportedGrantType
from ostiary.http.exchange import Exchange
from ostiary.http.operations import Reply, serves


@serves(OAuth.token)
async def token(asked: contract.Token, exchange: Exchange) -> Reply[TokenAnswer]:
    """Never to be kept by anybody on the way (RFC 6749 5.1)."""
    issued = await _grant(asked, exchange)
    content = TokenAnswer(
        access_token=issued.access_token,
        expires_in=issued.expires_in,
        scope=" ".join(issued.scopes),
        refresh_token=LEFT_OUT if issued.refresh_token is None else issued.refresh_token,
        id_token=LEFT_OUT if issued.id_token is None else issued.id_token,
    )
    return Reply(content, {"pragma": "no-cache"})


async def _grant(asked: contract.Token, exchange: Exchange) -> Issued:
    oauth, holder, at = exchange.authority.oauth, exchange.holder, exchange.client
    match asked.grant_type:
        case "authorization_code":
            return await oauth.exchange.exchange(
                _required("code", asked.code),
                client=holder,
                redirect_uri=asked.redirect_uri,
                verifier=asked.code_verifier,
                at=at,
                resource=asked.resource,
            )
        case "refresh_token":
            text = _required("refresh_token", asked.refresh_token)
            return await oauth.refreshing.refresh(
                text, client=holder, scope=asked.scope, at=at, resource=asked.resource
            )
        case "client_credentials":
            return await oauth.client_credentials.grant(
                client=holder, scope=asked.scope, at=at, resource=asked.resource
            )
        case _:
            raise UnsupportedGrantType


@serves(OAuth.push)
async def push(asked: contract.PushRequest, exchange: Exchange) -> PushedRequest:
    """It waits for the browser for a moment."""
    parameters = {name: value for name, value in structs.asdict(asked).items() if value is not None}
    pushed = await exchange.authority.oauth.pushing.push(parameters, client=exchange.holder, at=exchange.client)
    return PushedRequest(request_uri=pushed.request_uri, expires_in=pushed.expires_in)


@serves(OAuth.revoke)
async def revoke(asked: contract.OAuthRevokeToken, exchange: Exchange) -> None:
    """Its session ends."""
    await exchange.authority.oauth.inspection.revoke(asked.token, client=exchange.holder, at=exchange.client)


@serves(OAuth.introspect)
async def introspect(asked: contract.Introspect, exchange: Exchange) -> Introspection:
    """From its session's row."""
    return Introspection(**await exchange.authority.oauth.inspection.introspect(asked.token, client=exchange.holder))


def _required(name: str, value: str | None) -> str:
    if value is None:
        raise InvalidRequest(name, "is required")
    return value
