"""CLI tokens: long-lived named bearers (`ost_…`) with a lifecycle of their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from ostiary.errors import OstiaryError, TokenExpired, TokenRevoked

TokenStatus: TypeAlias = Literal["active", "expired", "revoked"]


@dataclass(frozen=True, slots=True)
class CliToken:
    """One row of the store, without its secret's hash.

    Attributes:
        id: public, `ost_…`; the bearer is `<id>.<secret>`.
        scopes: what it may do; never more than its maker had.
        expires_at: None for no expiry.
        minted_by: the user or CLI token that made it.
        session_id: the session it was made in, so that a leaked one leads to what hangs on it.
    """

    id: str
    user_id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    minted_by: str | None = None
    session_id: str | None = None

    def refusal(self, now: datetime) -> OstiaryError | None:
        """Why it may not be used at `now`, or None."""
        if self.revoked_at is not None:
            return TokenRevoked(self.revoked_at)
        if self.expires_at is not None and now >= self.expires_at:
            return TokenExpired(self.expires_at)
        return None

    def status(self, now: datetime) -> TokenStatus:
        """What to show."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and now >= self.expires_at else "active"
