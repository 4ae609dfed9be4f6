"""Authorization codes: what a user's agreement is carried in, from the browser to the client, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ostiary.core.oauth import pkce
from ostiary.core.oauth.client import OAuthClient
from ostiary.core.oauth.resource import ensure_same
from ostiary.errors import InvalidGrant

LIFE: Final = timedelta(seconds=60)  # OWASP ASVS 5.0 10.4.3: at most 10 minutes, at level 3 one


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the store, without its secret's hash.

    Attributes:
        session_id: the browser session that it was made in; it must still be live when the code is used.
        cut_off: the user's cut-off when it was made: "log out everywhere" meanwhile makes it useless.
        ip, user_agent: of the browser, which is where the user is; the client's server is elsewhere.
        code_challenge: of PKCE; empty where the client does without.
        used_at: when it was first used, well or badly: there is one attempt.
        granted_session_id: the session that it was exchanged for.
        resource: whom the access tokens are for; None for this server and its client.
    """

    id: str
    client_id: str
    user_id: str
    session_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    code_challenge: str
    auth_time: datetime
    amr: tuple[str, ...]
    expires_at: datetime
    nonce: str | None = None
    cut_off: datetime | None = None
    ip: str | None = None
    user_agent: str | None = None
    used_at: datetime | None = None
    granted_session_id: str | None = None
    resource: str | None = None

    def ensure_usable(
        self,
        client: OAuthClient,
        redirect_uri: str | None,
        verifier: str | None,
        now: datetime,
        resource: str | None = None,
    ) -> None:
        """Return if this client may have a session for it.

        Raises:
            InvalidGrant: expired, another redirect URI, or the verifier does not prove that it asked for the code.
            InvalidTarget: another resource than the code was made for (RFC 8707 2.2).
        """
        if now >= self.expires_at:
            raise InvalidGrant("the code has expired")
        if redirect_uri != self.redirect_uri:
            raise InvalidGrant("redirect_uri is not the one that the code was sent to")
        if not pkce.proves(verifier, self.code_challenge):
            raise InvalidGrant("code_verifier does not fit the code_challenge")
        ensure_same(resource, self.resource)
        client.ensure_grant("authorization_code")
