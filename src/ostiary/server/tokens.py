"""A user's own CLI tokens."""

from __future__ import annotations

from litestar import Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from ostiary import errors
from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.server import requests, shapes
from ostiary.server.presenting import Presenter, minted
from ostiary.server.refusals import refusals


@post(
    "/cli-token",
    operation_id="create_cli_token",
    summary="Make a CLI token",
    responses=refusals(errors.Conflict, errors.ReauthenticationRequired, body=True),
)
async def create_token(
    data: JSONBody[requests.CliTokenRequest], authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> shapes.CliTokenCreated:
    """Make a CLI token; its secret is shown this once. A token never makes one that outlives it or can do more."""
    made = await authority.tokens.create(
        by=caller,
        name=data.name,
        expires_in=requests.optional_duration("expires_in", data.expires_in),
        scopes=data.scopes,
    )
    return minted(made)


@get(
    "/cli-token/validate",
    operation_id="validate_cli_token",
    summary="Does this CLI token work?",
    responses=refusals(),
)
async def validate_token(caller: NamedDependency[Caller]) -> shapes.CliTokenValid:
    """Ask with the CLI token itself as the bearer."""
    token = caller.ensure_cli_token()
    return shapes.CliTokenValid(
        user_email=caller.user.email,
        username=caller.user.username,
        token_id=token.id,
        expires_at=token.expires_at,
        scopes=list(token.scopes),
    )


@get("/cli-tokens", operation_id="list_cli_tokens", summary="List my CLI tokens", responses=refusals())
async def list_tokens(
    authority: NamedDependency[Authority], caller: NamedDependency[Caller], present: NamedDependency[Presenter]
) -> list[shapes.CliToken]:
    """Newest first, ended ones too."""
    return [present.token(token) for token in await authority.tokens.list(by=caller)]


@delete(
    "/cli-tokens/{token_id:str}",
    operation_id="revoke_cli_token",
    summary="End one of my CLI tokens",
    status_code=200,
    responses=refusals(errors.TokenNotFound),
)
async def revoke_token(
    token_id: requests.TokenIdInPath, authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> shapes.CliTokenRevoked:
    """End a CLI token now. Again is no error; a token may always end itself."""
    token = await authority.tokens.revoke(token_id, by=caller)
    return shapes.CliTokenRevoked(id=token.id)


@post(
    "/cli-tokens/{token_id:str}/rotate",
    operation_id="rotate_cli_token",
    summary="Give one of my CLI tokens a new secret",
    responses=refusals(errors.TokenNotFound, errors.ReauthenticationRequired),
)
async def rotate_token(
    token_id: requests.TokenIdInPath, authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> shapes.CliTokenCreated:
    """A new secret under the same id, name, scopes and expiry; the old one is refused from now on."""
    return minted(await authority.tokens.rotate(token_id, by=caller))


router = Router(
    "/auth",
    route_handlers=[create_token, validate_token, list_tokens, revoke_token, rotate_token],
    tags=["my CLI tokens"],
)
