"""Authorization requests (RFC 6749 4.1.1, OIDC Core 3.1.2.1): what may be asked for, and what may not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ostiary.core.oauth import pkce
from ostiary.core.oauth.client import OAuthClient
from ostiary.core.oauth.scope import granted
from ostiary.errors import InvalidRequest, UnsupportedResponseType

PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})
JUST_NOW: Final = timedelta(seconds=5)  # a sign-in that led here is fresh, whatever `max_age` says
MAXIMUM_STATE: Final = 1024  # characters
MAXIMUM_NONCE: Final = 256
MAXIMUM_AGE: Final = 10**9  # seconds


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request of a known client, to be answered at a redirect URI that is its own.

    Attributes:
        prompt: words of OIDC Core 3.1.2.1.
        max_age: the oldest sign-in that will do.
    """

    client: OAuthClient
    redirect_uri: str
    scopes: tuple[str, ...]
    code_challenge: str
    state: str | None = None
    nonce: str | None = None
    prompt: frozenset[str] = frozenset()
    max_age: timedelta | None = None

    def needs_fresher_sign_in(self, proved_at: datetime | None, now: datetime, *, confirmed: bool) -> bool:
        """True if the user has to prove again who they are. `confirmed`: they have just done so.

        `proved_at` is None where nobody ever did, which is never fresh enough.
        """
        if confirmed:
            return False
        if "login" in self.prompt:
            return True
        if self.max_age is None:
            return False
        return proved_at is None or now - proved_at > max(self.max_age, JUST_NOW)


def read_request(asked: Mapping[str, str], client: OAuthClient, redirect_uri: str) -> AuthorizationRequest:
    """Read what a known client asks for; its redirect URI was looked at before.

    Raises:
        UnsupportedResponseType: not `code` (RFC 9700 2.1.2: no token ever passes through a browser's address).
        UnauthorizedClient: the client is not registered for codes.
        InvalidScope: more than the client may have.
        InvalidRequest: no PKCE, `plain` PKCE, or a parameter that cannot be.
    """
    if not asked.get("response_type"):
        raise InvalidRequest("response_type", "is required")
    if asked["response_type"] != "code":
        raise UnsupportedResponseType
    client.ensure_grant("authorization_code")
    if asked.get("response_mode", "query") != "query":
        raise InvalidRequest("response_mode", "must be query")
    for name in ("request", "request_uri", "registration"):
        if name in asked:
            raise InvalidRequest(name, "is not supported")
    prompt = frozenset(asked.get("prompt", "").split())
    if not prompt <= PROMPTS or ("none" in prompt and len(prompt) > 1):
        raise InvalidRequest("prompt", "use none alone, or login, consent and select_account")
    return AuthorizationRequest(
        client=client,
        redirect_uri=redirect_uri,
        scopes=granted(asked.get("scope"), client.scopes, always=client.always),
        code_challenge=pkce.check_challenge(asked.get("code_challenge"), asked.get("code_challenge_method")),
        state=_bounded("state", asked.get("state"), MAXIMUM_STATE),
        nonce=_bounded("nonce", asked.get("nonce"), MAXIMUM_NONCE),
        prompt=prompt,
        max_age=_age(asked.get("max_age")),
    )


def _bounded(name: str, text: str | None, most: int) -> str | None:
    if text is not None and len(text) > most:
        raise InvalidRequest(name, f"use at most {most} characters")
    return text


def _age(text: str | None) -> timedelta | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or int(text[:12]) > MAXIMUM_AGE:
        raise InvalidRequest("max_age", "must be whole seconds")
    return timedelta(seconds=int(text))
