"""How far a credential reaches: the scopes that there are, and what they cover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from ostiary.core.account import User
from ostiary.core.disclosure import without_admin
from ostiary.errors import NotAllowed

Scope: TypeAlias = Literal[
    "sessions:read", "sessions:revoke", "tokens:manage", "gateway", "feed:read", "metrics:read", "admin"
]

By: TypeAlias = Literal["session", "cli_token", "access_token"]

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
ORDINARY_SCOPES: Final[tuple[Scope, ...]] = ("sessions:read", "sessions:revoke", "tokens:manage")  # given unasked
USER_SCOPES: Final[tuple[Scope, ...]] = (*ORDINARY_SCOPES, "gateway")  # what anybody may give
NOT_WITHIN_ADMIN: Final[frozenset[str]] = frozenset({"gateway"})  # `admin` is for this server, not for applications


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a credential reaches, whoever's it is: a session as far as its user, a token as far as its scopes.

    Attributes:
        by: what was presented.
        scopes: of a token; None for a session.
    """

    by: By
    scopes: tuple[str, ...] | None = None

    @property
    def includes_admin(self) -> bool:
        """True if it acts as an administrator where its user is one. No access token ever does."""
        return self.by == "session" or (self.by == "cli_token" and "admin" in (self.scopes or ()))

    def roles_of(self, user: User) -> tuple[str, ...]:
        """The user's roles, without `admin` where it does not reach so far."""
        return user.roles if self.includes_admin else without_admin(user.roles)

    def ensure(self, user: User, *, role: str | None = None, scope: str | None = None) -> None:
        """Return if an application may let it do what asks for this role, this scope, or both.

        A session has every scope. A token acts for a user in some things only, so a role alone is not enough for it:
        the scope must be named that covers the act (a CLI token's own scope `admin` covers all).

        Raises:
            NotAllowed: the role or the scope lacks.
        """
        if scope is not None and self.scopes is not None and scope not in self.scopes:
            raise NotAllowed(f"this token lacks the scope {scope}", scope=scope)
        if role is None:
            return
        if role not in user.roles:
            raise NotAllowed(f"this needs the role {role}", role=role)
        if self.includes_admin or not (role == "admin" or scope is None):
            return
        if self.by == "access_token":
            raise NotAllowed("this needs a session: sign in, a token cannot do it", role=role)
        raise NotAllowed("this CLI token lacks the scope admin", scope="admin")
