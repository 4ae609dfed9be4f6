"""A user's own CLI tokens."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta

from ostiary.contract import shapes
from ostiary.contract.calling import W
from ostiary.contract.fields import NO_NUL, Duration, Scopes, Seconds
from ostiary.contract.named import OfToken
from ostiary.contract.operation import Namespace, Nothing, Operation, Takes
from ostiary.core.reach import ORDINARY_SCOPES
from ostiary.errors import Conflict, ReauthenticationRequired, TokenNotFound

TokenList: TypeAlias = tuple[shapes.CliToken, ...]


class Named(Takes):
    """Under which name."""

    name: Annotated[str, Meta(max_length=64, pattern=NO_NUL, examples=["ci"])] | None = None


class CreateToken(Named, kw_only=True):
    """Make a CLI token; its secret is shown this once. A token never makes one that outlives it or can do more."""

    expires_in: Annotated[
        Duration | Seconds | None,
        Meta(description="A duration such as 720h, or whole seconds. Left out: as long as the caller's own token."),
    ] = None
    scopes: Annotated[
        Scopes | None,
        Meta(description=f"Left out: {', '.join(ORDINARY_SCOPES)}, as far as the caller has them."),
    ] = None


class ValidateToken(Nothing):
    """Ask with the CLI token itself as the bearer."""


class ListTokens(Nothing):
    """Newest first, ended ones too."""


class RevokeToken(OfToken):
    """End a CLI token now. Again is no error; a token may always end itself."""


class RotateToken(OfToken):
    """A new secret under the same id, name, scopes and expiry; the old one is refused from now on."""


class Tokens(Namespace[W]):
    """A user's own CLI tokens."""

    tag = "my CLI tokens"

    create = Operation(
        "POST",
        "/api/v1/auth/cli-token",
        CreateToken,
        shapes.CliTokenCreated,
        id="create_cli_token",
        summary="Make a CLI token",
        errors=(Conflict, ReauthenticationRequired),
        status=201,
    )
    validate = Operation(
        "GET",
        "/api/v1/auth/cli-token/validate",
        ValidateToken,
        shapes.CliTokenValid,
        id="validate_cli_token",
        summary="Does this CLI token work?",
    )
    list = Operation(
        "GET",
        "/api/v1/auth/cli-tokens",
        ListTokens,
        TokenList,
        id="list_cli_tokens",
        summary="List my CLI tokens",
    )
    revoke = Operation(
        "DELETE",
        "/api/v1/auth/cli-tokens/{token_id}",
        RevokeToken,
        shapes.CliTokenRevoked,
        id="revoke_cli_token",
        summary="End one of my CLI tokens",
        errors=(TokenNotFound,),
    )
    rotate = Operation(
        "POST",
        "/api/v1/auth/cli-tokens/{token_id}/rotate",
        RotateToken,
        shapes.CliTokenCreated,
        id="rotate_cli_token",
        summary="Give one of my CLI tokens a new secret",
        errors=(TokenNotFound, ReauthenticationRequired),
        status=201,
    )
