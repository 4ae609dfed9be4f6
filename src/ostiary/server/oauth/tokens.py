"""The endpoints that clients prove themselves at: token, revocation, introspection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Response, Router, post
from litestar.di import NamedDependency

from ostiary.authority import Authority
from ostiary.authority.oauth.issuing import Issued
from ostiary.core.client import Client
from ostiary.core.oauth.client import OAuthClient
from ostiary.errors import InvalidRequest, UnsupportedGrantType
from ostiary.server.bodies import ApiRequest
from ostiary.server.oauth import failures
from ostiary.server.oauth.parameters import authorization_of, client_credentials, read_form


@post("/token", status_code=200)
async def token(
    request: ApiRequest, authority: NamedDependency[Authority], client: NamedDependency[Client]
) -> Response[dict[str, Any]]:
    """RFC 6749 3.2: tokens for a code, for a refresh token, or for the client itself."""
    form = await read_form(request)
    holder = await _client(authority, authorization_of(request), form)
    issued = await _grant(form, authority, holder, client)
    return Response(_answer(issued), headers={"pragma": "no-cache"})


async def _grant(form: Mapping[str, str], authority: Authority, holder: OAuthClient, at: Client) -> Issued:
    oauth = authority.oauth
    match _required(form, "grant_type"):
        case "authorization_code":
            return await oauth.exchange.exchange(
                _required(form, "code"),
                client=holder,
                redirect_uri=form.get("redirect_uri"),
                verifier=form.get("code_verifier"),
                at=at,
            )
        case "refresh_token":
            text = _required(form, "refresh_token")
            return await oauth.refreshing.refresh(text, client=holder, scope=form.get("scope"), at=at)
        case "client_credentials":
            return await oauth.client_credentials.grant(client=holder, scope=form.get("scope"), at=at)
        case _:
            raise UnsupportedGrantType


@post("/revoke", status_code=200)
async def revoke(
    request: ApiRequest, authority: NamedDependency[Authority], client: NamedDependency[Client]
) -> Response[None]:
    """RFC 7009: the token's session ends, and with it every token of the same sign-in."""
    form = await read_form(request)
    holder = await _client(authority, authorization_of(request), form)
    await authority.oauth.inspection.revoke(_required(form, "token"), client=holder, at=client)
    return Response(None)


@post("/introspect", status_code=200)
async def introspect(request: ApiRequest, authority: NamedDependency[Authority]) -> Response[dict[str, Any]]:
    """RFC 7662: from the session's row, now."""
    form = await read_form(request)
    return Response(await introspected(authority, authorization_of(request), form))


async def introspected(authority: Authority, header: str | None, form: Mapping[str, str]) -> dict[str, Any]:
    """What a token is, to the client that proves itself; `header` is `Authorization`.

    Raises:
        InvalidClient, InvalidRequest: as `client_credentials`; no such client, or no token.
    """
    holder = await _client(authority, header, form)
    return await authority.oauth.inspection.introspect(_required(form, "token"), client=holder)


async def _client(authority: Authority, header: str | None, form: Mapping[str, str]) -> OAuthClient:
    client_id, secret = client_credentials(header, form)
    return await authority.oauth.clients.authenticate(client_id, secret)


def _required(form: Mapping[str, str], name: str) -> str:
    if name not in form:
        raise InvalidRequest(name, "is required")
    return form[name]


def _answer(issued: Issued) -> dict[str, Any]:
    content: dict[str, Any] = {
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "scope": " ".join(issued.scopes),
    }
    if issued.refresh_token is not None:
        content["refresh_token"] = issued.refresh_token
    if issued.id_token is not None:
        content["id_token"] = issued.id_token
    return content


router = Router("/", route_handlers=[token, revoke, introspect], exception_handlers={Exception: failures.answer})
