"""Which tokens an application takes, beside sessions: none that nobody has meant for it (RFC 9700 2.3)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from ostiary.errors import NotAllowed, SessionInvalid

GATEWAY: Final = "gateway"  # the scope with which a CLI token may be used at applications


@dataclass(frozen=True, slots=True)
class Taking:
    """What an application was told to take. With neither, no access token is anything to it.

    Attributes:
        audience: what `aud` of an access token has to name. The authority itself, which all of them name, is not one.
        scope: what an access token has to have been granted; it also lets a CLI token in, as `gateway` always does.
    """

    audience: str | None = None
    scope: str | None = None

    def __bool__(self) -> bool:
        """Whether any access token is taken."""
        return self.audience is not None or self.scope is not None

    def ensure_access_token(self, audience: Collection[str], scopes: Collection[str]) -> None:
        """Return if the application takes an access token.

        Args:
            audience: whom it is for, beside the authority.
            scopes: what it was granted.

        Raises:
            SessionInvalid: the application takes none, or it is for somebody else (RFC 6750 3.1, `invalid_token`).
            NotAllowed: it was not granted the scope (`insufficient_scope`).
        """
        if not self:
            raise SessionInvalid("access tokens are not taken here: no audience and no scope is configured")
        if self.audience is not None and self.audience not in audience:
            raise SessionInvalid("the access token is not for this audience")
        if self.scope is not None and self.scope not in scopes:
            raise NotAllowed(f"this access token lacks the scope {self.scope}", scope=self.scope)

    def ensure_cli_token(self, scopes: Collection[str]) -> None:
        """Return if the application takes a CLI token.

        Raises:
            NotAllowed: it was made for something else.
        """
        if GATEWAY not in scopes and (self.scope is None or self.scope not in scopes):
            raise NotAllowed(f"this CLI token lacks the scope {GATEWAY}", scope=GATEWAY)
