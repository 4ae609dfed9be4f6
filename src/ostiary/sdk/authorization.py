"""Signing a person in at the authority (RFC 6749 4.1, OIDC Core 3.1): the request, and the answer at the callback.

A request has its own PKCE verifier, state and nonce. They are kept in the browser that it was made for, as one text,
the `checks`; an answer counts only where they are, so that nobody is signed in as somebody else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from ostiary.contract.oauth_answers import TokenAnswer
from ostiary.errors import ConfigurationError, OstiaryError
from ostiary.sdk.failures import CallbackMismatch, from_problem
from ostiary.sdk.id_tokens import IdToken

Prompt: TypeAlias = Literal["none", "login", "consent", "select_account"]

PATH: Final = "/oauth/authorize"
RANDOM: Final = 32  # bytes of each secret: 256 bits; RFC 7636 7.1 recommends it for the verifier
MAXIMUM_CHECKS: Final = 2048  # characters
MAXIMUM_ANSWER: Final = 8192  # characters of a query
OURS: Final = frozenset(
    {"response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method"}
)


class Kept(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What an answer is checked against. All of it is secret."""

    state: str
    nonce: str
    code_verifier: str
    redirect_uri: str
    max_age: int | None = None

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"Kept(redirect_uri={self.redirect_uri!r})"


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """Where to send a browser, and what to keep there until it comes back.

    Attributes:
        url: the authority's page; lead the browser there with a redirect.
        checks: give it to `callback()`. Keep it in the same browser, in a cookie `HttpOnly; Secure; SameSite=Lax` of
            ten minutes, or in your framework's session.
    """

    url: str
    checks: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Completed:
    """A sign-in that was completed.

    Attributes:
        claims: who it is: the ID token, verified.
        tokens: what your application holds from now on.
    """

    claims: IdToken
    tokens: TokenAnswer


def new_request(
    issuer: str,
    client_id: str | None,
    *,
    redirect_uri: str,
    scope: str | Sequence[str],
    prompt: Prompt | Sequence[Prompt] | None,
    max_age: int | None,
    login_hint: str | None,
    more: Mapping[str, str],
) -> AuthorizationRequest:
    """A request of one's own for each sign-in; nothing is sent.

    Raises:
        ConfigurationError: there is no `client_id`, or `more` has what is set here.
    """
    if client_id is None:
        raise ConfigurationError("client_id: signing in needs an OAuth client; give client_id")
    if taken := OURS & more.keys():
        raise ConfigurationError(f"more: {', '.join(sorted(taken))} cannot be given")
    kept = Kept(_random(), _random(), _random(), redirect_uri, max_age)
    words = scope.split() if isinstance(scope, str) else list(scope)
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(dict.fromkeys(["openid", *words])),
        "state": kept.state,
        "nonce": kept.nonce,
        "code_challenge": _challenge(kept.code_verifier),
        "code_challenge_method": "S256",
        "prompt": prompt if isinstance(prompt, str) else " ".join(prompt or ()),
        "max_age": "" if max_age is None else str(max_age),
        "login_hint": login_hint or "",
        **more,
    }
    query = urlencode({name: value for name, value in asked.items() if value})
    checks = base64.urlsafe_b64encode(msgspec.json.encode(kept)).rstrip(b"=").decode()
    return AuthorizationRequest(f"{issuer}{PATH}?{query}", checks)


def read_answer(answer: str | Mapping[str, str], checks: str, issuer: str) -> tuple[str, Kept]:
    """The code of an answer, and what its request kept.

    Args:
        answer: the address that the browser came with, its query, or the fields of it.

    Raises:
        CallbackMismatch: not an answer to the request that these checks are of.
        OAuthError: the authority said no: `AccessDenied`, `LoginRequired`, `ConsentRequired` and the like.
        ServerFault, StoreUnavailable: it could not say.
    """
    kept, fields = _kept(checks), _fields(answer)
    if not hmac.compare_digest(fields.get("state", "").encode(), kept.state.encode()):
        raise CallbackMismatch("state: the answer is not to the request of this browser")
    if fields.get("iss") != issuer:  # RFC 9207 2.4: what could be another authority's is not looked at
        raise CallbackMismatch("iss: another authority answered")
    if "error" in fields:
        raise _refusal(fields)
    if not fields.get("code"):
        raise CallbackMismatch("code: the answer has none")
    return fields["code"], kept


def _refusal(fields: Mapping[str, str]) -> OstiaryError:
    """RFC 6749 4.1.2.1: what has a status anywhere else comes as a word here."""
    status = {"server_error": 500, "temporarily_unavailable": 503}.get(fields["error"], 400)
    return from_problem(status, dict(fields), None)


def _kept(checks: str) -> Kept:
    if len(checks) <= MAXIMUM_CHECKS and checks.isascii():
        try:
            content = base64.b64decode(checks + "=" * (-len(checks) % 4), altchars=b"-_", validate=True)
            return msgspec.json.decode(content, type=Kept)
        except (ValueError, msgspec.DecodeError):
            pass  # its words could repeat the secrets
    raise CallbackMismatch("checks: this browser has not begun to sign in, or too long ago")


def _fields(answer: str | Mapping[str, str]) -> dict[str, str]:
    if isinstance(answer, Mapping):
        return {str(name): str(value) for name, value in answer.items()}
    if len(answer) > MAXIMUM_ANSWER:
        raise CallbackMismatch("the answer is too long")
    query = urlsplit(answer).query if "?" in answer else answer
    pairs = parse_qsl(query, keep_blank_values=True)
    found = dict(pairs)
    if len(found) != len(pairs):  # RFC 6749 3.1
        raise CallbackMismatch("a field of the answer came twice")
    return found


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _random() -> str:
    return secrets.token_urlsafe(RANDOM)
