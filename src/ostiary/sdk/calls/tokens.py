"""A user's own CLI tokens."""

from __future__ import annotations

from collections.abc import Sequence

from ostiary.sdk.call import Call, delete, get, given, post, segment
from ostiary.sdk.results import CliToken, NewCliToken, RevokedCliToken, ValidCliToken


def list_tokens() -> Call[tuple[CliToken, ...]]:
    """Newest first, ended ones too."""
    return get("/auth/cli-tokens", tuple[CliToken, ...])


def create_token(
    name: str | None = None, *, expires_in: str | int | None = None, scopes: Sequence[str] | None = None
) -> Call[NewCliToken]:
    """Make a CLI token. It never does more or lasts longer than the credential that makes it.

    Args:
        expires_in: a span such as `720h`, or whole seconds; left out, as long as the caller's own token.
        scopes: left out, what the caller may do, but `admin`.

    Raises:
        InvalidRequest: a span or a scope that is none.
        NotAllowed: more than the caller may do.
        Conflict: a hundred of them live already.
    """
    body = given(name=name, expires_in=expires_in, scopes=None if scopes is None else list(scopes))
    return post("/auth/cli-token", NewCliToken, body)


def validate_token() -> Call[ValidCliToken]:
    """Does the CLI token that asks work? It is what the client was made with.

    Raises:
        NotAllowed: the credential is a session.
    """
    return get("/auth/cli-token/validate", ValidCliToken)


def rotate_token(token_id: str) -> Call[NewCliToken]:
    """A new secret under the same id; the old one is refused from now on.

    Raises:
        TokenNotFound: missing, or not the caller's.
    """
    return post(f"/auth/cli-tokens/{segment(token_id)}/rotate", NewCliToken)


def revoke_token(token_id: str) -> Call[RevokedCliToken]:
    """End a CLI token, now. Again is no error.

    Raises:
        TokenNotFound: missing, or not the caller's.
    """
    return delete(f"/auth/cli-tokens/{segment(token_id)}", RevokedCliToken)
