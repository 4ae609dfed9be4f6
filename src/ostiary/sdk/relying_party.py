"""What an OIDC client knows of its authority without asking: where to send browsers, and what may come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import urlencode

from ostiary.contract.calling import HasHeaders
from ostiary.errors import ConfigurationError
from ostiary.sdk.authorization import AuthorizationRequest, Kept, Prompt, new_request, read_answer
from ostiary.sdk.id_tokens import IdToken, read_id_token
from ostiary.sdk.incoming import query_of
from ostiary.sdk.terms import Terms

Answered: TypeAlias = str | Mapping[str, str] | HasHeaders
LOGOUT = "/oauth/logout"


class RelyingParty:
    """The part of both clients that sends nothing. OIDC calls an application that signs people in elsewhere so."""

    _terms: Terms

    def authorization_url(
        self,
        *,
        redirect_uri: str,
        scope: str | Sequence[str] = ("profile", "email"),
        prompt: Prompt | Sequence[Prompt] | None = None,
        max_age: int | None = None,
        login_hint: str | None = None,
        more: Mapping[str, str] | None = None,
    ) -> AuthorizationRequest:
        """Begin to sign a person in: where to send the browser, and what to keep in it for `callback()`.

        PKCE (S256), state and nonce are made anew for each request. Nothing is sent.

        Args:
            redirect_uri: one that the client has registered; the browser comes back there.
            scope: what to ask for; `openid` always is.
            prompt: `login` has the person prove who they are again, `none` shows no page.
            max_age: the oldest proof that will do, in seconds; `callback()` holds it. `why.max_age` of a
                `ReauthenticationRequired` is one.
            login_hint: the username, to be filled in.
            more: other parameters, such as `resource` or `ui_locales`.

        Raises:
            ConfigurationError: there is no `client_id`.
        """
        return new_request(
            self._terms.issuer,
            self._terms.client_id,
            redirect_uri=redirect_uri,
            scope=scope,
            prompt=prompt,
            max_age=max_age,
            login_hint=login_hint,
            more=more or {},
        )

    def logout_url(
        self, *, id_token: str | None = None, post_logout_redirect_uri: str | None = None, state: str | None = None
    ) -> str:
        """Where to send a browser to sign out at the authority, too (OIDC RP-Initiated Logout 1.0).

        Args:
            id_token: the newest one that your application holds: with it the person is not asked.
            post_logout_redirect_uri: one that the client has registered.
            state: comes back with the browser.
        """
        asked = {
            "client_id": self._terms.client_id,
            "id_token_hint": id_token,
            "post_logout_redirect_uri": post_logout_redirect_uri,
            "state": state,
        }
        query = urlencode({name: value for name, value in asked.items() if value})
        return f"{self._terms.issuer}{LOGOUT}{'?' if query else ''}{query}"

    def _code(self, answer: Answered, checks: str) -> tuple[str, Kept]:
        given = answer if isinstance(answer, str | Mapping) else query_of(answer)
        return read_answer(given, checks, self._terms.issuer)

    def _id_token(self, text: str, key: Any, nonce: str | None, max_age: int | None) -> IdToken:
        client_id = self._terms.client_id
        if client_id is None:
            raise ConfigurationError("client_id: an ID token is for an OAuth client; give client_id")
        now = datetime.now(UTC)
        return read_id_token(
            text, key, issuer=self._terms.issuer, client_id=client_id, now=now, nonce=nonce, max_age=max_age
        )
