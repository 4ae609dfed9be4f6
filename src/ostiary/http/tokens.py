"""A user's own CLI tokens."""

from __future__ import annotations

from ostiary.contract import shapes
from ostiary.contract import tokens as contract
from ostiary.contract.tokens import TokenList, Tokens
from ostiary.http.exchange import Exchange
from ostiary.http.operations import serves
from ostiary.http.spans import duration


@serves(Tokens.create)
async def create_token(asked: contract.CreateToken, exchange: Exchange) -> shapes.CliTokenCreated:
    """Its secret is shown this once."""
    expires_in = None if asked.expires_in is None else duration("expires_in", asked.expires_in)
    made = await exchange.authority.tokens.create(
        by=exchange.caller, name=asked.name, expires_in=expires_in, scopes=asked.scopes
    )
    return shapes.CliTokenCreated.of(made.token, token=made.secret)


@serves(Tokens.validate)
async def validate_token(_: contract.ValidateToken, exchange: Exchange) -> shapes.CliTokenValid:
    """The one that asks."""
    user, token = exchange.caller.user, exchange.caller.ensure_cli_token()
    return shapes.CliTokenValid.of(token, user_email=user.email, username=user.username, token_id=token.id)


@serves(Tokens.list)
async def list_tokens(_: contract.ListTokens, exchange: Exchange) -> TokenList:
    """Ended ones too."""
    present = exchange.present
    return tuple([present.token(token) for token in await exchange.authority.tokens.list(by=exchange.caller)])


@serves(Tokens.revoke)
async def revoke_token(asked: contract.RevokeToken, exchange: Exchange) -> shapes.CliTokenRevoked:
    """Now, or earlier."""
    return shapes.CliTokenRevoked.of(await exchange.authority.tokens.revoke(asked.token_id, by=exchange.caller))


@serves(Tokens.rotate)
async def rotate_token(asked: contract.RotateToken, exchange: Exchange) -> shapes.CliTokenCreated:
    """Its secret is shown this once."""
    made = await exchange.authority.tokens.rotate(asked.token_id, by=exchange.caller)
    return shapes.CliTokenCreated.of(made.token, token=made.secret)
