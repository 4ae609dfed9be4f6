"""The OAuth endpoints that an application's own server talks to, as the client that it is."""

from __future__ import annotations

from ostiary.sdk.call import Call
from ostiary.sdk.oauth_results import Introspection, Tokens, UserInfo
from ostiary.sdk.results import Done


def exchange(code: str, *, redirect_uri: str, code_verifier: str) -> Call[Tokens]:
    """Tokens for an authorization code. A code works once; a second use ends what came of the first.

    Raises:
        InvalidGrant: unknown, used, expired, of another client, or not with this redirect URI or verifier.
        InvalidClient: the client did not prove who it is.
    """
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    return _form("/oauth/token", Tokens, {**form, "code_verifier": code_verifier})


def refresh(refresh_token: str, *, scope: str | None = None) -> Call[Tokens]:
    """The next access token, and the refresh token that replaces this one. Store it before you use the first.

    It is sent again when the answer is lost: inside the grace window the same token has the same successor.

    Raises:
        InvalidGrant: it does not work any more; the session is over.
    """
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return _form("/oauth/token", Tokens, form | ({"scope": scope} if scope else {}), repeatable=True)


def client_credentials(*, scope: str | None = None) -> Call[Tokens]:
    """An access token for the client itself.

    Raises:
        InvalidScope: more than the client is registered for.
    """
    return _form("/oauth/token", Tokens, {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {}))


def introspect(token: str) -> Call[Introspection]:
    """What an access or refresh token is, from its session's row now (RFC 7662).

    Raises:
        InvalidClient: the client did not prove who it is.
    """
    return _form("/oauth/introspect", Introspection, {"token": token}, repeatable=True)


def revoke(token: str) -> Call[Done]:
    """End the session of a token of this client (RFC 7009). Unknown and foreign ones change nothing, and are no error.

    Raises:
        InvalidClient: the client did not prove who it is.
    """
    return _form("/oauth/revoke", Done, {"token": token}, repeatable=True)


def userinfo() -> Call[UserInfo]:
    """Whom the caller's access token speaks for.

    Raises:
        Unauthenticated: it does not work.
        NotAllowed: it has no scope `openid`.
    """
    return Call("GET", "/oauth/userinfo", UserInfo, repeatable=True)


def _form(path: str, answer: type, form: dict[str, str], *, repeatable: bool = False) -> Call:  # type: ignore[type-arg]
    return Call("POST", path, answer, form=form, credential="client", repeatable=repeatable)
